export * from './chassis.module.ts';
export * from './lifecycle.ts';
export * from './program.ts';
export * from './run.ts';
export * from './tokens.ts';
