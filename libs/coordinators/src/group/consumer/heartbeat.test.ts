import { ErrorCode } from '@milepost/core';
import { ConsumerMember, settle, settledGroup } from '../../testing/consumer-member.ts';
import { Harness } from '../../testing/harness.ts';

async function withTopic(partitions = 4, config = {}): Promise<Harness> {
  const h = await Harness.start(config);
  h.catalog.set('t', partitions);
  return h;
}

const stateOf = async (h: Harness) => (await h.coordinator.describeConsumers(['g']))[0]?.state;

test('the first member gets all partitions in its first response', async () => {
  const h = await withTopic();
  const member = new ConsumerMember(h, 'a');
  expect(await member.join()).toEqual({
    error: ErrorCode.NONE,
    errorMessage: null,
    memberId: 'a',
    memberEpoch: 1,
    heartbeatIntervalMs: 5_000,
    assignment: [{ topicId: h.catalog.named('t')?.id, partitions: [0, 1, 2, 3] }],
  });
  expect(await member.follow()).toMatchObject({ memberEpoch: 1, assignment: null });
  expect(await stateOf(h)).toBe('Stable');
});

test('a second member gets its half when the first has given it up, and not before', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  const b = new ConsumerMember(h, 'b');
  expect(await b.join()).toMatchObject({ memberEpoch: 2, assignment: [] });
  expect(await stateOf(h)).toBe('Reconciling');

  expect(await a!.beat()).toMatchObject({ memberEpoch: 1, assignment: [{ partitions: [0, 1] }] });
  expect(await a!.beat()).toMatchObject({ memberEpoch: 1, assignment: null });
  expect(await b.follow()).toMatchObject({ memberEpoch: 2, assignment: null });

  expect(await a!.follow()).toMatchObject({ memberEpoch: 2, assignment: null });
  expect(await b.follow()).toMatchObject({ memberEpoch: 2, assignment: [{ partitions: [2, 3] }] });
  expect(await stateOf(h)).toBe('Stable');
});

test('members that arrive within the assignment interval of one another share one assignment', async () => {
  const h = await withTopic();
  const members = ['a', 'b', 'c', 'd'].map((id) => new ConsumerMember(h, id));
  for (const member of members) await member.join();
  expect(members.map(({ partitions }) => partitions.length)).toEqual([4, 0, 0, 0]);
  expect(await stateOf(h)).toBe('Assigning');
  await settle(h, members);
  expect(members.map(({ partitions }) => partitions)).toEqual([['t0'], ['t1'], ['t2'], ['t3']]);
  expect(members.map(({ epoch }) => epoch)).toEqual([4, 4, 4, 4]);
});

test('a wall clock that is set back by a day keeps no group waiting for its assignment', async () => {
  const h = await withTopic();
  const members = await settledGroup(h, ['a', 'b', 'c']);
  h.clock.jump(-86_400_000);
  const d = new ConsumerMember(h, 'd');
  await d.join();
  await settle(h, [...members, d]);
  expect(d.partitions).toHaveLength(1);
  expect(await stateOf(h)).toBe('Stable');
});

test('a repeated first request gets the full response again', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  expect(await a!.join()).toMatchObject({ memberEpoch: 1, assignment: [{ partitions: [0, 1, 2, 3] }] });
});

test('a lost response is repeated; any other epoch is fenced', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  const b = new ConsumerMember(h, 'b');
  await b.join();
  await a!.beat();
  await a!.follow();
  expect(a!.epoch).toBe(2);
  expect((await a!.beat({ memberEpoch: 1 })).error).toBe(ErrorCode.NONE);
  expect((await a!.beat({ memberEpoch: 1, owned: null })).error).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
  const notItsOwn = [{ topicId: h.catalog.named('t')!.id, partitions: [3] }];
  expect((await a!.beat({ memberEpoch: 1, owned: notItsOwn })).error).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
  expect((await a!.beat({ memberEpoch: 3 })).error).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
  expect(await b.beat({ memberEpoch: 1 })).toMatchObject({
    error: ErrorCode.FENCED_MEMBER_EPOCH,
    errorMessage: 'The member is in epoch 2, the request says 1: it must join again.',
  });
});

