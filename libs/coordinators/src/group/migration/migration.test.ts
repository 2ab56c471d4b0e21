import { ErrorCode } from '@milepost/core';
import { settled } from '../../../../core/src/testing/manual-clock.ts';
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '@milepost/wire';
import { ConsumerMember, settle } from '../../testing/consumer-member.ts';
import { Awaited, Harness, type TestMember } from '../../testing/harness.ts';

const subscription = (owned: readonly number[] = [], version = 3) =>
  ConsumerProtocolSubscription.write(version, {
    topics: ['t'],
    ownedPartitions: owned.length > 0 ? [{ topic: 't', partitions: owned }] : [],
  });

const protocols = (owned: readonly number[] = []) => [{ name: 'range', metadata: subscription(owned) }];

const assignment = (partitions: readonly number[]) =>
  ConsumerProtocolAssignment.write(0, { assignedPartitions: [{ topic: 't', partitions }], userData: null });

const partitionsOf = (bytes: Buffer) =>
  ConsumerProtocolAssignment.read(bytes).assignedPartitions.flatMap(({ partitions }) => [...partitions]);

async function classicGroup(h: Harness, count: number): Promise<TestMember[]> {
  h.catalog.set('t', 4);
  const members = Array.from({ length: count }, () => h.member({ protocols: protocols() }));
  const joins = await Promise.all(members.map((member) => member.enter()));
  await h.clock.advance(h.config.initialRebalanceDelayMs * 2);
  await Promise.all(joins.map(({ answer }) => answer));
  const each = 4 / count;
  const assignments = members.map(({ memberId }, at) => {
    const partitions = Array.from({ length: each }, (_, more) => at * each + more);
    return { memberId, assignment: assignment(partitions) };
  });
  await Promise.all(members.map((member) => member.sync([], member.leads ? { assignments } : {})));
  return members;
}

/** As its client does: rejoins on request, and requests its assignment. */
async function follow(member: TestMember, owned: readonly number[] = []): Promise<number[] | ErrorCode> {
  const beaten = await member.heartbeat();
  if (beaten !== ErrorCode.NONE && beaten !== ErrorCode.REBALANCE_IN_PROGRESS) return beaten;
  if (beaten === ErrorCode.REBALANCE_IN_PROGRESS) {
    const { error } = await (await member.join({ protocols: protocols(owned) })).answer;
    if (error !== ErrorCode.NONE) return error;
  }
  const synced = await member.sync();
  return synced.error === ErrorCode.NONE ? partitionsOf(synced.assignment) : synced.error;
}

const described = async (h: Harness) => (await h.coordinator.describeConsumers(['g']))[0];

/** A group of two that speak the classic protocol and one of the new, at rest. */
async function mixed(h: Harness): Promise<[TestMember, TestMember, ConsumerMember]> {
  const [a, b] = (await classicGroup(h, 2)) as [TestMember, TestMember];
  const modern = new ConsumerMember(h, 'modern');
  await modern.join();
  for (let round = 0; round < 4; round++) {
    await h.clock.advance(1_000);
    await follow(a);
    await follow(b);
    await modern.follow();
  }
  return [a, b, modern];
}

test('a classic group becomes a consumer group with the first member of the new protocol, and shares its partitions', async () => {
  const h = await Harness.start();
  const [a, b] = (await classicGroup(h, 2)) as [TestMember, TestMember];
  const modern = new ConsumerMember(h, 'modern');
  expect(await modern.join()).toMatchObject({ error: ErrorCode.NONE, memberEpoch: 2 });
  expect(modern.partitions).toEqual([]);

  expect(await a.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect(await a.sync()).toMatchObject({ error: ErrorCode.REBALANCE_IN_PROGRESS });
  const ofA = await follow(a);
  const ofB = await follow(b);
  await modern.follow();
  const all = [ofA, ofB, modern.told.flatMap(({ partitions }) => partitions)].flat();
  expect(all.toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3]);
  expect(modern.partitions).not.toEqual([]);
  expect(await described(h)).toMatchObject({
    state: 'Stable',
    groupEpoch: 2,
    members: [{ isClassic: true }, { isClassic: true }, { memberId: 'modern', isClassic: false }],
  });
  expect(await h.coordinator.list({ states: [], types: ['consumer'] })).toMatchObject({ groups: [{ groupId: 'g' }] });
  expect(a.generation).toBe(2);
});

