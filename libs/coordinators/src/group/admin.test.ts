import { ErrorCode } from '@milepost/core';
import { commitOf, Harness, protocol } from '../testing/harness.ts';

test('a group is described in each of its states', async () => {
  const h = await Harness.start();
  const described = async () => (await h.coordinator.describe(['g']))[0];
  expect(await described()).toMatchObject({
    error: ErrorCode.GROUP_ID_NOT_FOUND,
    errorMessage: 'Group g not found.',
    state: 'Dead',
  });

  const member = h.member({ instanceId: 'i', clientId: 'truck' });
  await member.join();
  expect(await described()).toMatchObject({ state: 'PreparingRebalance', protocolType: 'consumer', protocolData: '' });
  await h.clock.advance(3_000);
  expect(await described()).toMatchObject({ error: ErrorCode.NONE, state: 'CompletingRebalance', protocolData: '' });
  await h.assign([member]);
  const seen = { memberId: member.memberId, instanceId: 'i', clientId: 'truck', clientHost: '/127.0.0.1' };
  expect(await described()).toEqual({
    error: ErrorCode.NONE,
    errorMessage: null,
    groupId: 'g',
    state: 'Stable',
    protocolType: 'consumer',
    protocolData: 'range',
    members: [
      { ...seen, metadata: protocol('range', ['t']).metadata, assignment: Buffer.from(`for ${member.memberId}`) },
    ],
  });
  await member.join();
  await member.leave();
  expect(await described()).toMatchObject({ state: 'Empty', protocolType: 'consumer', protocolData: '', members: [] });
});

test('groups are listed, all or by state and type, whatever the case', async () => {
  const h = await Harness.start();
  await h.stable(1);
  await h.coordinator.commitOffsets(commitOf(h.member({ groupId: 'simple' }), 1));
  const listed = async (states: string[], types: string[]) => {
    const { groups } = await h.coordinator.list({ states, types });
    return groups.map(({ groupId }) => groupId).toSorted();
  };
  expect((await h.coordinator.list({ states: ['stable'], types: [] })).groups).toEqual([
    { groupId: 'g', protocolType: 'consumer', state: 'Stable', type: 'classic' },
  ]);
  expect(await listed([], [])).toEqual(['g', 'simple']);
  expect(await listed([' EMPTY '], ['Classic'])).toEqual(['simple']);
  expect(await listed(['Stable', 'Empty'], [])).toEqual(['g', 'simple']);
  expect(await listed([], ['consumer'])).toEqual([]);
  expect(await listed(['Assigning'], [])).toEqual([]);
});

test('a deleted group leaves no timer behind', async () => {
  const h = await Harness.start();
  const idle = h.clock.alarms;
  await h.member().join();
  expect(h.clock.alarms).toBe(idle + 1);
  expect(await h.coordinator.deleteGroups(['g'])).toEqual([{ groupId: 'g', error: ErrorCode.NONE }]);
  // The one that watched over the line of the write rings for nothing.
  await h.clock.advance(5_000);
  expect(h.clock.alarms).toBe(idle);
});

test('only groups without members are deleted, with their offsets and for good', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  await member!.commit(5);
  expect(await h.coordinator.deleteGroups(['g', 'none'])).toEqual([
    { groupId: 'g', error: ErrorCode.NON_EMPTY_GROUP },
    { groupId: 'none', error: ErrorCode.GROUP_ID_NOT_FOUND },
  ]);
  await member!.leave();
  expect(await h.coordinator.deleteGroups(['g'])).toEqual([{ groupId: 'g', error: ErrorCode.NONE }]);
  expect(await h.committed()).toBe(-1);
  await h.restart();
  expect(await h.stateOf()).toBe('Dead');
});
