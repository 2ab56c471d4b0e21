export * from './connect.ts';
export * from './embedded.ts';
export * from './postgres-alert-store.ts';
export * from './postgres-group-store.ts';
export * from './postgres-metadata-store.ts';
