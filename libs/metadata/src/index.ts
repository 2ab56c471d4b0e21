export * from './changes.ts';
export * from './image.ts';
export * from './store.ts';
