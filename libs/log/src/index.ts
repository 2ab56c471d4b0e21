export * from './log-config.ts';
export * from './log-directory.ts';
export { Log, LogFailed } from './log.ts';
export { LogDirectoryRefused } from './meta-properties.ts';
export * from './outcomes.ts';
export type { ReadOptions } from './read.ts';
