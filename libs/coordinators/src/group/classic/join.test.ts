import { ErrorCode } from '@milepost/core';
import { Harness, protocol } from '../../testing/harness.ts';

test('a dynamic member without an id gets one and joins with it (KIP-394)', async () => {
  const h = await Harness.start();
  const member = h.member({ clientId: 'truck' });
  const first = await (await member.join()).answer;
  expect(first).toMatchObject({ error: ErrorCode.MEMBER_ID_REQUIRED, memberId: 'truck-id1', generation: -1 });
  const second = await member.join();
  await h.clock.advance(3_000);
  expect(second.value).toMatchObject({ error: ErrorCode.NONE, memberId: 'truck-id1', generation: 1 });
});

test('clients before JoinGroup v4 and static members join immediately', async () => {
  const h = await Harness.start();
  const old = await h.member({ requireKnownMemberId: false }).join();
  const fixed = await h.member({ instanceId: 'truck-7' }).join();
  await h.clock.advance(6_000);
  expect(old.value).toMatchObject({ error: ErrorCode.NONE, generation: 1 });
  expect(fixed.value).toMatchObject({ error: ErrorCode.NONE, generation: 1, memberId: 'truck-7-id2' });
});

test('a new group waits its initial delay, once more when members keep coming, and later groups do not', async () => {
  const h = await Harness.start();
  const [first, second, third] = [h.member(), h.member(), h.member()];
  const one = await first.enter();
  await h.clock.advance(2_999);
  const two = await second.enter();
  await h.clock.advance(2_999);
  expect([one.value, two.value]).toEqual([undefined, undefined]);
  await h.clock.advance(2);
  expect([one.value?.generation, two.value?.generation]).toEqual([1, 1]);
  await h.assign([first, second]);

  const three = await third.enter();
  const rejoined = [await first.join(), await second.join()];
  expect([three, ...rejoined].map(({ value }) => value?.generation)).toEqual([2, 2, 2]);
});

test('without an initial delay, members that are started together still begin together (librdkafka 0089, 0118)', async () => {
  const h = await Harness.start({ initialRebalanceDelayMs: 0 });
  const one = await h.member().enter();
  await h.clock.advance(5);
  const two = await h.member().enter();
  await h.clock.advance(20);
  expect([one.value?.generation, two.value?.generation]).toEqual([1, 1]);
});

test('the initial delay ends with the rebalance timeout, however many members keep coming', async () => {
  const h = await Harness.start();
  const first = await h.member({ rebalanceTimeoutMs: 7_000 }).enter();
  for (let at = 0; at < 3; at++) {
    await h.clock.advance(2_000);
    await h.member({ rebalanceTimeoutMs: 7_000 }).enter();
  }
  await h.clock.advance(999);
  expect(first.value).toBeUndefined();
  await h.clock.advance(2_001);
  expect(first.value?.error).toBe(ErrorCode.NONE);
});

test('only the leader gets the list of members', async () => {
  const h = await Harness.start();
  const [a, b] = [h.member({ protocols: [protocol('range', ['x'])] }), h.member()];
  const [joinA, joinB] = [await a.enter(), await b.enter()];
  await h.clock.advance(6_000);
  expect(joinA.value).toMatchObject({ leader: a.memberId, protocolName: 'range', protocolType: 'consumer' });
  expect(joinA.value?.members).toEqual([
    { memberId: a.memberId, instanceId: null, metadata: protocol('range', ['x']).metadata },
    { memberId: b.memberId, instanceId: null, metadata: protocol('range', ['t']).metadata },
  ]);
  expect(joinB.value).toMatchObject({ leader: a.memberId, members: [] });
});

test('the protocol is the one with most votes among those that all support', async () => {
  const h = await Harness.start();
  const supporting = (...names: string[]) => h.member({ protocols: names.map((name) => protocol(name, ['t'])) });
  const joins = [
    await supporting('only mine', 'range', 'sticky').enter(),
    await supporting('sticky', 'range').enter(),
    await supporting('sticky', 'range').enter(),
  ];
  await h.clock.advance(6_000);
  expect(joins.map(({ value }) => value?.protocolName)).toEqual(['sticky', 'sticky', 'sticky']);
});

