export * from './gauge-family.ts';
export * from './logger.ts';
export * from './prometheus-meter.ts';
