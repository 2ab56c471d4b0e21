import { ErrorCode } from '@milepost/core';
import { Awaited, Harness } from '../../testing/harness.ts';
import { settled } from '../../../../core/src/testing/manual-clock.ts';

async function completing(count: number, h: Harness) {
  const members = Array.from({ length: count }, () => h.member());
  for (const member of members) await member.enter();
  await h.clock.advance(6_000);
  return members;
}

test('followers wait for the leader, and each gets its own assignment', async () => {
  const h = await Harness.start();
  const [leader, follower] = await completing(2, h);
  const waiting = new Awaited(follower!.sync());
  await settled();
  expect(waiting.value).toBeUndefined();
  const own = await leader!.sync([leader!, follower!]);
  expect(own).toMatchObject({ error: ErrorCode.NONE, protocolType: 'consumer', protocolName: 'range' });
  expect(own.assignment.toString()).toBe(`for ${leader!.memberId}`);
  expect((await waiting.answer).assignment.toString()).toBe(`for ${follower!.memberId}`);
  expect(await h.stateOf()).toBe('Stable');
});

test('a member that the leader left out gets an empty assignment, a late one its own', async () => {
  const h = await Harness.start();
  const [leader, forgotten, late] = await completing(3, h);
  await leader!.sync([leader!, late!]);
  expect(await forgotten!.sync()).toMatchObject({ error: ErrorCode.NONE, assignment: Buffer.alloc(0) });
  expect((await late!.sync()).assignment.toString()).toBe(`for ${late!.memberId}`);
});

test('only members of the current generation and protocol get an assignment', async () => {
  const h = await Harness.start();
  const [member] = await completing(1, h);
  const errorOf = async (changes: object) => (await member!.sync([], changes)).error;
  expect(await errorOf({ groupId: '' })).toBe(ErrorCode.INVALID_GROUP_ID);
  expect(await errorOf({ groupId: 'none' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await errorOf({ memberId: 'stranger' })).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await errorOf({ generation: 2 })).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await errorOf({ protocolType: 'connect' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  expect(await errorOf({ protocolName: 'sticky' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  expect(await errorOf({ protocolType: 'consumer', protocolName: 'range' })).toBe(ErrorCode.NONE);
});

test('a rebalance completes pending SyncGroups with REBALANCE_IN_PROGRESS', async () => {
  const h = await Harness.start();
  const [leader, follower] = await completing(2, h);
  const waiting = new Awaited(follower!.sync());
  await h.member().enter();
  expect((await waiting.answer).error).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect((await leader!.sync()).error).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
});

test('DescribeGroups shows no assignments after a rebalance in CompletingRebalance', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2);
  await leader!.join();
  await follower!.join();
  await h.member().enter();
  const [described] = await h.coordinator.describe(['g']);
  expect(described?.state).toBe('PreparingRebalance');
  expect(described?.members.map(({ assignment }) => assignment.length)).toEqual([0, 0, 0]);
});

test('a leader whose assignment could not be stored and that does not retry is removed like any member', async () => {
  const h = await Harness.start();
  const [leader, follower] = await completing(2, h);
  const waiting = new Awaited(follower!.sync());
  h.store.health = 'away';
  expect((await leader!.sync([leader!, follower!])).error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  h.store.health = 'well';
  for (let at = 0; at < 12; at++) {
    await h.clock.advance(5_000);
    await leader!.heartbeat();
  }
  expect((await waiting.answer).error).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect(await leader!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('a leader that never assigns is removed after the rebalance timeout, and the others rebalance', async () => {
  const h = await Harness.start();
  const [leader, follower] = await completing(2, h);
  const waiting = new Awaited(follower!.sync());
  for (let at = 0; at < 12; at++) {
    await h.clock.advance(5_000);
    await leader!.heartbeat();
  }
  expect((await waiting.answer).error).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect(await leader!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect((await follower!.join()).value).toMatchObject({ generation: 2, leader: follower!.memberId });
  expect(h.rebalances.at(-1)).toBe('milepost_group_rebalances_total g sync_expired');
});

test('a follower that never sends SyncGroup is removed after the rebalance timeout', async () => {
  const h = await Harness.start();
  const [leader, silent] = await completing(2, h);
  await leader!.sync([leader!, silent!]);
  for (let at = 0; at < 12; at++) {
    await h.clock.advance(5_000);
    await Promise.all([leader!.heartbeat(), silent!.heartbeat()]);
  }
  expect(await silent!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await leader!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
});