test.each([
  ['another type', { protocolType: 'connect' }],
  ['no common protocol', { protocols: [protocol('sticky', ['t'])] }],
  ['no protocol', { protocols: [] }],
])('%s is an inconsistent protocol', async (_, options) => {
  const h = await Harness.start();
  await h.stable(1);
  expect((await h.member(options).join()).value?.error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  expect(await h.stateOf()).toBe('Stable');
});

test('a group needs a type and a protocol from its first member, and a refused one leaves no group behind', async () => {
  const h = await Harness.start();
  for (const options of [{ protocols: [] }, { protocolType: '' }])
    expect((await h.member(options).join()).value?.error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  expect(await h.stateOf()).toBe('Dead');
});

test('a session timeout out of bounds is refused', async () => {
  const h = await Harness.start();
  for (const sessionTimeoutMs of [5_999, 1_800_001])
    expect((await h.member({ sessionTimeoutMs }).join()).value?.error).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
});

test('an unknown member id is refused, whether the group exists or not', async () => {
  const h = await Harness.start();
  const stranger = (groupId: string) => h.member({ groupId }).join({ memberId: 'stranger' });
  expect((await stranger('g')).value).toMatchObject({ error: ErrorCode.UNKNOWN_MEMBER_ID, memberId: 'stranger' });
  await h.stable(1);
  expect((await stranger('g')).value?.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect((await stranger('')).value?.error).toBe(ErrorCode.INVALID_GROUP_ID);
});

test('a follower that joins a Stable group unchanged gets the current generation', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2);
  const again = await follower!.join();
  expect(again.value).toMatchObject({ error: ErrorCode.NONE, generation: 1, leader: leader!.memberId, members: [] });
  expect(await h.stateOf()).toBe('Stable');
});

test('a follower with other topics and a leader with the same ones begin a rebalance', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2);
  await follower!.join({ protocols: [protocol('range', ['t', 'u'])] });
  expect(await h.stateOf()).toBe('PreparingRebalance');
  await leader!.join();
  await h.assign([leader!, follower!]);
  expect(await h.stateOf()).toBe('Stable');
  await leader!.join();
  expect(await h.stateOf()).toBe('PreparingRebalance');
  expect(h.rebalances).toEqual([
    'milepost_group_rebalances_total g member_joined',
    'milepost_group_rebalances_total g member_rejoined',
    'milepost_group_rebalances_total g member_rejoined',
  ]);
});

test('in CompletingRebalance a repeated JoinGroup gets the same response, and a changed one starts a rebalance', async () => {
  const h = await Harness.start();
  const [a, b] = [h.member(), h.member()];
  const joins = [await a.enter(), await b.enter()];
  await h.clock.advance(6_000);
  expect(await h.stateOf()).toBe('CompletingRebalance');
  expect((await a.join()).value).toEqual(joins[0]!.value);
  expect((await b.join()).value).toEqual(joins[1]!.value);
  await b.join({ protocols: [protocol('range', ['u'])] });
  expect(await h.stateOf()).toBe('PreparingRebalance');
});

test('members that do not join within the rebalance timeout are removed, and a joined one leads', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2, { sessionTimeoutMs: 100_000 });
  const news = await h.member().enter();
  await follower!.join();
  await h.clock.advance(59_999);
  expect(news.value).toBeUndefined();
  await h.clock.advance(1);
  expect(news.value).toMatchObject({ error: ErrorCode.NONE, generation: 2, leader: follower!.memberId });
  expect(await leader!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('an issued member id that is never used delays the rebalance for one session at most', async () => {
  const h = await Harness.start();
  const [leader] = await h.stable(1);
  await h.member({ sessionTimeoutMs: 8_000 }).join();
  const again = await leader!.join();
  await h.clock.advance(7_999);
  expect(again.value).toBeUndefined();
  await h.clock.advance(1);
  expect(again.value?.generation).toBe(2);
});

test('group.max.size refuses new members, and the last ones that return', async () => {
  const h = await Harness.start({ maxSize: 2 });
  const [a, b] = await h.stable(2);
  expect((await h.member().join()).value).toMatchObject({ error: ErrorCode.GROUP_MAX_SIZE_REACHED, memberId: '' });
  expect(await b!.heartbeat()).toBe(ErrorCode.NONE);
  const again = await a!.join();
  await b!.join();
  expect(again.value?.generation).toBe(2);
});

test('a second JoinGroup of a waiting member completes the first', async () => {
  const h = await Harness.start();
  const [a] = await h.stable(2);
  const first = await a!.join();
  await a!.join();
  expect(first.value?.error).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
});

test('a new member whose JoinGroup waits for five minutes is removed', async () => {
  const h = await Harness.start();
  const [leader] = await h.stable(1, { rebalanceTimeoutMs: 1_000_000 });
  const news = await h.member({ rebalanceTimeoutMs: 1_000_000 }).enter();
  for (let at = 0; at < 60; at++) {
    await h.clock.advance(5_000);
    await leader!.heartbeat();
  }
  expect(news.value?.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});
