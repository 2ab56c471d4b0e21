// Restarts, a store that is away, slow or forgetful, and the end: what must hold whatever the group does.
import { ErrorCode } from '@milepost/core';
import { GroupTable, MemoryGroupStore } from './memory-group-store.ts';
import { type ConsumerMember, settledGroup as settledConsumers } from '../testing/consumer-member.ts';
import { Awaited, commitOf, Harness } from '../testing/harness.ts';
import { settled } from '../../../core/src/testing/manual-clock.ts';

test('after a restart members continue with their ids, generation and assignments, without a rebalance', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2);
  await leader!.commit(7);
  await h.restart();
  expect(await leader!.heartbeat()).toBe(ErrorCode.NONE);
  expect(await follower!.heartbeat()).toBe(ErrorCode.NONE);
  expect((await follower!.sync()).assignment.toString()).toBe(`for ${follower!.memberId}`);
  expect(await follower!.commit(8)).toBe(ErrorCode.NONE);
  expect((await follower!.join()).value?.generation).toBe(1);
  expect(await h.stateOf()).toBe('Stable');
  expect(await h.committed()).toBe(8);
});

test('after a restart members that send nothing expire, and the others rebalance', async () => {
  const h = await Harness.start();
  const [leader] = await h.stable(2);
  await h.restart();
  await h.clock.advance(9_999);
  expect(await leader!.heartbeat()).toBe(ErrorCode.NONE);
  await h.clock.advance(1);
  expect(await leader!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect((await leader!.join()).value).toMatchObject({ generation: 2, leader: leader!.memberId });
});

test('a restart within a rebalance goes back to the last one that was completed', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2);
  await h.member().enter();
  await leader!.join();
  await follower!.join();
  expect(leader!.generation).toBe(2);
  await h.restart();
  expect(await leader!.heartbeat(1)).toBe(ErrorCode.NONE);
  expect(await leader!.heartbeat(2)).toBe(ErrorCode.ILLEGAL_GENERATION);
  const [described] = await h.coordinator.describe(['g']);
  expect(described?.members.map(({ memberId }) => memberId)).toEqual([leader!.memberId, follower!.memberId]);
});

test('a group that exceeds its limit after a restart rebalances, and the last members to return are refused', async () => {
  const h = await Harness.start();
  const [a, b, c] = await h.stable(3);
  Object.assign(h.config, { maxSize: 2 });
  await h.restart();
  expect(await a!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  const joins = [await b!.join(), await c!.join(), await a!.join()];
  expect(joins.map(({ value }) => value?.error)).toEqual([
    ErrorCode.NONE,
    ErrorCode.NONE,
    ErrorCode.GROUP_MAX_SIZE_REACHED,
  ]);
});

test('with the store away members stay, commits get a retriable error, and nothing has to be repaired', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  await member!.commit(1);
  h.store.health = 'away';
  for (let at = 0; at < 20; at++) {
    await h.clock.advance(5_000);
    expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
    expect(await member!.commit(at)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  }
  expect(await h.committed()).toBe(1);
  h.store.health = 'well';
  expect(await member!.commit(2)).toBe(ErrorCode.NONE);
  expect(await h.committed()).toBe(2);
});

test('a rebalance that could not be stored ends when the leader assigns again', async () => {
  const h = await Harness.start();
  const [leader, follower] = [h.member(), h.member()];
  await leader.enter();
  await follower.enter();
  await h.clock.advance(6_000);
  const waiting = new Awaited(follower.sync());
  h.store.health = 'away';
  expect((await leader.sync([leader, follower])).error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  expect(waiting.value).toBeUndefined();
  expect(await h.stateOf()).toBe('CompletingRebalance');
  h.store.health = 'well';
  expect((await leader.join()).value).toMatchObject({ generation: 1, leader: leader.memberId });
  await leader.sync([leader, follower]);
  expect((await waiting.answer).assignment.toString()).toBe(`for ${follower.memberId}`);
});

test('the last member leaves only when that is durable; silent ones are removed once the store is back', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  h.store.health = 'away';
  expect(await member!.leave()).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
  await h.clock.advance(60_000);
  expect(await h.stateOf()).toBe('Stable');
  h.store.health = 'well';
  await h.clock.advance(1_000);
  expect(await h.stateOf()).toBe('Empty');
});

test('a member that heartbeats while its removal waits for the store stays', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  h.store.health = 'away';
  await h.clock.advance(11_000);
  expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
  h.store.health = 'well';
  await h.clock.advance(9_000);
  expect(await h.stateOf()).toBe('Stable');
});

