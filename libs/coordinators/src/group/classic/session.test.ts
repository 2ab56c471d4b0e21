import { ErrorCode } from '@milepost/core';
import { Harness } from '../../testing/harness.ts';

test('heartbeats keep a member, silence removes it', async () => {
  const h = await Harness.start();
  const [alive, silent] = await h.stable(2);
  for (let at = 0; at < 4; at++) {
    await h.clock.advance(2_499);
    expect(await alive!.heartbeat()).toBe(ErrorCode.NONE);
  }
  await h.clock.advance(4);
  expect(await h.stateOf()).toBe('PreparingRebalance');
  expect(await alive!.heartbeat()).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  expect(await silent!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect((await alive!.join()).value?.generation).toBe(2);
});

test("a heartbeat needs the member's id, instance and generation", async () => {
  const h = await Harness.start();
  expect(await h.member().heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  expect(await h.member({ groupId: '' }).heartbeat()).toBe(ErrorCode.INVALID_GROUP_ID);
  const [member] = await h.stable(1);
  expect(await member!.heartbeat(0)).toBe(ErrorCode.ILLEGAL_GENERATION);
  expect(await member!.heartbeat(2)).toBe(ErrorCode.ILLEGAL_GENERATION);
});

test('heartbeats count while the leader assigns', async () => {
  const h = await Harness.start();
  const [a, b] = [h.member(), h.member()];
  await a.enter();
  await b.enter();
  await h.clock.advance(6_000);
  expect(await a.heartbeat()).toBe(ErrorCode.NONE);
});

test('a member that waits for a response does not expire', async () => {
  const h = await Harness.start();
  const [patient, missing] = await h.stable(2, { sessionTimeoutMs: 50_000 });
  const joining = await patient!.join();
  await h.clock.advance(49_999);
  expect(joining.value).toBeUndefined();
  await h.clock.advance(1);
  expect(joining.value).toMatchObject({ error: ErrorCode.NONE, generation: 2 });
  expect(await missing!.heartbeat()).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});

test('an offset commit extends the session', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  await h.clock.advance(9_000);
  expect(await member!.commit(1)).toBe(ErrorCode.NONE);
  await h.clock.advance(9_000);
  expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
});

test('a SyncGroup in a Stable group extends the session', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  await h.clock.advance(9_000);
  expect((await member!.sync()).error).toBe(ErrorCode.NONE);
  await h.clock.advance(9_000);
  expect(await member!.heartbeat()).toBe(ErrorCode.NONE);
});

test('a group whose members all expired is Empty, in the next generation', async () => {
  const h = await Harness.start();
  const [a] = await h.stable(2);
  await h.clock.advance(10_000);
  await h.clock.advance(60_000);
  expect(await h.stateOf()).toBe('Empty');
  expect((await a!.join()).value?.error).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
});
