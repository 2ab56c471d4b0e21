export * from './logger.ts';
export * from './prometheus-meter.ts';
