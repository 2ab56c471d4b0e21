export type { AssignorName } from './group/assignors/assignor.ts';
export * from './group/consumer/commands.ts';
export type { PartitionWriter } from './echo/partition-writer.ts';
export { RestoringGroupStore } from './group/echo/restoring-group-store.ts';
export * from './group/group-coordinator.ts';
export * from './group/memory-group-store.ts';
export * from './group/model/commands.ts';
export * from './group/model/config.ts';
export { REBALANCE_REASONS, type RebalanceReason } from './group/model/rebalance-reason.ts';
export * from './group/model/store.ts';
export * from './group/model/topic-catalog.ts';
export * from './group/share/commands.ts';
export { shardOf } from './runtime/shard-of.ts';
export {
  CoordinatorStoreUnavailable,
  fenceOf,
  type Leadership,
  type ShardEpoch,
  ShardFenced,
  type ShardLeader,
} from './runtime/shard-store.ts';
export type {
  AcknowledgedRange,
  Acknowledgement,
  AcquiredRecords,
  InFlightContent,
  StoredRun,
} from './share/in-flight.ts';
export * from './share/memory-share-state-store.ts';
export { type Outcome, SharePartition, type ShareSettings } from './share/share-partition.ts';
export * from './share/share-state-store.ts';
export { RestoringTransactionStore } from './transaction/echo/restoring-transaction-store.ts';
export * from './transaction/memory-transaction-store.ts';
export * from './transaction/model/commands.ts';
export * from './transaction/model/config.ts';
export * from './transaction/model/markers.ts';
export * from './transaction/model/store.ts';
export type { Transaction, TransactionState, TransactionVersion } from './transaction/model/transaction.ts';
export * from './transaction/transaction-coordinator.ts';
