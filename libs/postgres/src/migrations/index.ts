// All migrations, in the order of their numbers. A new one gets its own file, its line here, and its entities in
// ../entities/index.ts; one that has been released is never changed again.
import { Metadata1763800000000 } from './1763800000000-metadata.ts';
import { Groups1763800000001 } from './1763800000001-groups.ts';
import { Alerts1763800000002 } from './1763800000002-alerts.ts';
import { ClientConfigs1763800000003 } from './1763800000003-client-configs.ts';
import { MetadataChanges1763800000004 } from './1763800000004-metadata-changes.ts';
import { BrokerLeases1763800000010 } from './1763800000010-broker-leases.ts';
import { BrokerIncarnations1763800000011 } from './1763800000011-broker-incarnations.ts';
import { Transactions1763800000020 } from './1763800000020-transactions.ts';
import { Cluster1763800000030 } from './1763800000030-cluster.ts';
import { ShardLeaders1763800000031 } from './1763800000031-shard-leaders.ts';
import { ScramUsers1763800000044 } from './1763800000044-scram-users.ts';
import { Acls1763800000051 } from './1763800000051-acls.ts';
import { BrokerHistories1763800000052 } from './1763800000052-broker-histories.ts';
import { BrokerListeners1763800000053 } from './1763800000053-broker-listeners.ts';
import { Devices1763800000060 } from './1763800000060-devices.ts';
import { HttpAccess1763800000070 } from './1763800000070-http-access.ts';
import { MqttSessions1763900000000 } from './1763900000000-mqtt-sessions.ts';
import { Routes1764000000000 } from './1764000000000-routes.ts';
import { Rules1764100000000 } from './1764100000000-rules.ts';
import { SchemaRegistry1764200000000 } from './1764200000000-schema-registry.ts';
import { DelegationTokens1764300000000 } from './1764300000000-delegation-tokens.ts';
import { DeviceCertificates1764350000000 } from './1764350000000-device-certificates.ts';
import { SharePartitions1764400000000 } from './1764400000000-share-partitions.ts';
import { HttpProviderSessions1764450000000 } from './1764450000000-http-provider-sessions.ts';

export const migrations = [
  Metadata1763800000000,
  Groups1763800000001,
  Alerts1763800000002,
  ClientConfigs1763800000003,
  MetadataChanges1763800000004,
  BrokerLeases1763800000010,
  BrokerIncarnations1763800000011,
  Transactions1763800000020,
  Cluster1763800000030,
  ShardLeaders1763800000031,
  ScramUsers1763800000044,
  Acls1763800000051,
  BrokerHistories1763800000052,
  BrokerListeners1763800000053,
  Devices1763800000060,
  HttpAccess1763800000070,
  MqttSessions1763900000000,
  Routes1764000000000,
  Rules1764100000000,
  SchemaRegistry1764200000000,
  DelegationTokens1764300000000,
  DeviceCertificates1764350000000,
  SharePartitions1764400000000,
  HttpProviderSessions1764450000000,
];