test('a cooperative member keeps what it has, gives up what it must, and only then the other one gets it', async () => {
  const h = await Harness.start();
  const [a] = (await classicGroup(h, 1)) as [TestMember];
  const modern = new ConsumerMember(h, 'modern');
  await modern.join();
  const before = await a.heartbeat();
  expect(before).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  await (await a.join({ protocols: protocols([0, 1, 2, 3]) })).answer;
  // Its epoch stays until it has given up the half.
  const kept = partitionsOf((await a.sync()).assignment);
  expect(kept).toHaveLength(2);
  await modern.follow();
  expect(modern.partitions).toEqual([]);
  expect(await a.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  await (await a.join({ protocols: protocols(kept) })).answer;
  expect(partitionsOf((await a.sync()).assignment)).toEqual(kept);
  await modern.follow();
  expect(modern.partitions).toHaveLength(2);
  expect(await a.heartbeat()).toBe(ErrorCode.NONE);
});

test('commits of classic members count in their generation, and in one in which they already had the partition', async () => {
  const h = await Harness.start();
  const [a] = await mixed(h);
  const t = h.catalog.named('t')?.id;
  const [partition] = (await follow(a)) as number[];
  const topic = (generation: number) => ({
    generation,
    knowsGroupIdNotFound: false,
    topics: [
      {
        name: 't',
        topicId: t as never,
        partitions: [{ partition: partition as number, offset: 1 as never, leaderEpoch: 0 as never, metadata: null }],
      },
    ],
  });
  expect(await a.commit(1, topic(a.generation))).toBe(ErrorCode.NONE);
  expect(await a.commit(1, topic(a.generation + 1))).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await a.commit(1, topic(a.generation - 2))).toBe(ErrorCode.ILLEGAL_GENERATION);
});

