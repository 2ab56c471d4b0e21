export type { AssignorName } from './group/assignors/assignor.ts';
export * from './config.ts';
export * from './group/commands.ts';
export * from './group/modern/commands.ts';
export { REBALANCE_REASONS, type RebalanceReason } from './group/rebalance.ts';
export * from './group-coordinator.ts';
export * from './memory-group-store.ts';
export * from './ports.ts';
