import { ErrorCode, LeaderEpoch, Offset, type Uuid, ZERO_UUID } from '@milepost/core';
import { commitOf, Harness, protocol } from '../testing/harness.ts';

const outsider = (h: Harness) => h.member();

test('a member commits and anyone reads it back, metadata and leader epoch included', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  const partitions = [{ partition: 3, offset: Offset(42), leaderEpoch: LeaderEpoch(7), metadata: 'x'.repeat(4_096) }];
  const topicId = h.catalog.set('u', 4);
  const command = commitOf(member!, 0, { topics: [{ name: 'u', topicId, partitions }] });
  expect(await h.coordinator.commitOffsets(command)).toEqual({
    topics: [{ name: 'u', topicId, partitions: [{ partition: 3, error: ErrorCode.NONE }] }],
  });
  const fetched = await h.coordinator.fetchOffsets({ groupId: 'g', topics: null, requireStable: true });
  expect(fetched).toEqual({
    error: ErrorCode.NONE,
    topics: [{ name: 'u', topicId, partitions: [{ ...partitions[0], error: ErrorCode.NONE }] }],
  });
});

test('too much metadata is refused for its partition only', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  const at = (partition: number, metadata: string) => ({
    partition,
    offset: Offset(1),
    leaderEpoch: LeaderEpoch(-1),
    metadata,
  });
  const partitions = [at(0, 'x'.repeat(4_097)), at(1, '')];
  const { topics } = await h.coordinator.commitOffsets(
    commitOf(member!, 0, { topics: [{ name: 't', topicId: ZERO_UUID, partitions }] }),
  );
  expect(topics[0]?.partitions.map(({ error }) => error)).toEqual([
    ErrorCode.OFFSET_METADATA_TOO_LARGE,
    ErrorCode.NONE,
  ]);
  expect([await h.committed('g', 0), await h.committed('g', 1)]).toEqual([-1, 1]);
});

test('without generation and member only an Empty group accepts a commit, and a group is created where there is none', async () => {
  const h = await Harness.start();
  const nobody = outsider(h);
  const commit = async () => (await h.coordinator.commitOffsets(commitOf(nobody, 5))).topics[0]?.partitions[0]?.error;
  expect(await commit()).toBe(ErrorCode.NONE);
  expect(await h.stateOf()).toBe('Empty');
  const [member] = await h.stable(1);
  expect(await commit()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  await member!.leave();
  expect(await commit()).toBe(ErrorCode.NONE);
});

test('a group that does not exist knows no generation', async () => {
  const h = await Harness.start();
  const ghost = Object.assign(h.member(), { memberId: 'm', generation: 3 });
  const errorOf = async (changes: object) =>
    (await h.coordinator.commitOffsets(commitOf(ghost, 5, changes))).topics[0]?.partitions[0]?.error;
  expect(await errorOf({})).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  expect(await errorOf({ knowsGroupIdNotFound: false })).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await h.stateOf()).toBe('Dead');
});

test('only members of the current generation commit, in each state of the group', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2);
  expect(await leader!.commit(1, { memberId: 'stranger' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await leader!.commit(1, { generation: 0 })).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await leader!.commit(1, { generation: -1 })).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await leader!.commit(1)).toBe(ErrorCode.NONE);

  await leader!.join();
  expect(await h.stateOf()).toBe('PreparingRebalance');
  expect(await follower!.commit(2)).toBe(ErrorCode.NONE);

  await follower!.join();
  expect(await h.stateOf()).toBe('CompletingRebalance');
  expect(await follower!.commit(3)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect(await follower!.commit(3, { generation: 1 })).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await h.committed()).toBe(2);
});

test('a partition without a commit is -1 without an error, also if a former topic of that name had one', async () => {
  const h = await Harness.start();
  const old = h.catalog.set('t', 2);
  h.catalog.delete('t');
  const fresh = h.catalog.set('t', 2);
  const partitions = [{ partition: 0, offset: Offset(9), leaderEpoch: LeaderEpoch(1), metadata: 'm' }];
  await h.coordinator.commitOffsets(commitOf(outsider(h), 0, { topics: [{ name: 't', topicId: fresh, partitions }] }));
  const fetched = async (name: string, topicId: Uuid, partition: number) => {
    const topics = [{ name, topicId, partitions: [partition] }];
    const result = await h.coordinator.fetchOffsets({ groupId: 'g', topics, requireStable: false });
    return result.topics[0]?.partitions[0];
  };
  const nothing = { error: ErrorCode.NONE, offset: -1, leaderEpoch: -1, metadata: '' };
  expect(await fetched('t', fresh, 0)).toMatchObject({ offset: 9, leaderEpoch: 1, metadata: 'm' });
  expect(await fetched('t', ZERO_UUID, 0)).toMatchObject({ offset: 9 });
  expect(await fetched('t', old, 0)).toEqual({ ...nothing, partition: 0 });
  expect(await fetched('t', fresh, 1)).toEqual({ ...nothing, partition: 1 });
  expect(await fetched('u', ZERO_UUID, 0)).toEqual({ ...nothing, partition: 0 });
  expect(await h.coordinator.fetchOffsets({ groupId: 'none', topics: null, requireStable: false })).toEqual({
    error: ErrorCode.NONE,
    topics: [],
  });
});

