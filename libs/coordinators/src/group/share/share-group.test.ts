// Share groups: members, assignments, and the rows that their partitions get.
import { ErrorCode, type Uuid } from '@milepost/core';
import { Harness } from '../../testing/harness.ts';
import type { ShareHeartbeatCommand } from './commands.ts';
import { assignShares } from './simple-assignor.ts';

const { NONE, GROUP_ID_NOT_FOUND, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, NON_EMPTY_GROUP } = ErrorCode;

let on: Harness;
beforeEach(async () => {
  on = await Harness.start({ shareAssignmentIntervalMs: 0, shareMaxSize: 3 });
  on.catalog.set('t', 4);
});
afterEach(() => on.coordinator.close());

const heartbeat = (memberId: string, memberEpoch: number, more: Partial<ShareHeartbeatCommand> = {}) =>
  on.coordinator.shareHeartbeat({
    groupId: 'g',
    memberId,
    memberEpoch,
    rackId: null,
    clientId: 'c',
    clientHost: '/127.0.0.1',
    topicNames: memberEpoch === 0 ? ['t'] : null,
    ...more,
  });

const assigned = (result: Awaited<ReturnType<typeof heartbeat>>) =>
  result.assignment?.map(({ partitions }) => partitions);

const described = async (groupId = 'g') => (await on.coordinator.describeShareGroups([groupId]))[0];

test('a member gets all partitions at its first heartbeat, and their rows are stored with it', async () => {
  const joined = await heartbeat('a', 0);
  expect(joined).toMatchObject({ error: NONE, memberId: 'a', memberEpoch: 1, heartbeatIntervalMs: 5_000 });
  expect(assigned(joined)).toEqual([[0, 1, 2, 3]]);
  expect(await heartbeat('a', 1)).toMatchObject({ error: NONE, assignment: null });
  const rows = [...on.store.table.shares.values()].map(({ partition, startOffset }) => [partition, startOffset]);
  expect(rows).toEqual([
    [0, -1],
    [1, -1],
    [2, -1],
    [3, -1],
  ]);
});

test('two members share evenly, and five members of four partitions all have one', async () => {
  await on.coordinator.close();
  on = await Harness.start({ shareAssignmentIntervalMs: 0 });
  on.catalog.set('t', 4);
  await heartbeat('a', 0);
  expect(assigned(await heartbeat('b', 0))).toEqual([[2, 3]]);
  expect(assigned(await heartbeat('a', 1))).toEqual([[0, 1]]);
  for (const id of ['c', 'd', 'e']) await heartbeat(id, 0);
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    const [one] = assigned(await heartbeat(id, 0)) ?? [];
    expect(one).toHaveLength(1);
  }
});

test('a group continues after a restart, and knows its members', async () => {
  await heartbeat('a', 0);
  await on.restart();
  expect(await heartbeat('a', 1)).toMatchObject({ error: NONE, memberEpoch: 1 });
  expect(await described()).toMatchObject({ state: 'Stable', assignor: 'simple', groupEpoch: 1 });
});

test('a member that gives no sign of life is gone, and the others get its partitions', async () => {
  await heartbeat('a', 0);
  await heartbeat('b', 0);
  await on.clock.advance(30_000);
  await heartbeat('a', 1);
  await on.clock.advance(20_000);
  expect((await described())?.members.map(({ memberId }) => memberId)).toEqual(['a']);
  expect(assigned(await heartbeat('a', 2))).toEqual([[0, 1, 2, 3]]);
  expect(await heartbeat('b', 2)).toMatchObject({ error: UNKNOWN_MEMBER_ID });
});

test('new partitions and new topics are assigned at the next heartbeat', async () => {
  await heartbeat('a', 0, { topicNames: ['t', 'later'] });
  on.catalog.set('t', 5);
  on.catalog.set('later', 1);
  on.coordinator.topicsChanged();
  expect(assigned(await heartbeat('a', 1))).toEqual([[0, 1, 2, 3, 4], [0]]);
});

test('a deleted topic leaves no rows', async () => {
  await heartbeat('a', 0);
  on.catalog.delete('t');
  on.coordinator.topicsChanged();
  await on.clock.advance(0);
  expect(on.store.table.shares.size).toBe(0);
});

