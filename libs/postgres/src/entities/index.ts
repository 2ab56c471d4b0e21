// Every table of the migrations has its entity in this list: drift.test.ts compares the two.
import { AlertRow, DeliveryRow, RuleProgressRow, RuleRow, TruckStateRow } from './alerts.ts';
import { CoordinatorShardRow, GroupOffsetRow, GroupPendingOffsetRow, GroupRow } from './groups.ts';
import {
  BrokerConfigRow,
  BrokerLeaseRow,
  BrokerRow,
  ClientMetricsConfigRow,
  ClientQuotaRow,
  ClusterRow,
  ControllerRow,
  GroupConfigRow,
  MetadataChangesRow,
  MetadataVersionRow,
  PartitionRow,
  ProducerIdRow,
  TopicRow,
} from './metadata.ts';
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
  ProducerIdRow,
  CoordinatorShardRow,
  GroupRow,
  GroupOffsetRow,
  GroupPendingOffsetRow,
  TransactionShardRow,
  TransactionRow,
  RuleRow,
  RuleProgressRow,
  TruckStateRow,
  AlertRow,
  DeliveryRow,
];
