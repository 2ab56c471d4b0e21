// Every table of the migrations has its entity in this list: drift.test.ts compares the two.
import { AlertRow, DeliveryRow, RuleChangesRow, RuleProgressRow, RuleRow, TruckStateRow } from './alerts.ts';
import { DeviceChangesRow, DeviceRow } from './devices.ts';
import { CoordinatorShardRow, GroupOffsetRow, GroupPendingOffsetRow, GroupRow } from './groups.ts';
import { HttpSessionRow, HttpTokenRow, HttpUserRow } from './http-access.ts';
import {
  AclRow,
  BrokerConfigRow,
  BrokerLeaseRow,
  BrokerRow,
  ClientMetricsConfigRow,
  ClientQuotaRow,
  ClusterRow,
  ControllerRow,
  DecoySecretRow,
  GroupConfigRow,
  MetadataChangesRow,
  MetadataVersionRow,
  PartitionRow,
  ProducerIdRow,
  ScramUserRow,
  TopicRow,
} from './metadata.ts';
import { MqttQueuedMessageRow, MqttRetainedMessageRow, MqttSessionRow, MqttWillRow } from './mqtt-sessions.ts';
import { RouteChangesRow, RouteRow } from './routes.ts';
import { SchemaReferenceRow, SchemaRegistryRow, SchemaRow, SchemaScopeRow, SchemaVersionRow } from './schemas.ts';
import { TransactionRow, TransactionShardRow } from './transactions.ts';

export const entities = [
  ClusterRow,
  ControllerRow,
  MetadataVersionRow,
  MetadataChangesRow,
  BrokerRow,
  BrokerLeaseRow,
  TopicRow,
  PartitionRow,
  BrokerConfigRow,
  GroupConfigRow,
  ClientMetricsConfigRow,
  ClientQuotaRow,
  ScramUserRow,
  DecoySecretRow,
  AclRow,
  ProducerIdRow,
  CoordinatorShardRow,
  GroupRow,
  GroupOffsetRow,
  GroupPendingOffsetRow,
  TransactionShardRow,
  TransactionRow,
  RuleRow,
  RuleChangesRow,
  RuleProgressRow,
  TruckStateRow,
  AlertRow,
  DeliveryRow,
  HttpUserRow,
  HttpSessionRow,
  HttpTokenRow,
  DeviceRow,
  DeviceChangesRow,
  MqttSessionRow,
  MqttQueuedMessageRow,
  MqttRetainedMessageRow,
  MqttWillRow,
  RouteRow,
  RouteChangesRow,
  SchemaRegistryRow,
  SchemaRow,
  SchemaReferenceRow,
  SchemaVersionRow,
  SchemaScopeRow,
];
