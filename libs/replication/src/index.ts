export * from './partition.ts';
