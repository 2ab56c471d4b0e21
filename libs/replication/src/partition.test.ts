import { BrokerId, ErrorCode, LeaderEpoch, NO_TIMESTAMP, Offset, Uuid } from '@milepost/core';
import {
  type AppendOutcome,
  defaultLogConfig,
  type FollowerAppendOutcome,
  type Log,
  type LogConfig,
  type TransactionMarker,
} from '@milepost/log';
import type { PartitionState } from '@milepost/metadata';
import { ManualClock } from '../../core/src/testing/manual-clock.ts';
import type { IsrProposal } from './isr-change.ts';
import { type FlushPolicy, Partition } from './partition.ts';

/** A log whose disk syncs when the test says so. */
class FakeLog {
  readonly topic = 'trucks';
  readonly topicId = Uuid('11111111-2222-4333-8444-555555555555');
  readonly partition = 3;
  config: LogConfig = defaultLogConfig;
  highWatermark = Offset(0);
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
  appendAsFollower(records: Buffer): FollowerAppendOutcome {
    this.logEndOffset = Offset(this.logEndOffset + 1);
    return { error: ErrorCode.NONE, sizeBytes: records.length };
  }
  readonly begun: LeaderEpoch[] = [];
  beginEpoch(epoch: LeaderEpoch): void {
    this.begun.push(epoch);
  }
  deletedSegments = 0;
  retainedFrom: number[] = [];
  async applyRetention(_: number, upTo: Offset): Promise<number> {
    this.retainedFrom.push(upTo);
    return this.deletedSegments;
  }
  expired = 0;
  expireProducers(): void {
    this.expired++;
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

const [ME, TWO, THREE] = [BrokerId(1), BrokerId(2), BrokerId(3)];

const stateOf = (more: Partial<PartitionState> = {}): PartitionState => ({
  index: 3,
  replicas: [ME],
  isr: [ME],
  leader: ME,
  leaderEpoch: LeaderEpoch(4),
  partitionEpoch: 10,
  ...more,
});
const shared = (more: Partial<PartitionState> = {}): PartitionState =>
  stateOf({ replicas: [ME, TWO, THREE], isr: [ME, TWO, THREE], ...more });

const LAG_MS = 30_000;

function given(flush: FlushPolicy, state = stateOf()) {
  const log = new FakeLog();
  const clock = new ManualClock();
  const failures: unknown[] = [];
  const watcherFailures: unknown[] = [];
  const proposals: { proposal: IsrProposal; refused: () => void }[] = [];
  const active = new Map([
    [TWO, 22],
    [THREE, 33],
  ]);
  const partition = new Partition(log as unknown as Log, state, {
    brokerId: ME,
    flush,
    clock,
    lagTimeMs: LAG_MS,
    activeEpochOf: (id) => active.get(id),
    proposeIsr: (proposal, refused) => proposals.push({ proposal, refused }),
    reports: {
      failed: (_, failure) => failures.push(failure),
      watcherFailed: (_, failure) => watcherFailures.push(failure),
    },
  });
  const seen: number[] = [];
  partition.watch(() => seen.push(partition.highWatermark));
  const fetched = (id: BrokerId, offset: number, brokerEpoch = active.get(id) ?? -1): ErrorCode =>
    partition.fetchedByFollower(id, { fetchOffset: Offset(offset), logStartOffset: Offset(0), brokerEpoch });
  const appended = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) partition.append(batch);
    await ticks();
    await log.syncEnds();
  };
  return { log, clock, partition, seen, failures, watcherFailures, proposals, active, fetched, appended };
}

test('the log learns of an epoch before its first batch', () => {
  const { log, partition } = given('always');
  partition.become(stateOf({ leaderEpoch: LeaderEpoch(5), partitionEpoch: 11 }));
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
  partition.become(stateOf({ leaderEpoch: LeaderEpoch(5), partitionEpoch: 11 }));
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
  expect(failures).toEqual([
    expect.objectContaining({ message: expect.stringContaining('the log has 0, behind the high watermark 1') }),
  ]);
  expect(partition.isFailed).toBe(true);
  expect(seen).toEqual([1, 1]);
});

