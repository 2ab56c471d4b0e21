export type { Manifest } from './format.ts';
export { inMegabytes } from './progress.ts';
export { RESTORING, type RestoreOptions, restoreBackup } from './restore-backup.ts';
export { type BackupOptions, takeBackup, type TakenBackup } from './take-backup.ts';
