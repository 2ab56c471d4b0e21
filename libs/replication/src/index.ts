export * from './isr-change.ts';
export { IsrChanges, type IsrChangesDeps } from './isr-changes.ts';
export type { Leadership, ReplicationConfig } from './leadership.ts';
export * from './partition.ts';
export type { FetcherConfig } from './replica-fetcher.ts';
export { ReplicaFetchers } from './replica-fetchers.ts';
export type { FollowerFetch, Replica } from './replica.ts';
