export type { Totals } from './accounting.ts';
export { AedesEngine, type AedesEngineOptions } from './aedes-engine/aedes-engine.ts';
export { DEAD_LETTERS_TOPIC } from './dead-letter.ts';
export * from './dry-run.ts';
export * from './door.ts';
export * from './engine.ts';
export { Intake, INTAKE_LIMITS, type IntakeLimits, type IntakeOptions, STATUS_TOPIC } from './intake.ts';
export * from './record.ts';
