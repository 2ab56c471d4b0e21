// Seed 53002018 of three nodes: a follower started where its leader's log started, led, and knew no producer.
import { Uuid } from '@milepost/core';
import { partitionsOf, type SentBatch, type SimPartition } from '../model/observation.ts';
import type { Checker } from './checker.ts';
import { NoDuplicates } from './no-duplicates.ts';
import { OrderPerPartition } from './order-per-partition.ts';

const NOW = { monotonic: 0, wall: 0 };

function partitionOf(replicas: number): SimPartition {
  const [partition] = partitionsOf({
    id: Uuid('00000000-0000-4000-8000-000000000001'),
    name: 't',
    partitions: 1,
    isSteady: true,
    isCompacted: false,
    retentionMs: 1_000,
    retentionBytes: -1,
    replicas,
    minInsyncReplicas: 1,
  });
  return partition as SimPartition;
}

/** Records 0 and 1 are read at 0 and 1, then record 0 at 2, where the log starts at `start`. */
function storedAgain(checker: Checker, replicas: number, start: number): string | undefined {
  const partition = partitionOf(replicas);
  const records = [0, 1].map((number) => ({ text: `p/${number}`, key: 'k', producer: 'p', number, timestamp: 0 }));
  const batch: SentBatch = { partition, records, isIdempotent: true, sizeBytes: 1 };
  const read = (from: number, numbers: readonly number[]): string | undefined => {
    const found = numbers.map((number, at) => ({ offset: from + at, key: 'k', text: `p/${number}`, timestamp: 0 }));
    return checker.see({ kind: 'read', partition, from, upTo: from + numbers.length, records: found }, NOW);
  };
  checker.see({ kind: 'sent', batch }, NOW);
  expect(read(0, [0, 1])).toBeUndefined();
  checker.see({ kind: 'bounds', partition, askedAt: 0, mayBeStale: false, start }, NOW);
  return read(2, [0]);
}

test.each([
  ['an idempotent producer has no duplicates', () => new NoDuplicates()],
  ['records stand in the order in which they were sent', () => new OrderPerPartition()],
])('%s: a batch may be stored again once its first copy is deleted, where another replica leads', (_, checker) => {
  expect(storedAgain(checker(), 3, 2)).toBeUndefined();
  expect(storedAgain(checker(), 3, 0)).toContain('p/0');
  expect(storedAgain(checker(), 1, 2)).toContain('p/0');
});
