export * from './alert.ts';
export * from './deliverer.ts';
export * from './evaluation.ts';
export * from './ports.ts';
export * from './rule.ts';
export * from './rule-engine.ts';
export * from './truck-state.ts';
