import { ErrorCode, LeaderEpoch, NO_TIMESTAMP, Offset } from '@milepost/core';
import type { AppendOutcome, Log, TransactionMarker } from '@milepost/log';
import { type FlushPolicy, Partition } from './partition.ts';

/** A log whose disk syncs when the test says so. */
class FakeLog {
  readonly topic = 'trucks';
  readonly partition = 3;
  logEndOffset = Offset(0);
  flushedOffset = Offset(0);
  failed = false;
  syncs = 0;
  epochs: number[] = [];
  #ends: (() => void)[] = [];
  #fails: ((failure: Error) => void)[] = [];

  append(_: Buffer, epoch: LeaderEpoch): AppendOutcome {
    this.epochs.push(epoch);
    const baseOffset = this.logEndOffset;
    this.logEndOffset = Offset(baseOffset + 1);
    return {
      error: ErrorCode.NONE,
      baseOffset,
      lastOffset: baseOffset,
      logAppendTimeMs: NO_TIMESTAMP,
      duplicate: false,
    };
  }
  appendMarker(_: TransactionMarker, epoch: LeaderEpoch): AppendOutcome {
    return this.append(Buffer.alloc(0), epoch);
  }
  readonly begun: LeaderEpoch[] = [];
  beginEpoch(epoch: LeaderEpoch): void {
    this.begun.push(epoch);
  }
  deletedSegments = 0;
  async applyRetention(): Promise<number> {
    return this.deletedSegments;
  }
  sync(): Promise<void> {
    this.syncs++;
    const upTo = this.logEndOffset;
    return new Promise((resolve, reject) => {
      this.#fails.push(reject);
      this.#ends.push(() => {
        this.flushedOffset = upTo;
        resolve();
      });
    });
  }
  async syncEnds(): Promise<void> {
    this.#ends.shift()?.();
    await ticks();
  }
  async syncFails(): Promise<void> {
    this.#fails.shift()?.(new Error('EIO'));
    await ticks();
  }
}

