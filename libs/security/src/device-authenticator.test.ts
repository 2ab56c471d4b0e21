import { pbkdf2Sync } from 'node:crypto';
import { silentLogger, silentMeter } from '@milepost/core';
import { ManualClock, settled } from '../../core/src/testing/manual-clock.ts';
import { type Authentication, DeviceAuthenticator } from './device-authenticator.ts';
import { MemoryDeviceStore } from './memory-device-store.ts';
import { scramCredential } from './scram.ts';

const derive = async (password: string, salt: Uint8Array, iterations: number, digest: string): Promise<Buffer> =>
  pbkdf2Sync(password, salt, iterations, digest === 'sha256' ? 32 : 64, digest);

async function given(ids: readonly string[] = ['t-1']) {
  const store = new MemoryDeviceStore();
  const clock = new ManualClock();
  const derivations: string[] = [];
  let uuids = 0;
  const add = async (id: string, password: string, replaces = false): Promise<void> => {
    const credential = await scramCredential(
      'SCRAM-SHA-256',
      password,
      { salt: Buffer.from(`salt of ${id}`), iterations: 4_096 },
      derive,
    );
    await store.add([{ id, credential, publish: [], subscribe: [] }], replaces);
  };
  for (const id of ids) await add(id, 'right');
  const authenticator = new DeviceAuthenticator({
    clock,
    keys: {
      pbkdf2: (password, ...input) => {
        derivations.push(password);
        return derive(password, ...input);
      },
    },
    random: {
      uuid: () => `00000000-0000-0000-0000-${String(++uuids).padStart(12, '0')}`,
      below: () => 0,
      chance: () => false,
    },
    meter: silentMeter,
    logger: silentLogger,
    directory: store,
  });
  const ended: string[] = [];
  const attempt = (username: string | undefined, password: string | undefined, host = '10.0.0.1') =>
    authenticator.byPassword(
      { username, password: password === undefined ? undefined : Buffer.from(password), host },
      () => void ended.push(username ?? ''),
    );
  /** The response, and the time until it on a clock that waits for nothing else. */
  const timed = async (username: string, password: string, host?: string) => {
    const from = clock.monotonic();
    let afterMs = -1;
    const response = attempt(username, password, host).then((result) => {
      afterMs = clock.monotonic() - from;
      return result;
    });
    for (let waited = 0; afterMs < 0 && waited < 20_000; waited += 50) await clock.advance(50);
    return { ...(await response), afterMs };
  };
  return { store, add, clock, authenticator, attempt, timed, ended, derivations };
}

const refused = (reason: string): Pick<Authentication & { kind: 'refused' }, 'kind' | 'reason'> =>
  ({ kind: 'refused', reason }) as never;

test('a device with the right password gets in as itself, and what it may do beside comes from the store', async () => {
  const { authenticator, attempt, store } = await given();
  await store.add([{ id: 'map', credential: undefined, publish: [], subscribe: ['trucks/#'] }], false);
  expect(await attempt('t-1', 'right')).toMatchObject({ kind: 'authenticated', identity: { id: 't-1' } });
  const map = { id: 'map', publish: [], subscribe: ['trucks/#'] };
  expect(await authenticator.byCertificate('map', () => {})).toMatchObject({ kind: 'authenticated', identity: map });
});

test('an unknown device and a wrong password get the same response, at the same time, by the same work', async () => {
  const { timed, derivations } = await given();
  const wrong = await timed('t-1', 'wrong', '10.0.0.1');
  const unknown = await timed('t-2', 'wrong', '10.0.0.2');
  const impossible = await timed('trucks/+/gps', 'wrong', '10.0.0.3');
  expect(unknown).toEqual(wrong);
  expect(impossible).toEqual(wrong);
  expect(wrong).toMatchObject(refused('credentials'));
  expect(derivations).toHaveLength(3);
});

test('each failure delays the next response to that name from that address, up to a limit', async () => {
  const { timed } = await given();
  const delays: number[] = [];
  for (let n = 0; n < 8; n++) delays.push((await timed('t-1', 'wrong')).afterMs);
  expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  expect((await timed('t-1', 'wrong', '10.0.0.2')).afterMs).toBe(100);
  expect(await timed('t-1', 'right')).toMatchObject({ kind: 'authenticated' });
  expect((await timed('t-1', 'wrong')).afterMs).toBe(100);
});

test('without credentials, or with a password of a megabyte, nothing is derived', async () => {
  const { attempt, timed, derivations } = await given();
  expect(await attempt(undefined, undefined)).toEqual(refused('not-authorized'));
  expect(await attempt('t-1', undefined)).toEqual(refused('not-authorized'));
  expect(await timed('t-1', 'x'.repeat(1024 * 1024))).toEqual({ ...refused('credentials'), afterMs: 100 });
  expect(derivations).toEqual([]);
});

test('a fleet that reconnects costs no derivation, and its first connects one lookup for many', async () => {
  const ids = Array.from({ length: 50 }, (_, n) => `t-${n}`);
  const { attempt, store, derivations } = await given(ids);
  await Promise.all(ids.map((id) => attempt(id, 'right')));
  expect(derivations).toHaveLength(50);
  expect(store.lookups.length).toBeLessThanOrEqual(2);
  await Promise.all(ids.map((id) => attempt(id, 'right')));
  expect(derivations).toHaveLength(50);
});

