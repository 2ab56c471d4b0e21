export * from './compact.ts';
export * from './road-cache.ts';
export * from './road-class.ts';
export * from './roads.ts';
export * from './router.ts';
