import { ErrorCode, Offset, LeaderEpoch, ZERO_UUID } from '@milepost/core';
import { ConsumerMember, settle, settledGroup } from '../../testing/consumer-member.ts';
import { commitOf, Harness } from '../../testing/harness.ts';

async function withTopic(config = {}): Promise<Harness> {
  const h = await Harness.start(config);
  h.catalog.set('t', 2);
  return h;
}

test('a member commits in its epoch, and in the previous one for the partitions that it had then', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  expect(await a!.commit(1)).toBe(ErrorCode.NONE);
  const b = new ConsumerMember(h, 'b');
  await b.join();
  await a!.beat();
  expect(await a!.commit(2, 1, 1)).toBe(ErrorCode.NONE);
  await a!.follow();
  expect(a!.epoch).toBe(2);
  expect(await a!.commit(3, 1, 0)).toBe(ErrorCode.NONE);
  expect(await a!.commit(4, 1, 1)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
  await b.follow();
  expect(b.partitions).toEqual(['t1']);
  expect(await b.commit(5, 1, 1)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
  expect(await b.commit(6, 3, 1)).toBe(ErrorCode.STALE_MEMBER_EPOCH);
  expect(await b.commit(7, 2, 1)).toBe(ErrorCode.NONE);
  expect([await h.committed('g', 0), await h.committed('g', 1)]).toEqual([3, 7]);
});

test('strangers do not commit to a group with members, administrators do to one without', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  const stranger = new ConsumerMember(h, 'x');
  expect(await stranger.commit(1, 1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await stranger.commit(1, -1)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  await a!.leave();
  expect(await stranger.commit(1, -1)).toBe(ErrorCode.NONE);
  expect(await h.committed()).toBe(1);
});

test('an OffsetCommit version without member epochs is unsupported', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  const old = { options: h.member().options, memberId: 'a', generation: a!.epoch };
  const { topics } = await h.coordinator.commitOffsets(commitOf(old, 1, { knowsGroupIdNotFound: false }));
  expect(topics[0]?.partitions[0]?.error).toBe(ErrorCode.UNSUPPORTED_VERSION);
});

test('a member reads offsets in its epoch only, an administrator without one', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  await a!.commit(5);
  const errorOf = async (member?: { memberId: string | null; memberEpoch: number }) => {
    const who = member ? { member } : {};
    const fetched = await h.coordinator.fetchOffsets({ groupId: 'g', topics: null, requireStable: true, ...who });
    expect(fetched.topics).toHaveLength(fetched.error === ErrorCode.NONE ? 1 : 0);
    return fetched.error;
  };
  expect(await errorOf({ memberId: 'a', memberEpoch: 1 })).toBe(ErrorCode.NONE);
  expect(await errorOf({ memberId: 'a', memberEpoch: 0 })).toBe(ErrorCode.STALE_MEMBER_EPOCH);
  expect(await errorOf({ memberId: 'x', memberEpoch: 1 })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await errorOf({ memberId: null, memberEpoch: -1 })).toBe(ErrorCode.NONE);
  expect(await errorOf()).toBe(ErrorCode.NONE);
});

test('committing does not keep a member alive that does not heartbeat', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  await h.clock.advance(44_000);
  expect(await a!.commit(1)).toBe(ErrorCode.NONE);
  await h.clock.advance(1_000);
  expect(await a!.commit(2)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('offsets of subscribed topics do not expire, others do, and an empty group is deleted with its last offset', async () => {
  const h = await withTopic({ offsetsRetentionMinutes: 60, offsetsRetentionCheckIntervalMs: 600_000 });
  const [a] = await settledGroup(h, ['a']);
  await a!.commit(1);
  const partitions = [{ partition: 0, offset: Offset(1), leaderEpoch: LeaderEpoch(0), metadata: null }];
  const other = { topics: [{ name: 'u', topicId: ZERO_UUID, partitions }] };
  const of = { options: h.member().options, memberId: 'a', generation: a!.epoch };
  await h.coordinator.commitOffsets(commitOf(of, 1, other));
  const topics = async () =>
    (await h.coordinator.fetchOffsets({ groupId: 'g', topics: null, requireStable: false })).topics.map((t) => t.name);
  expect(await topics()).toEqual(['t', 'u']);
  for (let at = 0; at < 120; at++) {
    await h.clock.advance(40_000);
    await a!.follow();
  }
  expect(await topics()).toEqual(['t']);
  await a!.leave();
  await h.clock.advance(700_000);
  expect((await h.coordinator.list({ states: [], types: [] })).groups).toEqual([]);
  expect(h.store.table.groups.get('g')).toBeUndefined();
});

test('a deposed or slow store costs no member its place', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  h.store.health = 'away';
  expect((await new ConsumerMember(h, 'b').join()).error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  for (let at = 0; at < 15; at++) {
    await h.clock.advance(5_000);
    expect(await a!.follow()).toMatchObject({ error: ErrorCode.NONE, memberEpoch: 1 });
  }
  h.store.health = 'well';
  const b = new ConsumerMember(h, 'b');
  await b.join();
  await settle(h, [a!, b]);
  expect([a!.partitions, b.partitions]).toEqual([['t0'], ['t1']]);
});