test('what is remembered of a right password lets in no other one', async () => {
  const { attempt, timed } = await given();
  await attempt('t-1', 'right');
  expect(await timed('t-1', 'Right')).toMatchObject(refused('credentials'));
});

test('keys are derived one at a time', async () => {
  const { store, authenticator, clock } = await given([]);
  expect(await store.find(['t-1'])).toEqual([]);
  let underWay = 0;
  let most = 0;
  const slow = new DeviceAuthenticator({
    clock,
    keys: {
      pbkdf2: async (...input) => {
        most = Math.max(most, ++underWay);
        await settled();
        underWay--;
        return derive(...input);
      },
    },
    random: { uuid: () => 'x', below: () => 0, chance: () => false },
    meter: silentMeter,
    logger: silentLogger,
    directory: store,
  });
  const attempts = Array.from({ length: 10 }, (_, n) =>
    slow.byPassword({ username: `t-${n}`, password: Buffer.from('x'), host: 'h' }, () => {}),
  );
  for (let n = 0; n < 30; n++) await clock.advance(10);
  await Promise.all(attempts);
  expect(most).toBe(1);
  await authenticator.close();
});

describe('a device that is blocked', () => {
  test('loses its connections at once, and gets no new one', async () => {
    const { attempt, authenticator, ended, store } = await given(['t-1', 't-2']);
    await attempt('t-1', 'right');
    await attempt('t-2', 'right');
    await store.setBlocked('t-1', true);
    await authenticator.changed();
    expect(ended).toEqual(['t-1']);
    expect(await attempt('t-1', 'right')).toEqual(refused('not-authorized'));
  });

  test('loses those that it has by a certificate, though it was in no list', async () => {
    const { authenticator, store } = await given([]);
    const ended: string[] = [];
    const enter = () => authenticator.byCertificate('t-9', () => void ended.push('t-9'));
    expect(await enter()).toMatchObject({ kind: 'authenticated', identity: { id: 't-9' } });
    await store.setBlocked('t-9', true);
    await authenticator.changed();
    expect(ended).toEqual(['t-9']);
    expect(await enter()).toEqual(refused('not-authorized'));
  });

  test('while its password is being checked does not get in', async () => {
    const { attempt, authenticator, store, derivations } = await given();
    const attempting = attempt('t-1', 'right');
    while (derivations.length === 0) await Promise.resolve();
    await store.setBlocked('t-1', true);
    await authenticator.changed();
    expect(await attempting).toEqual(refused('not-authorized'));
  });
});

test('a device whose password has changed loses its connections, and the old password is worth nothing', async () => {
  const { add, attempt, authenticator, ended, timed } = await given();
  await attempt('t-1', 'right');
  await add('t-1', 'new', true);
  await authenticator.changed();
  expect(ended).toEqual(['t-1']);
  expect(await timed('t-1', 'right')).toMatchObject(refused('credentials'));
  expect(await attempt('t-1', 'new')).toMatchObject({ kind: 'authenticated' });
});

test('when the certificate ends that a device presented last is reported', async () => {
  const { authenticator, store } = await given();
  await authenticator.byCertificate('t-1', () => {}, 5_000);
  await authenticator.byCertificate('t-1', () => {}, 9_000);
  await authenticator.close();
  expect(await store.status('t-1')).toMatchObject({ certificateEndsMs: 9_000 });
});

test('a connection that has left is not ended', async () => {
  const { attempt, authenticator, ended, store } = await given();
  const entered = await attempt('t-1', 'right');
  if (entered.kind === 'authenticated') entered.leave();
  await store.remove('t-1');
  await authenticator.changed();
  expect(ended).toEqual([]);
});

test('while the store is away, those that are remembered get in, and others hear that the server is unavailable', async () => {
  const { attempt, store } = await given(['t-1', 't-2']);
  await attempt('t-1', 'right');
  store.isAway = true;
  expect(await attempt('t-1', 'right')).toMatchObject({ kind: 'authenticated' });
  expect(await attempt('t-2', 'right')).toEqual(refused('unavailable'));
  store.isAway = false;
  expect(await attempt('t-2', 'right')).toMatchObject({ kind: 'authenticated' });
});

test('a certificate without a usable name lets nobody in', async () => {
  const { authenticator } = await given();
  expect(await authenticator.byCertificate(undefined, () => {})).toEqual(refused('not-authorized'));
});

test('when a device was seen, and how often it failed, is reported to the store', async () => {
  const { attempt, authenticator, clock, store, timed } = await given();
  await attempt('t-1', 'right');
  await timed('t-1', 'wrong');
  await timed('nobody', 'wrong');
  const start = 1_800_000_000_000;
  for (const minutes of [1, 2]) {
    await clock.advance(start + minutes * 60_000 - clock.now());
    expect(await store.list('', 10)).toMatchObject([
      { id: 't-1', lastSeenMs: start + minutes * 60_000, failedLogins: 1 },
    ]);
  }
  await authenticator.close();
});
