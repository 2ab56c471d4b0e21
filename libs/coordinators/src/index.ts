export * from './config.ts';
export * from './group/commands.ts';
export * from './group-coordinator.ts';
export * from './memory-group-store.ts';
export * from './ports.ts';