test('with a slow store clients get a response in time, late writes count, and no write overtakes another', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1, { sessionTimeoutMs: 60_000 });
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  const commits = [1, 2, 3].map((offset) => new Awaited(member!.commit(offset)));
  await h.clock.advance(4_999);
  expect(commits.map(({ value }) => value)).toEqual([undefined, undefined, undefined]);
  await h.clock.advance(1);
  expect(commits.map(({ value }) => value)).toEqual(Array(3).fill(ErrorCode.COORDINATOR_NOT_AVAILABLE));
  expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
  const next = new Awaited(member!.commit(4));
  await settled();
  expect(h.store.persisted).toBe(1);
  held.resolve();
  expect(await next.answer).toBe(ErrorCode.NONE);
  expect(h.store.persisted).toBe(3);
  expect(await h.committed()).toBe(4);
});

test('a member that heartbeats while its removal waits in the queue stays, however long the queue', async () => {
  for (const heldMs of [2_000, 7_000]) {
    const h = await Harness.start();
    const [busy, late] = await h.stable(2);
    const held = Promise.withResolvers<void>();
    h.store.pace = () => held.promise;
    await h.clock.advance(9_500);
    await busy!.heartbeat();
    const commit = new Awaited(busy!.commit(1));
    await h.clock.advance(600);
    expect(await late!.heartbeat()).toBe(ErrorCode.NONE);
    await h.clock.advance(heldMs);
    held.resolve();
    await commit.answer;
    await h.clock.advance(1_500);
    expect(await late!.heartbeat()).toBe(ErrorCode.NONE);
    expect(await h.stateOf()).toBe('Stable');
  }
});

test('one command at a time per group, different groups side by side', async () => {
  const h = await Harness.start();
  const held = Promise.withResolvers<void>();
  let reached = 0;
  h.store.pace = () => {
    reached += 1;
    return held.promise;
  };
  const nobody = (groupId: string) => h.member({ groupId });
  const commits = ['a', 'a', 'a', 'b', 'c'].map((groupId) => h.coordinator.commitOffsets(commitOf(nobody(groupId), 1)));
  await settled();
  expect(reached).toBe(3);
  held.resolve();
  await Promise.all(commits);
  expect(reached).toBe(5);
});

test('too many commands of one group are refused, and other groups continue', async () => {
  const h = await Harness.start();
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  const nobody = h.member();
  const commit = async () => (await h.coordinator.commitOffsets(commitOf(nobody, 1))).topics[0]?.partitions[0]?.error;
  const waiting = Array.from({ length: 10_001 }, commit);
  expect(await commit()).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  held.resolve();
  expect(new Set(await Promise.all(waiting))).toEqual(new Set([ErrorCode.NONE]));
});

test('a write whose response got lost may have landed: the client retries and the result is the same', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  h.store.health = 'forgetful';
  expect(await member!.commit(5)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  expect(await h.committed()).toBe(-1);
  h.store.health = 'well';
  expect(await member!.commit(5)).toBe(ErrorCode.NONE);
  await h.restart();
  expect(await h.committed()).toBe(5);
});

test('a removal whose response was lost may have landed: the member gets a success only once the store confirms it', async () => {
  const h = await Harness.start();
  const [first, second] = (await settledConsumers(h, ['a', 'b'])) as [ConsumerMember, ConsumerMember];
  h.store.health = 'forgetful';
  await h.clock.advance(h.config.consumerSessionTimeoutMs); // both are removed, unknown to this coordinator
  h.store.health = 'away';
  expect((await first.beat()).error).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  h.store.health = 'well';
  expect((await first.beat()).error).toBe(ErrorCode.NONE);
  expect((await second.beat()).error).toBe(ErrorCode.NONE);
  await h.restart();
  expect((await first.beat()).error).toBe(ErrorCode.NONE);
  expect((await second.beat()).error).toBe(ErrorCode.NONE);
});

