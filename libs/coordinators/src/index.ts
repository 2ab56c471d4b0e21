export type { AssignorName } from './group/assignors/assignor.ts';
export * from './group/config.ts';
export * from './group/commands.ts';
export * from './group/consumer/commands.ts';
export { REBALANCE_REASONS, type RebalanceReason } from './group/classic/rebalance.ts';
export * from './group/group-coordinator.ts';
export * from './group/memory-group-store.ts';
export * from './ports.ts';
