import { Offset, LeaderEpoch, ZERO_UUID } from '@milepost/core';
import { commitOf, Harness, protocol, type TestMember } from '../testing/harness.ts';

const MINUTE = 60_000;
const WEEK = 7 * 24 * 60 * MINUTE;

async function keepAlive(h: Harness, members: readonly TestMember[], ms: number): Promise<void> {
  const steps = Math.ceil(ms / (25 * MINUTE));
  for (let at = 0; at < steps; at++) {
    await h.clock.advance(ms / steps);
    for (const member of members) await member.heartbeat();
  }
}

test('an Empty group keeps its offsets for a week after it became Empty, and is then deleted', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1, { sessionTimeoutMs: 30 * MINUTE });
  await member!.commit(5);
  await keepAlive(h, [member!], WEEK + 60 * MINUTE);
  expect(await h.committed()).toBe(5);
  await member!.leave();
  await h.clock.advance(WEEK - 11 * MINUTE);
  expect(await h.committed()).toBe(5);
  await h.clock.advance(22 * MINUTE);
  expect(await h.committed()).toBe(-1);
  expect(await h.stateOf()).toBe('Dead');
  await h.restart();
  expect(await h.stateOf()).toBe('Dead');
});

test('a restart does not restart the week', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  await member!.commit(5);
  await member!.leave();
  await h.clock.advance(WEEK - 60 * MINUTE);
  await h.restart();
  await h.clock.advance(71 * MINUTE);
  expect(await h.stateOf()).toBe('Dead');
});

test('a simple group keeps each offset for a week from its commit', async () => {
  const h = await Harness.start();
  const nobody = h.member();
  const partition = (at: number) => [{ partition: at, offset: Offset(1), leaderEpoch: LeaderEpoch(0), metadata: null }];
  const commit = (at: number) =>
    h.coordinator.commitOffsets(
      commitOf(nobody, 0, { topics: [{ name: 't', topicId: ZERO_UUID, partitions: partition(at) }] }),
    );
  await commit(0);
  await h.clock.advance(WEEK / 2);
  await commit(1);
  await h.clock.advance(WEEK / 2 + 11 * MINUTE);
  expect([await h.committed('g', 0), await h.committed('g', 1)]).toEqual([-1, 1]);
  await h.clock.advance(WEEK / 2);
  expect(await h.stateOf()).toBe('Dead');
});

test('live consumers lose the offsets of topics that they no longer read', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1, { sessionTimeoutMs: 30 * MINUTE });
  await member!.commit(5);
  await member!.join({ protocols: [protocol('range', ['u'])] });
  await h.assign([member!]);
  await keepAlive(h, [member!], WEEK - 60 * MINUTE);
  expect(await h.committed()).toBe(5);
  await keepAlive(h, [member!], 71 * MINUTE);
  expect(await h.committed()).toBe(-1);
  expect(await h.stateOf()).toBe('Stable');
});

test('offsets of groups whose members are no consumers stay, because their topics are unknown', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1, { sessionTimeoutMs: 30 * MINUTE, protocolType: 'connect' });
  await member!.commit(5);
  await keepAlive(h, [member!], WEEK + 60 * MINUTE);
  expect(await h.committed()).toBe(5);
});

test('a retention in the commit itself counts (OffsetCommit v2-4)', async () => {
  const h = await Harness.start();
  const nobody = h.member();
  await h.coordinator.commitOffsets(commitOf(nobody, 5, { retentionTimeMs: 15 * MINUTE }));
  await h.clock.advance(11 * MINUTE);
  expect(await h.committed()).toBe(5);
  await h.clock.advance(10 * MINUTE);
  expect(await h.committed()).toBe(-1);
});