test('when the last member of the new protocol leaves, the others are a classic group and rebalance', async () => {
  const h = await Harness.start();
  const [a, b, modern] = await mixed(h);
  await modern.leave();
  expect(await h.stateOf()).toBe('PreparingRebalance');
  expect(await a.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  const joins = await Promise.all([a.join({ protocols: protocols() }), b.join({ protocols: protocols() })]);
  for (const { answer } of joins) expect((await answer).error).toBe(ErrorCode.NONE);
  const members = [a, b];
  await h.assign(members);
  expect(await h.stateOf()).toBe('Stable');
  expect(await h.coordinator.list({ states: [], types: ['classic'] })).toMatchObject({ groups: [{ groupId: 'g' }] });
});

test('the same happens when it expires, and the next coordinator finds the group so', async () => {
  const h = await Harness.start({ consumerSessionTimeoutMs: 6_000 });
  const [a, b] = await mixed(h);
  for (let second = 0; second < 7; second++) {
    await h.clock.advance(1_000);
    await a.heartbeat();
    await b.heartbeat();
  }
  expect(await h.stateOf()).toBe('PreparingRebalance');
  await h.restart();
  expect(h.store.table.groups.get('g')?.group).toMatchObject({ kind: 'classic' });
  expect(await h.stateOf()).toBe('PreparingRebalance'); // otherwise the silent member's partitions would never have an owner
  for (const { answer } of await Promise.all([a.join({ protocols: protocols() }), b.join({ protocols: protocols() })]))
    expect((await answer).error).toBe(ErrorCode.NONE);
  await h.assign([a, b]);
  await h.restart();
  expect(await h.stateOf()).toBe('Stable');
});

test('a mixed group continues in the next coordinator', async () => {
  const h = await Harness.start();
  const [a, , modern] = await mixed(h);
  await h.restart();
  expect(await a.heartbeat()).toBe(ErrorCode.NONE);
  expect((await modern.beat()).error).toBe(ErrorCode.NONE);
  expect((await described(h))?.members.map(({ isClassic }) => isClassic)).toEqual([true, true, false]);
});

test('a classic member that does not rejoin on request, and one that does not send SyncGroup, are removed', async () => {
  const h = await Harness.start();
  const [a, b, modern] = await mixed(h);
  await new ConsumerMember(h, 'another').join();
  await h.clock.advance(1_000);
  await modern.follow();
  expect(await a.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect(await b.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  await (await b.join({ protocols: protocols() })).answer;
  for (let second = 0; second < 61; second++) {
    await h.clock.advance(1_000);
    await a.heartbeat();
    await b.heartbeat();
    await modern.follow();
  }
  const members = (await described(h))?.members.map(({ memberId }) => memberId);
  expect(members).not.toContain(a.memberId);
  expect(members).not.toContain(b.memberId);
  expect(h.rebalances).toContainEqual(expect.stringContaining('join_expired'));
  expect(h.rebalances).toContainEqual(expect.stringContaining('sync_expired'));
});

test('the session of a classic member in a consumer group has the requested length', async () => {
  const h = await Harness.start();
  const [a] = await mixed(h);
  await h.clock.advance(10_001);
  expect(await a.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('classic members join a group of the new protocol, with their id as with MEMBER_ID_REQUIRED', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 4);
  const modern = new ConsumerMember(h, 'modern');
  await modern.join();
  await settle(h, [modern]);
  const classic = h.member({ protocols: protocols() });
  const first = await (await classic.join()).answer;
  expect(first).toMatchObject({ error: ErrorCode.MEMBER_ID_REQUIRED, memberId: expect.stringMatching(/./) });
  const joined = await (await classic.join()).answer;
  expect(joined).toMatchObject({ error: ErrorCode.NONE, leader: '', protocolName: 'range', members: [] });
  await h.clock.advance(1_000);
  await modern.follow();
  await modern.follow();
  expect(await follow(classic)).toHaveLength(2);
  const strange = h.member({ protocolType: 'connect' });
  expect((await (await strange.join()).answer).error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  const other = h.member({ protocols: [{ name: 'sticky', metadata: subscription() }] });
  expect((await (await other.join()).answer).error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  const broken = h.member({ instanceId: 'x', protocols: [{ name: 'range', metadata: Buffer.from([0]) }] });
  expect((await (await broken.join()).answer).error).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
});

test('a static member changes to the new protocol and back without leaving', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 2);
  const classic = h.member({ instanceId: 'i', protocols: protocols() });
  await classic.enter();
  await h.clock.advance(6_000);
  await classic.sync([], { assignments: [{ memberId: classic.memberId, assignment: assignment([0, 1]) }] });

  const modern = new ConsumerMember(h, 'new', { instanceId: 'i' });
  expect((await modern.join()).error).toBe(ErrorCode.NONE);
  expect(modern.partitions).toEqual(['t0', 't1']);
  expect(await classic.heartbeat()).toBe(ErrorCode.FENCED_INSTANCE_ID);

  const again = h.member({ instanceId: 'i', protocols: protocols() });
  expect((await (await again.join()).answer).error).toBe(ErrorCode.NONE);
  expect((await modern.beat()).error).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  expect(await h.coordinator.list({ states: [], types: ['classic'] })).toMatchObject({ groups: [{ groupId: 'g' }] });
  expect(await follow(again)).toEqual([0, 1]);
});

test('a static member that moves in the midst of a rebalance gets what the rebalance was about', async () => {
  const h = await Harness.start({ consumerSessionTimeoutMs: 6_000 });
  h.catalog.set('t', 2);
  const classic = h.member({ instanceId: 'i', protocols: protocols() });
  await classic.enter();
  await h.clock.advance(6_000);
  await classic.sync([], { assignments: [{ memberId: classic.memberId, assignment: assignment([0, 1]) }] });
  const silent = new ConsumerMember(h, 'silent');
  await silent.join();
  for (let second = 0; second < 7; second++) {
    await h.clock.advance(1_000);
    if (second < 3) await follow(classic);
    else await classic.heartbeat();
  }
  expect(await h.stateOf()).toBe('PreparingRebalance');

  const modern = new ConsumerMember(h, 'new', { instanceId: 'i' });
  await modern.join();
  await settle(h, [modern]);
  expect(modern.partitions).toEqual(['t0', 't1']);
});

test('partitions that wait for the last consumer member reach their members, also if a classic member replaces it', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 2);
  const modern = new ConsumerMember(h, 'modern', { instanceId: 'i' });
  await modern.join();
  await h.clock.advance(1_000);
  const waiting = h.member({ protocols: protocols() });
  await waiting.enter();
  expect(partitionsOf((await waiting.sync()).assignment)).toEqual([]); // the other one has both

  const again = h.member({ instanceId: 'i', protocols: protocols() });
  expect((await (await again.join()).answer).error).toBe(ErrorCode.NONE);
  expect(await h.stateOf()).toBe('PreparingRebalance');
  expect(await waiting.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
});

test('a partition that a classic member has yet to give up is not assigned again, however often the group migrates', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 2);
  const classic = h.member({ protocols: protocols() });
  await classic.enter();
  await h.clock.advance(6_000);
  await classic.sync([], { assignments: [{ memberId: classic.memberId, assignment: assignment([0, 1]) }] });
  const first = new ConsumerMember(h, 'first');
  await first.join();
  expect(first.partitions).toEqual([]);
  await first.leave();
  const second = new ConsumerMember(h, 'second');
  await second.join();
  expect(second.partitions).toEqual([]);
});

test('a classic member that waits for its commit does not expire, in a consumer group too', async () => {
  const h = await Harness.start();
  const [a] = await mixed(h);
  h.store.health = 'away';
  await h.clock.advance(8_000);
  const committing = a.commit(1);
  await h.clock.advance(4_000);
  h.store.health = 'well';
  await h.clock.advance(1_000);
  await committing;
  expect((await described(h))?.members.map(({ memberId }) => memberId)).toContain(a.memberId);
});

test('members that wait in a rebalance must join again, and find the group as it is then', async () => {
  const h = await Harness.start();
  const [a, b] = (await classicGroup(h, 2)) as [TestMember, TestMember];
  const waiting = await a.join({ protocols: [{ name: 'range', metadata: subscription([0, 1]) }] });
  expect(waiting.value).toBeUndefined();
  await new ConsumerMember(h, 'modern').join();
  expect((await waiting.answer).error).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect((await (await b.join({ protocols: protocols() })).answer).error).toBe(ErrorCode.NONE);
});

test.each([
  ['it is disabled', { migrationPolicy: 'disabled' as const }, 'is disabled'],
  ['only the way back is allowed', { migrationPolicy: 'downgrade' as const }, 'is disabled'],
  ['the group is too large', { consumerMaxSize: 1 }, 'maximum size'],
])('a classic group stays one where %s', async (_, config, why) => {
  const h = await Harness.start(config);
  const [a] = await classicGroup(h, 2);
  const refused = await new ConsumerMember(h, 'modern').join();
  expect(refused).toMatchObject({
    error: ErrorCode.GROUP_ID_NOT_FOUND,
    errorMessage: expect.stringContaining(why),
  });
  expect(await a?.heartbeat()).toBe(ErrorCode.NONE);
  expect(await h.stateOf()).toBe('Stable');
});

test('and where its assignor keeps data of its own in assignments', async () => {
  const h = await Harness.start();
  const [a] = await h.stable(1);
  const refused = await new ConsumerMember(h, 'modern').join();
  expect(refused).toMatchObject({ error: ErrorCode.GROUP_ID_NOT_FOUND });
  expect(await a?.heartbeat()).toBe(ErrorCode.NONE);
});

test('with downgrades disabled the group stays a consumer group', async () => {
  const h = await Harness.start({ migrationPolicy: 'upgrade' });
  const [a, , modern] = await mixed(h);
  await modern.leave();
  await h.clock.advance(1_000);
  expect(await described(h)).toMatchObject({ error: ErrorCode.NONE });
  await follow(a);
  expect(await a.heartbeat()).toBe(ErrorCode.NONE);
});

test('a classic member that wakes while its removal is being stored gets UNKNOWN_MEMBER_ID', async () => {
  const h = await Harness.start();
  const [a, b, modern] = await mixed(h);
  const kept = async () => {
    await b.heartbeat();
    await modern.beat();
  };
  for (let second = 0; second < 9; second++) {
    await h.clock.advance(1_000);
    await kept();
  }
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  await h.clock.advance(1_000); // the end of its session: the removal is decided, and hangs in the store
  const late = new Awaited(a.heartbeat());
  await settled();
  expect(late.value).toBeUndefined();
  held.resolve();
  expect(await late.answer).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  const group = await described(h);
  expect(group?.members.map(({ memberId }) => memberId)).not.toContain(a.memberId);
});

test('and NONE if its removal could not be stored', async () => {
  const h = await Harness.start();
  const [a, b, modern] = await mixed(h);
  for (let second = 0; second < 9; second++) {
    await h.clock.advance(1_000);
    await b.heartbeat();
    await modern.beat();
  }
  const held = Promise.withResolvers<void>();
  h.store.pace = () => held.promise;
  await h.clock.advance(1_000);
  const late = new Awaited(a.heartbeat());
  await settled();
  h.store.health = 'away';
  held.resolve();
  expect(await late.answer).toBe(ErrorCode.NONE);
  h.store.health = 'well';
  await h.clock.advance(5_000);
  expect(await a.heartbeat()).toBe(ErrorCode.NONE);
});

test('an upgrade in a second rebalance keeps the partitions of a static member that has not joined since', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 4);
  const a = h.member({ protocols: protocols(), instanceId: 'i', sessionTimeoutMs: 300_000, rebalanceTimeoutMs: 5_000 });
  const joining = await a.enter();
  await h.clock.advance(h.config.initialRebalanceDelayMs * 2);
  await joining.answer;
  await a.sync([], { assignments: [{ memberId: a.memberId, assignment: assignment([0, 1, 2, 3]) }] });
  const b = h.member({ protocols: protocols(), rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 300_000 });
  const joiningToo = await b.enter();
  await h.clock.advance(6_000); // the static member continues, and has not learned of the rebalance
  await joiningToo.answer;
  expect(await h.stateOf()).toBe('CompletingRebalance');
  await h.member({ protocols: protocols() }).enter();
  expect(await h.stateOf()).toBe('PreparingRebalance');
  const modern = new ConsumerMember(h, 'modern');
  await modern.join();
  await h.clock.advance(1_000);
  await modern.follow();
  expect(modern.partitions).toEqual([]);
});
