import { ErrorCode, LeaderEpoch, Offset, ZERO_UUID } from '@milepost/core';
import { settled } from '../../../core/src/testing/manual-clock.ts';
import { Harness } from '../testing/harness.ts';
import type { TransactionalCommitCommand, TransactionEnd } from './model/commands.ts';

const { NONE, UNSTABLE_OFFSET_COMMIT, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID } = ErrorCode;
const SHARD_OF_G = 3;

const commitOf = (offset: number, changes: Partial<TransactionalCommitCommand> = {}): TransactionalCommitCommand => ({
  groupId: 'g',
  generation: -1,
  memberId: '',
  instanceId: null,
  producerId: 7n,
  producerEpoch: 1,
  topics: [
    {
      name: 't',
      topicId: ZERO_UUID,
      partitions: [{ partition: 0, offset: Offset(offset), leaderEpoch: LeaderEpoch(2), metadata: null }],
    },
  ],
  ...changes,
});

const verified = async (): Promise<ErrorCode> => NONE;

async function commit(
  h: Harness,
  offset: number,
  changes: Partial<TransactionalCommitCommand> = {},
  verify = verified,
) {
  const { topics } = await h.coordinator.commitInTransaction(commitOf(offset, changes), verify);
  return topics[0]?.partitions[0]?.error;
}

/** Of transaction version 2, after epoch 1. */
const end = (h: Harness, isCommit: boolean, changes: Partial<TransactionEnd> = {}) =>
  h.coordinator.transactionEnded(h.coordinator.shardOf('g'), {
    producerId: 7n,
    producerEpoch: 2,
    isCommit,
    transactionVersion: 2,
    ...changes,
  });

async function stable(h: Harness): Promise<readonly [error: ErrorCode, offset: number]> {
  const topics = [{ name: 't', topicId: ZERO_UUID, partitions: [0] }];
  const fetched = await h.coordinator.fetchOffsets({ groupId: 'g', topics, requireStable: true });
  const { error, offset } = fetched.topics[0]!.partitions[0]!;
  return [error, offset];
}

test('an offset of a transaction is pending until it is committed, also through a restart', async () => {
  const h = await Harness.start();
  expect(await commit(h, 5)).toBe(NONE);
  expect(await stable(h)).toEqual([UNSTABLE_OFFSET_COMMIT, -1]);
  expect(await h.committed()).toBe(-1);
  await h.restart();
  expect(await stable(h)).toEqual([UNSTABLE_OFFSET_COMMIT, -1]);
  expect(await end(h, true)).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 5]);
  await h.restart();
  expect(await stable(h)).toEqual([NONE, 5]);
});

test('an offset of an aborted transaction is dropped', async () => {
  const h = await Harness.start();
  await h.member().commit(3);
  await commit(h, 5);
  expect(await stable(h)).toEqual([UNSTABLE_OFFSET_COMMIT, -1]);
  expect(await h.committed()).toBe(3);
  expect(await end(h, false)).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 3]);
  await h.restart();
  expect(await stable(h)).toEqual([NONE, 3]);
});

test('the end of a transaction concerns the offsets of its producer only', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  await commit(h, 6, { producerId: 8n });
  expect(await end(h, true)).toBe(NONE);
  expect(await h.committed()).toBe(5);
  expect(await stable(h)).toEqual([UNSTABLE_OFFSET_COMMIT, -1]);
  expect(await end(h, false, { producerId: 8n })).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 5]);
});

test('a marker that is repeated late does not end the next transaction, where epochs tell them apart', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  await end(h, true);
  await commit(h, 9, { producerEpoch: 2 });
  expect(await end(h, false)).toBe(NONE);
  expect(await stable(h)).toEqual([UNSTABLE_OFFSET_COMMIT, -1]);
  expect(await end(h, true, { producerEpoch: 3 })).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 9]);
});

test('before transaction version 2 the epoch of the marker is that of the transaction', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  expect(await end(h, true, { producerEpoch: 1, transactionVersion: 0 })).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 5]);
});

test('what was committed without a transaction in the meantime is not taken back', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  await h.clock.advance(1);
  await h.member().commit(7);
  expect(await end(h, true)).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 7]);
});

test('offsets of a transaction count though the wall clock was set back before it', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  await end(h, true);
  h.clock.jump(-3_600_000);
  await commit(h, 9, { producerEpoch: 2 });
  expect(await end(h, true, { producerEpoch: 3 })).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 9]);
});

test('a commit without a transaction is not taken back though the wall clock was set back before it', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  h.clock.jump(-3_600_000);
  await h.member().commit(7);
  expect(await end(h, true)).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 7]);
});

