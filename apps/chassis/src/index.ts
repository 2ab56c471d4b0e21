export * from './chassis.module.ts';
export * from './database.module.ts';
export * from './kafka-address.ts';
export * from './kafka-from-settings.module.ts';
export * from './lifecycle.ts';
export * from './program.ts';
export * from './run.ts';
export * from './tokens.ts';
