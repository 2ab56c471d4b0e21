// A world that one seed determines. For tests: no program imports this.
export * from './sim-clock.ts';
export * from './sim-disk.ts';
export type { DiskOperation } from './sim-disk-file.ts';
export * from './sim-link.ts';
export * from './sim-machine.ts';
export * from './sim-host.ts';
export * from './sim-deflater.ts';
export * from './sim-inflater.ts';
export * from './sim-key-derivation.ts';
export * from './sim-network.ts';
export * from './sim-random.ts';
export * from './sim-database.ts';
export * from './sim-life.ts';
export * from './sim-node.ts';
export * from './trace.ts';
export { GROUP_SHARDS, type Scenario } from './scenario.ts';
export { type Conditions, type Outcome, simulate, type Violation } from './simulation.ts';