test('bad heartbeats get the errors of Kafka', async () => {
  expect(await heartbeat('a', 1)).toMatchObject({ error: GROUP_ID_NOT_FOUND });
  expect(await heartbeat('a', 0, { topicNames: [] })).toMatchObject({ error: ErrorCode.INVALID_REQUEST });
  expect(await heartbeat('a', -2)).toMatchObject({ error: ErrorCode.INVALID_REQUEST });
  await heartbeat('a', 0);
  expect(await heartbeat('b', 1)).toMatchObject({ error: UNKNOWN_MEMBER_ID });
  expect(await heartbeat('a', 7)).toMatchObject({ error: FENCED_MEMBER_EPOCH });
  await heartbeat('b', 0);
  await heartbeat('c', 0);
  expect(await heartbeat('d', 0)).toMatchObject({ error: ErrorCode.GROUP_MAX_SIZE_REACHED });
});

test('the id of a share group is of no other kind of group, and the other way round', async () => {
  await heartbeat('a', 0);
  const joined = await on.member({ groupId: 'g' }).enter();
  expect((await joined.answer).error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  const fetched = await on.coordinator.fetchOffsets({ groupId: 'g', topics: null, requireStable: false });
  expect(fetched.error).toBe(GROUP_ID_NOT_FOUND);
  await on.stable(1, { groupId: 'classic' });
  expect(await heartbeat('a', 0, { groupId: 'classic' })).toMatchObject({
    error: GROUP_ID_NOT_FOUND,
    errorMessage: 'Group classic is not a share group.',
  });
});

test('a member leaves, and an empty group is deleted with its rows', async () => {
  await heartbeat('a', 0);
  expect(await on.coordinator.deleteGroups(['g'])).toEqual([{ groupId: 'g', error: NON_EMPTY_GROUP }]);
  expect(await heartbeat('a', -1)).toMatchObject({ error: NONE, memberEpoch: -1 });
  expect((await on.coordinator.list({ states: [], types: ['share'] })).groups).toEqual([
    { groupId: 'g', protocolType: 'share', state: 'Empty', type: 'share' },
  ]);
  expect(await on.coordinator.deleteGroups(['g'])).toEqual([{ groupId: 'g', error: NONE }]);
  expect(on.store.table.shares.size).toBe(0);
  expect((await described())?.error).toBe(GROUP_ID_NOT_FOUND);
});

test('offsets of an empty group are set and deleted', async () => {
  const alter = (partition: number) =>
    on.coordinator.alterShareOffsets({
      groupId: 'g',
      topics: [{ name: 't', partitions: [{ partition, startOffset: 7 }] }],
    });
  expect((await alter(1)).topics[0]?.partitions).toEqual([{ partition: 1, error: NONE }]);
  expect((await alter(9)).topics[0]?.partitions).toEqual([
    { partition: 9, error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION },
  ]);
  expect([...on.store.table.shares.values()]).toMatchObject([{ partition: 1, startOffset: 7, stateEpoch: 0 }]);
  await heartbeat('a', 0);
  expect((await alter(1)).error).toBe(NON_EMPTY_GROUP);
  expect(on.store.table.shares.size).toBe(4);
  await heartbeat('a', -1);
  const remove = (name: string) => on.coordinator.deleteShareOffsets({ groupId: 'g', topics: [name] });
  expect((await remove('u')).topics[0]).toMatchObject({ error: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
  expect((await remove('t')).topics[0]).toMatchObject({ error: NONE });
  expect(on.store.table.shares.size).toBe(0);
});

test('a deletion that may have landed leaves no group without rows', async () => {
  await heartbeat('a', 0);
  await heartbeat('a', -1);
  on.store.health = 'forgetful';
  const [deleted] = await on.coordinator.deleteGroups(['g']);
  expect(deleted?.error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  on.store.health = 'well';
  await heartbeat('b', 0);
  await on.restart();
  expect((await described())?.members).toHaveLength(1);
  expect(on.store.table.shares.size).toBe(4);
});

const T = 'topic-t' as Uuid;
const members = (...targets: (readonly number[])[]) =>
  targets.map((target, at) => ({ memberId: `m${at}`, topics: [T], target: { [T]: target } }));

test.each([
  { what: 'a member that joins takes from the one with more', before: [[0, 1], [2, 3], []], counts: [1, 2, 1] },
  {
    what: 'nobody moves while it is even',
    before: [
      [0, 1],
      [2, 3],
    ],
    counts: [2, 2],
  },
])('$what', ({ before, counts }) => {
  const after = assignShares(members(...before), { [T]: [0, 1, 2, 3] });
  expect([...after.values()].map((partitions) => partitions[T]?.length)).toEqual(counts);
  expect([...after.values()].flatMap((partitions) => partitions[T] ?? []).toSorted((a, b) => a - b)).toEqual([
    0, 1, 2, 3,
  ]);
});
