export * from './batch.ts';
export * from './batch-builder.ts';
export * from './batch-rewrite.ts';
export * from './compression.ts';
export * from './control-record.ts';
export * from './crc32c.ts';
export * from './record-cursor.ts';
export { type Stepping } from './unpack-in-steps.ts';
export { UnpacksToMore } from './unpacked.ts';
