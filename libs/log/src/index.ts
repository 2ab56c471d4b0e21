export * from './log-config.ts';
export * from './log-directory.ts';
export * from './log.ts';
export * from './outcomes.ts';
