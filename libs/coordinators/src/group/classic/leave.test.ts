import { ErrorCode } from '@milepost/core';
import { Harness } from '../../testing/harness.ts';

test('a member that leaves makes the others rebalance immediately', async () => {
  const h = await Harness.start();
  const [a, b] = await h.stable(2);
  expect(await b!.leave()).toBe(ErrorCode.NONE);
  expect(await a!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect((await a!.join()).value?.generation).toBe(2);
  expect(h.rebalances.at(-1)).toBe('milepost_group_rebalances_total g member_left');
});

test('the last one to leave leaves an Empty group, durably', async () => {
  const h = await Harness.start();
  const [only] = await h.stable(1);
  expect(await only!.leave()).toBe(ErrorCode.NONE);
  await h.restart();
  expect(await h.stateOf()).toBe('Empty');
});

test('several members leave in one request, each with its own result (KIP-345)', async () => {
  const h = await Harness.start();
  const [a, fixed, c] = [h.member(), h.member({ instanceId: 'i1' }), h.member()];
  await Promise.all([a.enter(), fixed.enter(), c.enter()]);
  await h.clock.advance(6_000);
  await h.assign([a, fixed, c]);
  const gone = (memberId: string, instanceId: string | null) => ({ memberId, instanceId, reason: 'because' });
  const left = await h.coordinator.leave({
    groupId: 'g',
    members: [
      gone(a.memberId, null),
      gone('', 'i1'),
      gone('', 'nobody'),
      gone('stranger', null),
      gone('other', 'i1'),
      gone('', null),
    ],
  });
  expect(left.error).toBe(ErrorCode.NONE);
  expect(left.members.map(({ error }) => error)).toEqual([
    ErrorCode.NONE,
    ErrorCode.NONE,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.UNKNOWN_MEMBER_ID,
  ]);
  expect(left.members[1]).toEqual({ memberId: '', instanceId: 'i1', error: ErrorCode.NONE });
  const [described] = await h.coordinator.describe(['g']);
  expect(described?.members.map(({ memberId }) => memberId)).toEqual([c.memberId]);
});

test('a static member that leaves under the id of another is fenced and stays', async () => {
  const h = await Harness.start();
  await h.member({ instanceId: 'i1' }).enter();
  const members = [{ memberId: 'other', instanceId: 'i1', reason: null }];
  const left = await h.coordinator.leave({ groupId: 'g', members });
  expect(left.members[0]?.error).toBe(ErrorCode.FENCED_INSTANCE_ID);
});

test('an issued member id may leave, so that no rebalance waits for it', async () => {
  const h = await Harness.start();
  const [a] = await h.stable(1);
  const pending = h.member();
  await pending.join();
  const again = await a!.join();
  expect(again.value).toBeUndefined();
  expect(await pending.leave()).toBe(ErrorCode.NONE);
  expect(again.value?.generation).toBe(2);
});

test('if their leaving cannot be stored no member has left, issued member ids included', async () => {
  const h = await Harness.start();
  const [a] = await h.stable(1);
  const pending = h.member();
  await pending.join();
  h.store.health = 'away';
  const members = [a!, pending].map(({ memberId }) => ({ memberId, instanceId: null, reason: null }));
  expect((await h.coordinator.leave({ groupId: 'g', members })).error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  h.store.health = 'well';
  await a!.join();
  const joined = await pending.join();
  expect(joined.value).toMatchObject({ error: ErrorCode.NONE, generation: 2, leader: a!.memberId });
});

test('a member that leaves gets the responses that it waits for', async () => {
  const h = await Harness.start();
  const [a, b] = await h.stable(2);
  const joining = await a!.join();
  expect(await a!.leave()).toBe(ErrorCode.NONE);
  expect(joining.value?.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  const news = h.member();
  await news.enter();
  await b!.join();
  const syncing = news.sync();
  expect(await news.leave()).toBe(ErrorCode.NONE);
  expect((await syncing).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('no member can leave a group that does not exist', async () => {
  const h = await Harness.start();
  const stranger = h.member();
  stranger.memberId = 'x';
  expect(await stranger.leave()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await h.stateOf()).toBe('Dead');
});
