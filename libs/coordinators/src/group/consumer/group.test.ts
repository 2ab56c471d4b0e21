// Consumer groups among the others: seen by administrators, after a restart, and where the two protocols meet.
import { ErrorCode } from '@milepost/core';
import { ConsumerMember, settledGroup } from '../../testing/consumer-member.ts';
import { Harness } from '../../testing/harness.ts';

async function withTopic(config = {}): Promise<Harness> {
  const h = await Harness.start(config);
  h.catalog.set('t', 2);
  return h;
}

test('ConsumerGroupDescribe shows epochs, subscriptions, assignments and targets', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a'], { rackId: 'r', clientId: 'truck' });
  await new ConsumerMember(h, 'b', { topicNames: [], topicRegex: 't' }).join();
  await a!.beat();
  const topicId = h.catalog.named('t')!.id;
  const has = (partitions: number[]) => [{ topicId, topic: 't', partitions }];
  const client = { clientId: 'client', clientHost: '/127.0.0.1', instanceId: null, rackId: null };
  expect(await h.coordinator.describeConsumers(['g', 'none', ''])).toEqual([
    {
      error: ErrorCode.NONE,
      errorMessage: null,
      groupId: 'g',
      state: 'Reconciling',
      groupEpoch: 2,
      assignmentEpoch: 2,
      assignor: 'uniform',
      members: [
        {
          ...client,
          memberId: 'a',
          rackId: 'r',
          clientId: 'truck',
          memberEpoch: 1,
          isClassic: false,
          topicNames: ['t'],
          topicRegex: null,
          assignment: has([0, 1]),
          targetAssignment: has([0]),
        },
        {
          ...client,
          memberId: 'b',
          memberEpoch: 2,
          isClassic: false,
          topicNames: [],
          topicRegex: 't',
          assignment: [],
          targetAssignment: has([1]),
        },
      ],
    },
    expect.objectContaining({ error: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: 'Group none not found.' }),
    expect.objectContaining({ error: ErrorCode.INVALID_GROUP_ID }),
  ]);
});

test('a consumer group is listed by type and state, is no classic group, and can be deleted when it is empty', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a']);
  const listed = async (states: string[], types: string[]) => (await h.coordinator.list({ states, types })).groups;
  const row = { groupId: 'g', protocolType: 'consumer', state: 'Stable', type: 'consumer' };
  expect(await listed(['stable'], ['Consumer'])).toEqual([row]);
  expect(await listed([], ['classic'])).toEqual([]);
  expect(await h.coordinator.describe(['g'])).toMatchObject([
    { error: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage: 'Group g is not a classic group.', state: 'Dead' },
  ]);
  const deleted = async () => (await h.coordinator.deleteGroups(['g']))[0]?.error;
  expect(await deleted()).toBe(ErrorCode.NON_EMPTY_GROUP);
  await a!.leave();
  expect(await deleted()).toBe(ErrorCode.NONE);
  expect(await listed([], [])).toEqual([]);
  expect(h.store.table.groups.get('g')).toBeUndefined();
});

test('after a restart members continue in their epochs, and those that send nothing expire', async () => {
  const h = await withTopic();
  const [a, b] = await settledGroup(h, ['a', 'b']);
  await a!.commit(7);
  await h.restart();
  expect(await a!.follow()).toMatchObject({ error: ErrorCode.NONE, memberEpoch: 2, assignment: null });
  expect(await h.committed()).toBe(7);
  await h.clock.advance(44_999);
  await a!.follow();
  await h.clock.advance(1);
  await a!.follow();
  expect(a!.partitions).toEqual(['t0', 't1']);
  expect((await b!.follow()).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('a restart keeps pending revocations and their deadlines', async () => {
  const h = await withTopic();
  const [a] = await settledGroup(h, ['a'], { rebalanceTimeoutMs: 10_000 });
  const b = new ConsumerMember(h, 'b');
  await b.join();
  await a!.beat();
  await h.restart();
  await b.follow();
  expect(b.partitions).toEqual([]);
  await h.clock.advance(9_999);
  expect((await a!.beat()).error).toBe(ErrorCode.NONE);
  await h.clock.advance(1);
  expect((await a!.beat()).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('with migration disabled, members of one protocol cannot join a group of the other', async () => {
  const h = await withTopic({ migrationPolicy: 'disabled' });
  const [a] = await settledGroup(h, ['a']);
  const classic = h.member();
  expect((await classic.join()).value?.error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  const withId = Object.assign(h.member(), { memberId: 'a', generation: 1 });
  expect((await withId.join()).value?.error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  expect((await withId.sync()).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await withId.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  await a!.leave();

  await h.stable(1);
  expect(await h.stateOf()).toBe('Stable');
  const consumer = new ConsumerMember(h, 'b');
  expect(await consumer.join()).toMatchObject({
    error: ErrorCode.GROUP_ID_NOT_FOUND,
    errorMessage: expect.stringContaining('online upgrade is disabled'),
  });
});

test('an empty group changes its protocol with the next member, and keeps its offsets', async () => {
  const h = await withTopic();
  const [classic] = await h.stable(1);
  await classic!.commit(3);
  await classic!.leave();
  const [a] = await settledGroup(h, ['a']);
  expect(await h.committed()).toBe(3);
  await a!.commit(4);
  await a!.leave();
  await h.restart();
  const [again] = await h.stable(1);
  expect(await h.committed()).toBe(4);
  expect(await again!.commit(5)).toBe(ErrorCode.NONE);
  await h.restart();
  expect(await again!.heartbeat()).toBe(ErrorCode.NONE);
});

test('timers of a classic group do not run in the consumer group that replaces it', async () => {
  const h = await withTopic();
  // An id given out that never comes back.
  await h.member().join();
  const [a] = await settledGroup(h, ['a']);
  await h.clock.advance(20_000);
  expect((await a!.follow()).error).toBe(ErrorCode.NONE);
  await h.coordinator.close();
  expect(h.clock.alarms).toBe(0);
});

test('groups that come and go leave no timer behind', async () => {
  const h = await withTopic();
  const idle = h.clock.alarms;
  const [a] = await settledGroup(h, ['a']);
  expect(h.clock.alarms).toBeGreaterThan(idle);
  await a!.leave();
  await h.coordinator.deleteGroups(['g']);
  await h.clock.advance(h.config.offsetsCommitTimeoutMs);
  expect(h.clock.alarms).toBe(idle);
});
