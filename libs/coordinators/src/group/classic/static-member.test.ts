import { ErrorCode } from '@milepost/core';
import { Awaited, Harness, protocol, type TestMember } from '../../testing/harness.ts';

async function twoStatic(h: Harness): Promise<[TestMember, TestMember]> {
  const [a, b] = [h.member({ instanceId: 'a' }), h.member({ instanceId: 'b' })];
  await Promise.all([a.enter(), b.enter()]);
  await h.clock.advance(6_000);
  await h.assign([a, b]);
  return [a, b];
}

test('a static member that starts again takes its place in a Stable group without a rebalance', async () => {
  const h = await Harness.start();
  const [leader, b] = await twoStatic(h);
  const again = h.member({ instanceId: 'b' });
  const joined = await (await again.join()).answer;
  expect(joined).toMatchObject({
    error: ErrorCode.NONE,
    generation: 1,
    leader: leader.memberId,
    skipAssignment: false,
  });
  expect((await again.sync()).assignment.toString()).toBe(`for ${b.memberId}`);
  expect(await again.heartbeat()).toBe(ErrorCode.NONE);
  expect(await leader.heartbeat()).toBe(ErrorCode.NONE);
});

test('the old member id is fenced in every request', async () => {
  const h = await Harness.start();
  const [, old] = await twoStatic(h);
  await (await h.member({ instanceId: 'b' }).join()).answer;
  expect(await old.heartbeat()).toBe(ErrorCode.FENCED_INSTANCE_ID);
  expect((await old.sync()).error).toBe(ErrorCode.FENCED_INSTANCE_ID);
  expect((await old.join()).value?.error).toBe(ErrorCode.FENCED_INSTANCE_ID);
  expect(await old.commit(1)).toBe(ErrorCode.FENCED_INSTANCE_ID);
  expect(await old.leave()).toBe(ErrorCode.FENCED_INSTANCE_ID);
});

test('a leader that restarts skips the assignment (KIP-814); an older client learns of another leader', async () => {
  const h = await Harness.start();
  const [leader, b] = await twoStatic(h);
  const again = h.member({ instanceId: 'a' });
  const joined = await (await again.join()).answer;
  expect(joined).toMatchObject({ leader: again.memberId, skipAssignment: true });
  expect(joined.members.map(({ memberId }) => memberId)).toEqual([again.memberId, b.memberId]);

  const old = h.member({ instanceId: 'a', supportsSkippingAssignment: false });
  const joinedOld = await (await old.join()).answer;
  expect(joinedOld).toMatchObject({ leader: again.memberId, skipAssignment: false, members: [] });
  expect((await old.sync()).assignment.toString()).toBe(`for ${leader.memberId}`);
});

test('the new member id is durable before any response has it', async () => {
  const h = await Harness.start();
  await twoStatic(h);
  h.store.health = 'away';
  const refused = await (await h.member({ instanceId: 'b' }).join()).answer;
  expect(refused.error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  h.store.health = 'well';
  const again = h.member({ instanceId: 'b' });
  await (await again.join()).answer;
  await h.restart();
  expect(await again.heartbeat()).toBe(ErrorCode.NONE);
});

test('a static member that starts again with another protocol makes the group rebalance', async () => {
  const h = await Harness.start();
  const both = [protocol('range', ['t']), protocol('sticky', ['t'])];
  const a = h.member({ instanceId: 'a', protocols: both });
  await a.enter();
  await h.clock.advance(3_000);
  await h.assign([a]);
  await h.member({ instanceId: 'a', protocols: [protocol('sticky', ['t'])] }).join();
  expect(h.rebalances.at(-1)).toBe('milepost_group_rebalances_total g static_member_replaced');
});

test('while the leader assigns, a replaced member makes all members join again', async () => {
  const h = await Harness.start();
  const [a, b] = [h.member({ instanceId: 'a' }), h.member({ instanceId: 'b' })];
  await Promise.all([a.enter(), b.enter()]);
  await h.clock.advance(6_000);
  const waiting = b.sync();
  const again = await h.member({ instanceId: 'b' }).join();
  expect((await waiting).error).toBe(ErrorCode.FENCED_INSTANCE_ID);
  await a.join();
  expect(again.value?.generation).toBe(2);
});

test('a replaced member that waits to join is fenced', async () => {
  const h = await Harness.start();
  const first = await h.member({ instanceId: 'a' }).join();
  const second = await h.member({ instanceId: 'a' }).join();
  expect(first.value?.error).toBe(ErrorCode.FENCED_INSTANCE_ID);
  await h.clock.advance(6_000);
  expect(second.value).toMatchObject({ error: ErrorCode.NONE, generation: 1 });
});

test('a static member keeps its place through a rebalance that it misses, until its session ends', async () => {
  const h = await Harness.start();
  const [a, absent] = [
    h.member({ instanceId: 'a', rebalanceTimeoutMs: 5_000 }),
    h.member({ instanceId: 'b', sessionTimeoutMs: 30_000, rebalanceTimeoutMs: 5_000 }),
  ];
  await Promise.all([a.enter(), absent.enter()]);
  await h.clock.advance(6_000);
  await h.assign([a, absent]);
  const again = new Awaited((await a.join()).answer);
  await h.clock.advance(5_000);
  expect(again.value?.members.map(({ instanceId }) => instanceId)).toEqual(['a', 'b']);
  expect(await absent.heartbeat()).toBe(ErrorCode.ILLEGAL_GENERATION);
});

test('the replacement of a static member expires if it sends nothing', async () => {
  const h = await Harness.start();
  const [leader] = await twoStatic(h);
  await h.clock.advance(5_000);
  await (await h.member({ instanceId: 'b' }).join()).answer;
  await leader.heartbeat();
  await h.clock.advance(9_999);
  expect(await leader.heartbeat()).toBe(ErrorCode.NONE);
  await h.clock.advance(1);
  expect(await leader.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
});

test('a static member that restarts before its SyncGroup can send it afterwards', async () => {
  const h = await Harness.start();
  const [leader, b] = [h.member({ instanceId: 'a' }), h.member({ instanceId: 'b' })];
  await Promise.all([leader.enter(), b.enter()]);
  await h.clock.advance(6_000);
  await leader.sync([leader, b]);
  const again = h.member({ instanceId: 'b' });
  await (await again.join()).answer;
  await again.sync();
  for (let at = 0; at < 13; at++) {
    await h.clock.advance(5_000);
    expect(await leader.heartbeat()).toBe(ErrorCode.NONE);
    expect(await again.heartbeat()).toBe(ErrorCode.NONE);
  }
});

test('static members do expire', async () => {
  const h = await Harness.start();
  await twoStatic(h);
  await h.clock.advance(10_000);
  await h.clock.advance(60_000);
  expect(await h.stateOf()).toBe('Empty');
});
