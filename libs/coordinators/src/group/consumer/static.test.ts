import { ErrorCode } from '@milepost/core';
import { ConsumerMember, settle } from '../../testing/consumer-member.ts';
import { Harness } from '../../testing/harness.ts';

async function withStaticMember(): Promise<{ h: Harness; a: ConsumerMember; b: ConsumerMember }> {
  const h = await Harness.start();
  h.catalog.set('t', 4);
  const a = new ConsumerMember(h, 'a', { instanceId: 'truck-1' });
  const b = new ConsumerMember(h, 'b');
  await a.join();
  await b.join();
  await settle(h, [a, b]);
  return { h, a, b };
}

test('a static member that returns under another id gets its partitions, and no other member is affected', async () => {
  const { h, a, b } = await withStaticMember();
  expect(await a.leave(-2)).toMatchObject({ error: ErrorCode.NONE, memberEpoch: -2 });
  expect(await b.follow()).toMatchObject({ memberEpoch: 2, assignment: null });
  await h.clock.advance(30_000);
  await b.follow();
  const again = new ConsumerMember(h, 'a2', { instanceId: 'truck-1' });
  expect(await again.join()).toMatchObject({ memberEpoch: 2, assignment: [{ partitions: [0, 1] }] });
  expect(await b.follow()).toMatchObject({ memberEpoch: 2, assignment: null });
  expect((await a.beat()).error).toBe(ErrorCode.FENCED_INSTANCE_ID);
  // The session of the old id is not that of the new one.
  await h.clock.advance(30_000);
  expect((await again.follow()).error).toBe(ErrorCode.NONE);
});

test('a static member that does not come back loses its place with its session', async () => {
  const { h, a, b } = await withStaticMember();
  await a.leave(-2);
  for (let at = 0; at < 10; at++) {
    await h.clock.advance(4_500);
    await b.follow();
  }
  expect(b.partitions).toEqual(['t0', 't1', 't2', 't3']);
});

test('an instance id in use is not given to another', async () => {
  const { h } = await withStaticMember();
  const other = new ConsumerMember(h, 'x', { instanceId: 'truck-1' });
  expect((await other.join()).error).toBe(ErrorCode.UNRELEASED_INSTANCE_ID);
  expect((await other.beat({ memberEpoch: 2 })).error).toBe(ErrorCode.FENCED_INSTANCE_ID);
  expect((await other.leave()).error).toBe(ErrorCode.FENCED_INSTANCE_ID);
  const unknown = new ConsumerMember(h, 'x', { instanceId: 'truck-2' });
  expect((await unknown.beat({ memberEpoch: 2 })).error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('a static member leaves for good as well, by itself or by an administrator', async () => {
  const { h, a, b } = await withStaticMember();
  expect((await a.leave()).error).toBe(ErrorCode.NONE);
  await settle(h, [b]);
  expect(b.partitions).toHaveLength(4);
  const again = new ConsumerMember(h, 'a3', { instanceId: 'truck-1' });
  await again.join();
  const members = [
    { memberId: '', instanceId: 'truck-1', reason: null },
    { memberId: 'b', instanceId: null, reason: null },
    { memberId: 'x', instanceId: null, reason: null },
  ];
  const left = await h.coordinator.leave({ groupId: 'g', members });
  expect(left.members.map(({ error }) => error)).toEqual([ErrorCode.NONE, ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID]);
  expect((await h.coordinator.describeConsumers(['g']))[0]).toMatchObject({ state: 'Empty', members: [] });
});

test('a static member whose first response got lost can join when the session that it started has ended', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 4);
  const a = new ConsumerMember(h, 'a', { instanceId: 'truck-1' });
  await a.join();
  for (let at = 0; at < 8; at++) {
    expect((await a.join()).error).toBe(ErrorCode.UNRELEASED_INSTANCE_ID);
    await h.clock.advance(5_000);
  }
  await h.clock.advance(5_000);
  expect(await a.join()).toMatchObject({ error: ErrorCode.NONE, assignment: [{ partitions: [0, 1, 2, 3] }] });
});
