export * from './batch-tracer.ts';
export * from './gauge-family.ts';
export * from './logger.ts';
export * from './prometheus-meter.ts';
export { RepetitionLogger } from './repetitions.ts';
export * from './tracing.ts';
