export { readText, replaceText } from './checkpoint.ts';
export { type CleanerSettings, LogCleaner } from './log-cleaner.ts';
export * from './log-config.ts';
export * from './log-directory.ts';
export { Log } from './log.ts';
export { type FlushPolicy, LogFailed } from './log-context.ts';
export { LogDirectoryRefused } from './meta-properties.ts';
export * from './outcomes.ts';
export type { ReadOptions } from './read.ts';