test('a leader epoch never goes back', () => {
  const { partition } = given('always');
  partition.become(stateOf({ leaderEpoch: LeaderEpoch(5), partitionEpoch: 11 }));
  expect(() => partition.become(stateOf({ partitionEpoch: 12 }))).toThrow('leader epoch 4 after 5');
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
  moving.partition.become(stateOf({ leaderEpoch: LeaderEpoch(5), partitionEpoch: 11 }));
  await ticks();
  await moving.log.syncEnds();
  expect(await moved).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
});

test('what another sync has brought to the disk is committed before acks=1 counts it', async () => {
  const { log, partition, seen } = given('always');
  partition.append(batch);
  await ticks();
  expect(partition.isDurable(Offset(0))).toBe(false);
  log.flushedOffset = Offset(1); // the sync of the commit waits behind this one
  expect(partition.isDurable(Offset(0))).toBe(true);
  expect([partition.highWatermark, ...seen]).toEqual([1, 1]);
});

describe('a leader with followers', () => {
  test('commits what every in-sync replica has told to have, and never takes it back', async () => {
    const { partition, seen, fetched, appended } = given('always', shared());
    await appended(5);
    expect([partition.highWatermark, partition.ownEnd]).toEqual([0, 5]);
    expect(fetched(TWO, 5)).toBe(ErrorCode.NONE);
    expect(partition.highWatermark).toBe(0);
    fetched(THREE, 3);
    expect(partition.highWatermark).toBe(3);
    fetched(THREE, 1); // it has lost its tail
    expect(partition.highWatermark).toBe(3);
    fetched(THREE, 5);
    expect([partition.highWatermark, partition.committedBytes]).toEqual([5, 500]);
    expect(seen).toEqual([0, 0, 3, 5]); // the second time because the first fetch says where that log starts
  });

  test('counts its own fsync too, however far its followers are', async () => {
    const { partition, log, fetched } = given('always', shared());
    partition.append(batch);
    await ticks();
    fetched(TWO, 1);
    fetched(THREE, 1);
    expect(partition.highWatermark).toBe(0);
    await log.syncEnds();
    expect(partition.highWatermark).toBe(1);
  });

  test('with flush os counts the ends of logs', () => {
    const { partition, fetched } = given('os', shared());
    partition.append(batch);
    fetched(TWO, 1);
    fetched(THREE, 1);
    expect(partition.highWatermark).toBe(1);
  });

  test('serves no broker that has no replica', () => {
    const { fetched } = given('always', shared());
    expect(fetched(BrokerId(9), 0)).toBe(ErrorCode.UNKNOWN_LEADER_EPOCH);
  });

  test('believes no request of an earlier life of a follower', async () => {
    const { partition, fetched, appended } = given('always', shared({ isr: [ME, TWO] }));
    await appended(2);
    expect(fetched(TWO, 1, 22)).toBe(ErrorCode.NONE);
    expect(fetched(TWO, 2, 21)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(partition.highWatermark).toBe(1);
  });

  test('proposes away who was not caught up for replica.lag.time.max.ms, and counts with them until it is done', async () => {
    const { partition, clock, fetched, appended, proposals } = given('always', shared());
    fetched(TWO, 0);
    fetched(THREE, 0);
    await appended(5);
    await clock.advance(LAG_MS);
    fetched(TWO, 5);
    partition.shrinkIsr();
    expect(proposals).toHaveLength(0);
    await clock.advance(1);
    partition.shrinkIsr();
    partition.shrinkIsr();
    expect(proposals.map(({ proposal }) => proposal)).toMatchObject([
      { leaderEpoch: 4, partitionEpoch: 10, members: [{ id: ME }, { id: TWO, brokerEpoch: 22 }] },
    ]);
    expect(partition.highWatermark).toBe(0);
    partition.become(shared({ isr: [ME, TWO], partitionEpoch: 11 }));
    expect(partition.highWatermark).toBe(5);
  });

  test('proposes away who is gone without waiting, and counts with it until that is done', async () => {
    const { partition, fetched, appended, proposals, active } = given('always', shared());
    fetched(TWO, 0);
    await appended(5);
    fetched(TWO, 5);
    active.delete(THREE);
    partition.shrinkIsr();
    expect(proposals[0]?.proposal.members.map(({ id }) => id)).toEqual([ME, TWO]);
    expect(partition.highWatermark).toBe(0);
    partition.become(shared({ isr: [ME, TWO], partitionEpoch: 11 }));
    expect(partition.highWatermark).toBe(5);
  });

  test('a follower at the leader’s end is in sync, however long nothing was written', async () => {
    const { partition, clock, fetched, proposals } = given('always', shared());
    fetched(TWO, 0);
    fetched(THREE, 0);
    await clock.advance(10 * LAG_MS);
    partition.shrinkIsr();
    expect(proposals).toEqual([]);
  });

  test('a follower that is always a little behind a busy leader stays in sync', async () => {
    const { partition, clock, fetched, appended, proposals } = given('always', shared({ isr: [ME, TWO] }));
    for (let n = 0; n < 10; n++) {
      await appended(10);
      fetched(TWO, n * 10);
      await clock.advance(LAG_MS / 2);
      partition.shrinkIsr();
    }
    expect(proposals).toEqual([]);
  });

  test('proposes a follower that has all that is committed, and counts with it from then on', async () => {
    const { partition, fetched, appended, proposals } = given('always', shared({ isr: [ME, TWO] }));
    await appended(2);
    fetched(TWO, 2);
    fetched(THREE, 1);
    expect([partition.highWatermark, proposals.length]).toEqual([2, 0]);
    fetched(THREE, 2);
    expect(proposals[0]?.proposal.members).toEqual([
      { id: ME, brokerEpoch: -1 },
      { id: TWO, brokerEpoch: 22 },
      { id: THREE, brokerEpoch: 33 },
    ]);
    await appended(2);
    fetched(TWO, 4);
    expect(partition.highWatermark).toBe(2); // the change may have been made, though nobody has said so
    proposals[0]?.refused();
    fetched(THREE, 3);
    expect(partition.highWatermark).toBe(3); // it is caught up, and about to join
  });

  test('after a refusal waits a second before it proposes again', async () => {
    const { clock, fetched, proposals } = given('always', shared({ isr: [ME, TWO] }));
    fetched(THREE, 0);
    proposals[0]?.refused();
    fetched(THREE, 0);
    expect(proposals).toHaveLength(1);
    await clock.advance(1_000);
    fetched(THREE, 0);
    expect(proposals).toHaveLength(2);
  });

  test('proposes no follower that lacks what lies before the leader’s epoch, nor one that is not active', async () => {
    const { partition, fetched, appended, active, proposals } = given('always', shared({ isr: [ME, TWO] }));
    await appended(3);
    partition.become(shared({ isr: [ME, TWO], leaderEpoch: LeaderEpoch(5), partitionEpoch: 11 }));
    expect(partition.highWatermark).toBe(0);
    fetched(THREE, 0);
    active.delete(THREE);
    fetched(THREE, 3);
    active.set(THREE, 34); // another life than the one that fetched
    fetched(THREE, 3, 33);
    expect(proposals).toHaveLength(0);
    fetched(THREE, 3, 34);
    expect(proposals).toHaveLength(1);
  });

  test('does not wait for a follower out of sync that cannot join', async () => {
    const { partition, fetched, appended, active } = given('always', shared({ isr: [ME, TWO] }));
    active.delete(THREE);
    fetched(THREE, 0, 33);
    await appended(1);
    fetched(TWO, 1);
    expect(partition.highWatermark).toBe(1);
  });

  test('commits nothing while fewer than min.insync.replicas are in sync', async () => {
    const { log, partition, appended } = given('always', shared({ isr: [ME] }));
    log.config = { ...defaultLogConfig, minInsyncReplicas: 2 };
    await appended(1);
    expect([partition.isUnderMinIsr, partition.highWatermark, partition.ownEnd]).toEqual([true, 0, 1]);
  });

  test('knows the committed end only when the high watermark has reached the beginning of its epoch', async () => {
    const { log, partition, fetched } = given('always', shared({ leader: TWO }));
    partition.appendAsFollower(batch);
    partition.appendAsFollower(batch);
    log.flushedOffset = Offset(2);
    partition.committedByLeader(Offset(1));
    partition.become(shared({ isr: [ME, THREE], leaderEpoch: LeaderEpoch(5), partitionEpoch: 11 }));
    expect([partition.highWatermark, partition.isCommittedEndKnown]).toEqual([1, false]);
    fetched(THREE, 2);
    expect([partition.highWatermark, partition.isCommittedEndKnown]).toEqual([2, true]);
  });

  test('retention deletes only what is committed', async () => {
    const { log, partition, fetched, appended } = given('always', shared({ isr: [ME, TWO] }));
    await appended(3);
    fetched(TWO, 2);
    await partition.applyRetention(0);
    expect(log.retainedFrom).toEqual([2]);
  });
});

describe('a follower', () => {
  test('takes nothing from producers, and says that it does not lead', () => {
    const { partition, log } = given('always', shared({ leader: TWO }));
    expect(partition.append(batch).error).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    expect(log.logEndOffset).toBe(0);
    expect(log.begun).toEqual([]);
  });

  test('serves no follower', () => {
    expect(given('always', shared({ leader: TWO })).fetched(THREE, 0)).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
  });

  test('knows as committed what the leader has committed and it has synced itself', async () => {
    const { partition, log, seen } = given('always', shared({ leader: TWO }));
    partition.appendAsFollower(batch);
    partition.committedByLeader(Offset(1));
    expect(partition.highWatermark).toBe(0);
    const synced = partition.syncAsFollower();
    await log.syncEnds();
    await synced;
    partition.committedByLeader(Offset(7));
    expect([partition.highWatermark, partition.committedBytes]).toEqual([1, 100]);
    partition.committedByLeader(Offset(0));
    expect(partition.highWatermark).toBe(1);
    expect(seen).toEqual([1]);
  });

  test('deletes nothing by itself, and forgets silent producers', async () => {
    const { partition, log } = given('always', shared({ leader: TWO }));
    await partition.applyRetention(0);
    expect([log.retainedFrom, log.expired]).toEqual([[], 1]);
  });
});

test('those who wait are woken when another broker leads, or this one in another epoch', () => {
  const { partition, seen } = given('always', shared());
  partition.become(shared({ partitionEpoch: 11, isr: [ME, TWO] }));
  expect(seen).toEqual([]);
  partition.become(shared({ partitionEpoch: 12, leaderEpoch: LeaderEpoch(5), leader: TWO }));
  expect(seen).toEqual([0]);
  partition.become(shared({ partitionEpoch: 13, leaderEpoch: LeaderEpoch(6) }));
  expect(seen).toEqual([0, 0]);
  expect(partition.isLeader).toBe(true);
});

test('a new leader syncs what it had fetched as a follower before it counts it', async () => {
  const { partition, log } = given('always', shared({ leader: TWO }));
  partition.appendAsFollower(batch);
  partition.become(shared({ isr: [ME], leaderEpoch: LeaderEpoch(5), partitionEpoch: 11 }));
  expect(partition.highWatermark).toBe(0);
  await ticks();
  await log.syncEnds();
  expect(partition.highWatermark).toBe(1);
});