test('OffsetDelete leaves the topics that live consumers read', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1, { protocols: [protocol('range', ['t'])] });
  const partitions = [{ partition: 0, offset: Offset(9), leaderEpoch: LeaderEpoch(1), metadata: null }];
  const topics = ['t', 'u'].map((name) => ({ name, topicId: ZERO_UUID, partitions }));
  await h.coordinator.commitOffsets(commitOf(member!, 0, { topics }));
  const wanted = ['t', 'u'].map((name) => ({ name, partitions: [0, 7] }));
  const { error, topics: deleted } = await h.coordinator.deleteOffsets({ groupId: 'g', topics: wanted });
  expect(error).toBe(ErrorCode.NONE);
  expect(deleted.map((topic) => topic.partitions.map((each) => each.error))).toEqual([
    [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC],
    [ErrorCode.NONE, ErrorCode.NONE],
  ]);
  const left = await h.coordinator.fetchOffsets({ groupId: 'g', topics: null, requireStable: false });
  expect(left.topics.map(({ name }) => name)).toEqual(['t']);

  await member!.leave();
  await h.coordinator.deleteOffsets({ groupId: 'g', topics: wanted });
  expect(await h.committed()).toBe(-1);
});

test('OffsetDelete refuses live groups that are not consumers, and unknown groups', async () => {
  const h = await Harness.start();
  await h.stable(1, { protocolType: 'connect' });
  const errorOf = async (groupId: string) => (await h.coordinator.deleteOffsets({ groupId, topics: [] })).error;
  expect(await errorOf('g')).toBe(ErrorCode.NON_EMPTY_GROUP);
  expect(await errorOf('none')).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  expect(await errorOf('')).toBe(ErrorCode.INVALID_GROUP_ID);
});

async function commitTo(h: Harness, groupId: string, topicId: Uuid, offset = 9): Promise<void> {
  const partitions = [{ partition: 0, offset: Offset(offset), leaderEpoch: LeaderEpoch(1), metadata: null }];
  await h.coordinator.commitOffsets(
    commitOf(outsider(h), 0, { groupId, topics: [{ name: 't', topicId, partitions }] }),
  );
}

const storedOffsets = (h: Harness): number[] =>
  [...h.store.table.groups.values()].flatMap(({ offsets }) => [...offsets.values()].map(({ offset }) => offset));

test('offsets of a deleted topic go, those of the next topic of that name stay, also while the store is away', async () => {
  const h = await Harness.start();
  await commitTo(h, 'a', h.catalog.set('t', 1));
  await commitTo(h, 'c', ZERO_UUID);
  h.catalog.delete('t');
  await commitTo(h, 'b', h.catalog.set('t', 1));
  h.store.health = 'away';
  h.coordinator.topicsChanged();
  await h.clock.advance(5_000);
  expect(storedOffsets(h)).toEqual([9, 9, 9]);
  h.store.health = 'well';
  await h.clock.advance(2_000);
  expect([await h.committed('a'), await h.committed('b'), await h.committed('c')]).toEqual([-1, 9, -1]);
  expect(storedOffsets(h)).toEqual([9]);
});

test('an offset whose commit is under way when its topic is deleted goes as well', async () => {
  const h = await Harness.start();
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  const commit = commitTo(h, 'g', ZERO_UUID);
  h.catalog.delete('t');
  h.coordinator.topicsChanged();
  held.resolve();
  await commit;
  await h.clock.advance(0);
  expect(storedOffsets(h)).toEqual([]);
});

test('a kill between the deletion of a topic and that of its offsets leaves none behind (B2)', async () => {
  const h = await Harness.start();
  await commitTo(h, 'g', h.catalog.set('t', 1));
  await commitTo(h, 'h', ZERO_UUID);
  h.catalog.delete('t');
  await h.restart();
  await h.clock.advance(0);
  expect(storedOffsets(h)).toEqual([]);
  h.catalog.set('t', 1);
  expect([await h.committed('g'), await h.committed('h')]).toEqual([-1, -1]);
});

test('an offset without a topic id survives a restart while a topic has its name', async () => {
  const h = await Harness.start();
  await commitTo(h, 'g', ZERO_UUID);
  await h.restart();
  await h.clock.advance(0);
  expect(await h.committed()).toBe(9);
});

test('a topic that was created again is not read from where the former one ended, while those offsets are still stored (B2)', async () => {
  const h = await Harness.start();
  await commitTo(h, 'g', h.catalog.set('t', 1));
  h.store.health = 'away';
  h.catalog.delete('t');
  h.coordinator.topicsChanged();
  h.catalog.set('t', 1);
  h.coordinator.topicsChanged();
  await h.clock.advance(100);
  expect(storedOffsets(h)).toEqual([9]);
  expect(await h.committed()).toBe(-1); // requested by name, as before OffsetFetch v10
  expect(await h.coordinator.fetchOffsets({ groupId: 'g', topics: null, requireStable: false })).toEqual({
    error: ErrorCode.NONE,
    topics: [],
  });
});