test('a commit whose transaction ended while it was verified is refused', async () => {
  const h = await Harness.start();
  const verdict = Promise.withResolvers<typeof NONE>();
  const committing = commit(h, 5, {}, () => verdict.promise);
  await settled();
  expect(await end(h, true)).toBe(NONE);
  verdict.resolve(NONE);
  expect(await committing).toBe(ErrorCode.INVALID_TXN_STATE);
  expect(await stable(h)).toEqual([NONE, -1]);
});

test('a commit that is being stored when its transaction ends becomes real', async () => {
  const h = await Harness.start();
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  const committing = commit(h, 5);
  await settled();
  const ending = end(h, true);
  held.resolve();
  expect([await committing, await ending]).toEqual([NONE, NONE]);
  expect(await stable(h)).toEqual([NONE, 5]);
});

test('a commit that may have landed does not stay pending behind the end of its transaction', async () => {
  const h = await Harness.start();
  h.store.health = 'forgetful';
  expect(await commit(h, 5)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  h.store.health = 'well';
  expect(await end(h, false)).toBe(NONE);
  await h.restart();
  expect(await stable(h)).toEqual([NONE, -1]);
});

test('while the store is away the end of a transaction is not answered as done', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  h.store.health = 'away';
  expect(await end(h, true)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  h.store.health = 'well';
  expect(await end(h, true)).toBe(NONE);
  expect(await stable(h)).toEqual([NONE, 5]);
});

test('a partition that is not part of the transaction is refused with the reason', async () => {
  const h = await Harness.start();
  expect(await commit(h, 5, {}, async () => ErrorCode.TRANSACTION_ABORTABLE)).toBe(ErrorCode.TRANSACTION_ABORTABLE);
  expect(await stable(h)).toEqual([NONE, -1]);
});

test('a member of a former generation is fenced; a client that names no member is not checked', async () => {
  const h = await Harness.start();
  const [a] = await h.stable(1);
  const { memberId, generation } = a!;
  expect(await commit(h, 1, { memberId, generation })).toBe(NONE);
  expect(await commit(h, 2, { memberId, generation: generation - 1 })).toBe(ILLEGAL_GENERATION);
  expect(await commit(h, 3, { memberId: 'stranger', generation })).toBe(UNKNOWN_MEMBER_ID);
  expect(await commit(h, 4)).toBe(NONE);
  expect(await commit(h, 5, { groupId: 'nobody has it', generation: 3 })).toBe(ILLEGAL_GENERATION);
  expect(await commit(h, 6, { groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID);
});

test('pending offsets go with their group, and with the offset that is deleted', async () => {
  const h = await Harness.start();
  await commit(h, 5);
  await h.coordinator.deleteOffsets({ groupId: 'g', topics: [{ name: 't', partitions: [0] }] });
  expect(await stable(h)).toEqual([NONE, -1]);
  await commit(h, 6);
  expect(await h.coordinator.deleteGroups(['g'])).toEqual([{ groupId: 'g', error: NONE }]);
  await end(h, true);
  expect(await stable(h)).toEqual([NONE, -1]);
});

test('a pending offset of a topic that is deleted goes with it', async () => {
  const h = await Harness.start();
  const topicId = h.catalog.idOf('t')!;
  const [topic] = commitOf(5).topics;
  await commit(h, 5, { topics: [{ ...topic!, topicId }] });
  h.catalog.delete('t');
  h.coordinator.topicsChanged();
  await settled();
  await end(h, true);
  expect(h.store.table.groups.get('g')?.offsets.size).toBe(0);
  expect(h.store.table.groups.get('g')?.pending.size).toBe(0);
});

test('a group with a pending offset does not expire', async () => {
  const h = await Harness.start({ offsetsRetentionMinutes: 1, offsetsRetentionCheckIntervalMs: 60_000 });
  await h.member().commit(3);
  await commit(h, 5);
  await h.clock.advance(10 * 60_000);
  expect(await stable(h)).toEqual([UNSTABLE_OFFSET_COMMIT, -1]);
  await end(h, false);
  expect(await stable(h)).toEqual([NONE, 3]);
  await h.clock.advance(10 * 60_000);
  expect(await stable(h)).toEqual([NONE, -1]);
});

test('a shard that is not owned cannot end a transaction', async () => {
  const h = await Harness.start({}, [SHARD_OF_G]);
  const other = h.coordinator.shardOf('g') === 0 ? 1 : 0;
  const ending = h.coordinator.transactionEnded(other, {
    producerId: 7n,
    producerEpoch: 2,
    isCommit: true,
    transactionVersion: 2,
  });
  expect(await ending).toBe(ErrorCode.NOT_COORDINATOR);
});