async function ticks(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

const batch = Buffer.alloc(100);

function given(flush: FlushPolicy) {
  const log = new FakeLog();
  const failures: unknown[] = [];
  const watcherFailures: unknown[] = [];
  const partition = new Partition(log as unknown as Log, LeaderEpoch(4), flush, {
    failed: (_, failure) => failures.push(failure),
    watcherFailed: (_, failure) => watcherFailures.push(failure),
  });
  const seen: number[] = [];
  partition.watch(() => seen.push(partition.highWatermark));
  return { log, partition, seen, failures, watcherFailures };
}

test('the log learns of an epoch before its first batch', () => {
  const { log, partition } = given('always');
  partition.lead(LeaderEpoch(5));
  expect(log.begun).toEqual([4, 5]);
});

test('with flush always the high watermark waits for the sync', async () => {
  const { log, partition, seen } = given('always');
  partition.append(batch);
  await ticks();
  expect(partition.highWatermark).toBe(0);
  expect(seen).toEqual([]);
  await log.syncEnds();
  expect(partition.highWatermark).toBe(1);
  expect(seen).toEqual([1]);
  expect(partition.committedBytes).toBe(100);
});

test('appends of one turn share a sync, those during a sync share the next', async () => {
  const { log, partition, seen } = given('always');
  partition.append(batch);
  partition.append(batch);
  await ticks();
  expect(log.syncs).toBe(1);
  partition.append(batch);
  partition.append(batch);
  await log.syncEnds();
  expect(log.syncs).toBe(2);
  expect(partition.committedBytes).toBe(200);
  await log.syncEnds();
  expect(log.syncs).toBe(2);
  expect(seen).toEqual([2, 4]);
});

test('with flush os an append is committed, and watchers are notified after the turn', async () => {
  const { log, partition, seen } = given('os');
  partition.append(batch);
  expect(partition.highWatermark).toBe(1);
  expect(seen).toEqual([]);
  await ticks();
  expect(seen).toEqual([1]);
  expect(log.syncs).toBe(0);
});

test('after a failed sync the high watermark stands still, nothing more is accepted, and waiters are woken', async () => {
  const { log, partition, seen, failures } = given('always');
  partition.append(batch);
  await ticks();
  await log.syncFails();
  expect(failures).toHaveLength(1);
  expect(partition.isFailed).toBe(true);
  expect(partition.highWatermark).toBe(0);
  expect(seen).toEqual([0]);
  expect(partition.append(batch).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(log.logEndOffset).toBe(1);
});

test('batches carry the epoch in which they were appended', () => {
  const { log, partition } = given('os');
  partition.append(batch);
  partition.lead(LeaderEpoch(5));
  partition.append(batch);
  expect(log.begun).toEqual([4, 5]);
});

test('a watcher that has stopped watching is not called', async () => {
  const { partition, seen } = given('os');
  const stop = partition.watch(() => seen.push(-1));
  stop();
  partition.append(batch);
  await ticks();
  expect(seen).toEqual([1]);
});

test('a retired partition wakes waiters and accepts nothing more', () => {
  const { partition, seen, failures } = given('always');
  partition.retire();
  expect(seen).toEqual([0]);
  expect(partition.append(batch).error).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(failures).toHaveLength(0);
});

test('a watcher that throws does not fail the partition, and the others are still notified', async () => {
  const { log, partition, seen, failures, watcherFailures } = given('always');
  const later: number[] = [];
  partition.watch(() => {
    throw new Error('a bug of a waiter');
  });
  partition.watch(() => later.push(partition.highWatermark));
  partition.append(batch);
  await ticks();
  await log.syncEnds();
  expect(watcherFailures).toEqual([new Error('a bug of a waiter')]);
  expect(failures).toEqual([]);
  expect(partition.isFailed).toBe(false);
  expect([seen, later]).toEqual([[1], [1]]);
  partition.append(batch);
  await ticks();
  await log.syncEnds();
  expect([seen, later]).toEqual([
    [1, 2],
    [1, 2],
  ]);
  expect(watcherFailures).toHaveLength(1);
});

test('watchers are notified of what retention deletes', async () => {
  const { log, partition, seen } = given('always');
  await partition.applyRetention(0);
  expect(seen).toEqual([]);
  log.deletedSegments = 2;
  await partition.applyRetention(0);
  expect(seen).toEqual([0]);
});

test('a high watermark that would decrease stops the partition instead', async () => {
  const { log, partition, seen, failures } = given('always');
  partition.append(batch);
  await ticks();
  await log.syncEnds();
  partition.append(batch);
  log.flushedOffset = Offset(0);
  log.logEndOffset = Offset(0);
  await ticks();
  await log.syncEnds();
  expect(failures).toEqual([expect.objectContaining({ message: expect.stringContaining('high watermark 0 after 1') })]);
  expect(partition.isFailed).toBe(true);
  expect(seen).toEqual([1, 0]);
});

test('a leader epoch never goes back', () => {
  const { partition } = given('always');
  partition.lead(LeaderEpoch(5));
  expect(() => partition.lead(LeaderEpoch(4))).toThrow('leader epoch 4 after 5');
  expect(partition.leaderEpoch).toBe(5);
});

const marker = { producerId: 1n, producerEpoch: 0, coordinatorEpoch: 0, isCommit: true, transactionVersion: 2 };

test('a marker is answered when it is committed, not before', async () => {
  const { log, partition } = given('always');
  let answer: ErrorCode | undefined;
  void partition.appendMarker(marker).then((error) => {
    answer = error;
  });
  await ticks();
  expect(answer).toBeUndefined();
  await log.syncEnds();
  expect(answer).toBe(ErrorCode.NONE);
  expect(partition.highWatermark).toBe(1);
});

test('a marker that cannot be committed any more is answered with the reason', async () => {
  const failing = given('always');
  const failed = failing.partition.appendMarker(marker);
  await ticks();
  await failing.log.syncFails();
  expect(await failed).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  expect(await failing.partition.appendMarker(marker)).toBe(ErrorCode.KAFKA_STORAGE_ERROR);

  const moving = given('always');
  const moved = moving.partition.appendMarker(marker);
  moving.partition.lead(LeaderEpoch(5));
  await ticks();
  await moving.log.syncEnds();
  expect(await moved).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
});
