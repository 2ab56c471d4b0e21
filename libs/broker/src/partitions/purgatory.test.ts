import type { Clock } from '@milepost/core';
import type { Partition } from '@milepost/replication';
import { Purgatory } from './purgatory.ts';

class FakePartition {
  readonly watchers = new Set<() => void>();
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }
  move(): void {
    for (const watcher of this.watchers) watcher();
  }
}

function given() {
  const timers = new Set<() => void>();
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (_, run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  };
  const partition = new FakePartition();
  const partitions = [partition as unknown as Partition];
  return { purgatory: new Purgatory(clock), timers, partition, partitions };
}

test('a condition that is already met does not wait', async () => {
  const { purgatory, partitions, timers } = given();
  expect(await purgatory.wait({ partitions, timeoutMs: 100, isMet: () => true })).toBe('met');
  expect(timers.size).toBe(0);
});

test('a change of a partition ends the wait whose condition it meets, and nothing remains', async () => {
  const { purgatory, partitions, partition, timers } = given();
  let ready = false;
  const waiting = purgatory.wait({ partitions, timeoutMs: 100, isMet: () => ready });
  partition.move();
  expect(purgatory.size).toBe(1);
  ready = true;
  partition.move();
  expect(await waiting).toBe('met');
  expect([purgatory.size, partition.watchers.size, timers.size]).toEqual([0, 0, 0]);
});

test('a wait ends when its time is over', async () => {
  const { purgatory, partitions, partition, timers } = given();
  const waiting = purgatory.wait({ partitions, timeoutMs: 100, isMet: () => false });
  for (const run of timers) run();
  expect(await waiting).toBe('expired');
  expect([purgatory.size, partition.watchers.size]).toEqual([0, 0]);
});

test('the wait of a client that is gone ends', async () => {
  const { purgatory, partitions, partition, timers } = given();
  const gone: (() => void)[] = [];
  const waiting = purgatory.wait({
    partitions,
    timeoutMs: 100,
    isMet: () => false,
    onGone: (run) => {
      gone.push(run);
      return () => {};
    },
  });
  gone[0]?.();
  expect(await waiting).toBe('gone');
  expect([purgatory.size, partition.watchers.size, timers.size]).toEqual([0, 0, 0]);
});

test('closing ends all waits, and none begins', async () => {
  const { purgatory, partitions } = given();
  const waiting = purgatory.wait({ partitions, timeoutMs: 100, isMet: () => false });
  purgatory.close();
  expect(await waiting).toBe('expired');
  expect(await purgatory.wait({ partitions, timeoutMs: 100, isMet: () => false })).toBe('expired');
});