test('unknown members and unknown groups are refused', async () => {
  const h = await withTopic();
  const stranger = new ConsumerMember(h, 'x');
  expect(await stranger.beat({ memberEpoch: 1 })).toMatchObject({
    error: ErrorCode.GROUP_ID_NOT_FOUND,
    errorMessage: 'Consumer group g not found.',
  });
  expect((await stranger.leave()).error).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  await settledGroup(h, ['a']);
  expect((await stranger.beat({ memberEpoch: 1 })).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect((await stranger.leave()).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test.each([
  ['no group', { groupId: '' }],
  ['no member id', { memberId: '' }],
  ['an empty instance id', { instanceId: '' }],
  ['an empty rack', { rackId: '' }],
  ['no rebalance timeout', { rebalanceTimeoutMs: -1 }],
  ['no subscription', { topicNames: null }],
  ['partitions before the first answer', { owned: null }],
  ['an epoch below -2', { memberEpoch: -3 }],
  ['a static goodbye of a dynamic member', { memberEpoch: -2 }],
])('a request that joins with %s is invalid', async (_, changes) => {
  const h = await withTopic();
  const result = await new ConsumerMember(h, 'a').join(changes);
  expect(result.error).toBe(ErrorCode.INVALID_REQUEST);
  expect(result.errorMessage).not.toBeNull();
  expect((await h.coordinator.list({ states: [], types: [] })).groups).toEqual([]);
});

test('an old client gets a member id', async () => {
  const h = await withTopic();
  const member = new ConsumerMember(h, '');
  expect((await member.join({ requiresMemberId: false })).memberId).toBe('id1');
  expect((await member.beat({ requiresMemberId: false })).error).toBe(ErrorCode.NONE);
});

test('an unknown assignor is refused with the list of known ones', async () => {
  const h = await withTopic();
  expect(await new ConsumerMember(h, 'a').join({ assignor: 'mine' })).toMatchObject({
    error: ErrorCode.UNSUPPORTED_ASSIGNOR,
    errorMessage: 'ServerAssignor mine is not supported. Supported are: uniform, range.',
  });
});

test('the assignor with the most votes is used', async () => {
  const h = await withTopic();
  const members = await settledGroup(h, ['a', 'b'], { assignor: 'range' });
  const [described] = await h.coordinator.describeConsumers(['g']);
  expect(described?.assignor).toBe('range');
  expect(members.map(({ partitions }) => partitions)).toEqual([
    ['t0', 't1'],
    ['t2', 't3'],
  ]);
});

test('a full group refuses new members, and accepts its own again', async () => {
  const h = await withTopic(4, { consumerMaxSize: 2 });
  const [a] = await settledGroup(h, ['a', 'b']);
  expect((await new ConsumerMember(h, 'c').join()).error).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
  expect((await a!.join()).error).toBe(ErrorCode.NONE);
  await a!.leave();
  expect((await new ConsumerMember(h, 'c').join()).error).toBe(ErrorCode.NONE);
});

test('the partitions of a member that leaves go to the remaining ones', async () => {
  const h = await withTopic();
  const [a, b] = await settledGroup(h, ['a', 'b']);
  expect(await a!.leave()).toMatchObject({ error: ErrorCode.NONE, memberId: 'a', memberEpoch: -1 });
  await h.clock.advance(1_000);
  expect(await b!.follow()).toMatchObject({ memberEpoch: 3, assignment: [{ partitions: [0, 1, 2, 3] }] });
  await b!.leave();
  expect(await stateOf(h)).toBe('Empty');
});

test('a member that sends nothing for a session is removed, one that heartbeats stays', async () => {
  const h = await withTopic();
  const [a, b] = await settledGroup(h, ['a', 'b']);
  await h.clock.advance(44_000);
  await a!.follow();
  await h.clock.advance(1_000);
  expect(await a!.follow()).toMatchObject({ memberEpoch: 3, assignment: [{ partitions: [0, 1, 2, 3] }] });
  expect((await b!.follow()).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(h.rebalances).toContain('milepost_group_rebalances_total g session_expired');
});

test('a member that does not give up its partitions within its rebalance timeout is removed', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a'], { rebalanceTimeoutMs: 20_000 });
  const b = new ConsumerMember(h, 'b');
  await b.join();
  await a!.beat();
  for (let at = 0; at < 4; at++) {
    await h.clock.advance(4_900);
    await a!.beat();
    await b.follow();
  }
  expect(a!.owned[0]?.partitions).toHaveLength(4);
  await h.clock.advance(400);
  expect((await a!.beat()).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await b.follow()).toMatchObject({ assignment: [{ partitions: [0, 1, 2, 3] }] });
});

test('a member that changes its subscription immediately revokes the topics that it no longer reads', async () => {
  const h = await withTopic(2);
  h.catalog.set('u', 2);
  const [a] = await settledGroup(h, ['a'], { topicNames: ['t', 'u'] });
  await h.clock.advance(1_000);
  const told = await a!.beat({ topicNames: ['u'] });
  expect(told.assignment).toEqual([{ topicId: h.catalog.named('u')?.id, partitions: [0, 1] }]);
  expect(await a!.follow()).toMatchObject({ memberEpoch: 2, assignment: null });
});

test('new partitions, new topics and deleted ones reach the members with their next heartbeats', async () => {
  const h = await withTopic(1);
  const [a] = await settledGroup(h, ['a'], { topicNames: ['t', 'later'] });
  await h.clock.advance(1_000);
  h.catalog.set('t', 3);
  await a!.follow();
  expect(a!.partitions).toEqual(['t0', 't1', 't2']);
  await h.clock.advance(1_000);
  h.catalog.set('later', 1);
  await a!.follow();
  expect(a!.partitions).toEqual(['t0', 't1', 't2', 'later0']);
  await h.clock.advance(1_000);
  h.catalog.delete('t');
  await a!.beat();
  await a!.follow();
  expect(a!.partitions).toEqual(['later0']);
  expect(h.rebalances.filter((each) => each.endsWith('topics_changed'))).toHaveLength(3);
});

test('a change of topics that the group does not read costs nothing', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  const { persisted } = h.store;
  h.catalog.set('other', 3);
  await h.clock.advance(5_000);
  expect(await a!.follow()).toMatchObject({ memberEpoch: 1, assignment: null });
  expect(h.store.persisted).toBe(persisted);
});

test('a topic that was deleted and created again is another topic', async () => {
  const h = await withTopic(2);
  const [a] = await settledGroup(h, ['a']);
  h.catalog.delete('t');
  const fresh = h.catalog.set('t', 2);
  await h.clock.advance(1_000);
  await a!.beat();
  await a!.follow();
  expect(a!.told).toEqual([{ topicId: fresh, partitions: [0, 1] }]);
});

test('a topic whose replicas move to another rack makes a new group epoch (KIP-1101)', async () => {
  const h = await withTopic(2);
  const [a] = await settledGroup(h, ['a']);
  await h.clock.advance(1_000);
  h.catalog.set('t', 2, 'north;south');
  expect(await a!.follow()).toMatchObject({ memberEpoch: 2, assignment: null });
});

test('a member is not expired for the time that its heartbeat waited for the store', async () => {
  const h = await Harness.start({ consumerSessionTimeoutMs: 6_000 });
  h.catalog.set('t', 2);
  const [member] = (await settledGroup(h, ['a'])) as [ConsumerMember];
  const { epoch } = member;
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  void member.commit(1);
  const beat = member.beat();
  await h.clock.advance(5_000);
  expect((await beat).error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  await h.clock.advance(1_200); // 6.2 s since it was sent, 1.2 s since the response
  h.store.pace = async () => {};
  held.resolve();
  await h.clock.advance(300);
  expect((await member.beat()).error).toBe(ErrorCode.NONE);
  expect(member.epoch).toBe(epoch);
});

test('nor for the time that its commit waited, if it does not heartbeat meanwhile', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1, { sessionTimeoutMs: 6_000 });
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  const commit = member!.commit(1);
  await h.clock.advance(5_000);
  expect(await commit).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  await h.clock.advance(1_200);
  h.store.pace = async () => {};
  held.resolve();
  await h.clock.advance(300);
  expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
});