test('until its shards are loaded a coordinator returns COORDINATOR_LOAD_IN_PROGRESS, except to heartbeats', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  const started = h.restart('away');
  await h.clock.advance(3_000);
  expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
  expect(await member!.commit(1)).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  expect((await h.member().join()).value?.error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  expect((await h.coordinator.list({ states: [], types: [] })).error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  expect((await h.coordinator.describe(['g']))[0]?.error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  h.store.health = 'well';
  await h.clock.advance(1_000);
  await started;
  expect(await member!.commit(1)).toBe(ErrorCode.NONE);
});

test('a shard that is loading makes only its own groups wait', async () => {
  const h = await Harness.start({}, [3]); // of g
  const { memberId, generation, ...member } = (await h.stable(1))[0]!;
  const others = { ...member.options, groupId: 'trucks' };
  h.store.health = 'away';
  const loading = h.coordinator.start([h.coordinator.shardOf('trucks')]);
  await h.clock.advance(500);
  const errorOf = async (groupId: string) => (await h.coordinator.describe([groupId]))[0]?.error;
  expect(await errorOf('trucks')).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  expect((await h.member(others).join()).value?.error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  expect(await h.coordinator.heartbeat({ groupId: 'g', memberId, generation, instanceId: null })).toBe(ErrorCode.NONE);
  h.store.health = 'well';
  await h.clock.advance(1_000);
  await loading;
  expect(await h.member(others).commit(1)).toBe(ErrorCode.NONE);
  expect(await h.committed('trucks')).toBe(1);
});

test('a group of a shard that this coordinator does not own gets NOT_COORDINATOR', async () => {
  const h = await Harness.start({}, [1, 2]);
  const member = h.member();
  expect((await member.join()).value?.error).toBe(ErrorCode.NOT_COORDINATOR);
  expect(await member.heartbeat()).toBe(ErrorCode.NOT_COORDINATOR);
  expect((await h.coordinator.list({ states: [], types: [] })).error).toBe(ErrorCode.NONE);
});

test('a deposed coordinator returns NOT_COORDINATOR, to pending requests too', async () => {
  const h = await Harness.start();
  const [leader] = await h.stable(2);
  const joining = await leader!.join();
  await new MemoryGroupStore(h.store.table).acquire([h.coordinator.shardOf('g')]);
  const commit = await leader!.commit(1);
  expect(commit).toBe(ErrorCode.NOT_COORDINATOR);
  expect((await joining.answer).error).toBe(ErrorCode.NOT_COORDINATOR);
  expect(await leader!.heartbeat()).toBe(ErrorCode.NOT_COORDINATOR);
  // Only of that shard.
  expect(await h.committed('other')).toBe(-1);
});

test('closing completes all pending requests, and leaves no timer behind', async () => {
  const h = await Harness.start();
  const [leader, follower] = await h.stable(2);
  const joining = await leader!.join();
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  const commits = [new Awaited(follower!.commit(1)), new Awaited(follower!.commit(2))];
  const closed = new Awaited(h.coordinator.close());
  await settled();
  expect(joining.value?.error).toBe(ErrorCode.NOT_COORDINATOR);
  expect(commits.map(({ value }) => value)).toEqual([ErrorCode.NOT_COORDINATOR, ErrorCode.NOT_COORDINATOR]);
  expect(await follower!.heartbeat()).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
  expect(h.clock.alarms).toBe(0);
  held.resolve();
  await closed.answer;
  expect(h.store.table.groups.get('g')?.offsets.size).toBe(1);
});

test('groups that come and go leave nothing in memory', async () => {
  const h = await Harness.start();
  const idle = h.clock.alarms;
  for (let at = 0; at < 20; at++) {
    const member = h.member({ groupId: `g${at}` });
    await member.join();
    await member.leave();
    await h.coordinator.fetchOffsets({ groupId: `f${at}`, topics: null, requireStable: at % 2 === 0 });
    await h.member({ groupId: `h${at}` }).heartbeat();
  }
  expect((await h.coordinator.list({ states: [], types: [] })).groups).toEqual([]);
  expect(h.clock.alarms).toBe(idle);
  expect(h.store.table).toEqual(Object.assign(new GroupTable(), { epochs: h.store.table.epochs }));
});
