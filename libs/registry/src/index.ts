export * from './fingerprint.ts';
export * from './memory-store.ts';
export * from './refusal.ts';
export * from './registry.ts';
export * from './scopes.ts';
export * from './store.ts';
