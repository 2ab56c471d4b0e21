import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import { SimHost } from '@milepost/simulator';
import { type HttpUserWithPassword, scramCredential, SignIn, type SignInOutcome } from './index.ts';

const PASSWORD = 'correct horse battery';
const keys = {
  pbkdf2: (password: string, salt: Uint8Array, iterations: number, digest: 'sha256' | 'sha512') =>
    promisify(pbkdf2)(password, salt, iterations, digest === 'sha256' ? 32 : 64, digest),
};

async function given() {
  const host = new SimHost();
  const salt = { salt: Buffer.alloc(16, 7), iterations: 4_096 };
  const credential = await scramCredential('SCRAM-SHA-256', PASSWORD, salt, keys.pbkdf2);
  const maria: HttpUserWithPassword = {
    name: 'maria',
    role: 'viewer',
    mustChangePassword: false,
    credentials: { 'SCRAM-SHA-256': credential },
  };
  const store = {
    user: async (name: string) => (name === 'maria' ? maria : undefined),
    decoySecret: async () => Buffer.from('secret'),
  };
  const signIn = new SignIn({ store, keys, clock: host.clock, meter: host.meter });
  /** With the time that it took. */
  const attempt = async (username: string, password: string, address = '10.0.0.1') => {
    const began = host.clock.monotonic();
    const attempted = signIn.attempt({ username, password, address });
    let isOver = false;
    const over = (): void => void (isOver = true);
    attempted.then(over, over);
    while (!isOver) {
      await new Promise((resolve) => setTimeout(resolve, 1)); // the key is derived beside the event loop
      if (!isOver) await host.clock.run(10);
    }
    return { ...(await attempted), tookMs: host.clock.monotonic() - began };
  };
  return { host, signIn, attempt };
}

test('the right password signs in', async () => {
  const { attempt } = await given();
  expect(await attempt('maria', PASSWORD)).toMatchObject({
    kind: 'signed-in',
    user: { name: 'maria', role: 'viewer', mustChangePassword: false },
  });
});

test('a wrong password and an unknown user get the same response', async () => {
  const { attempt } = await given();
  for (const [username, password] of [
    ['maria', 'wrong'],
    ['nobody', PASSWORD],
    ['nobody', 'wrong'],
    ["' OR 1=1 --", 'wrong'],
    ['maria', ''],
    ['maria', 'x'.repeat(1_000_000)],
  ] as const) {
    const { kind } = await attempt(username, password, username);
    expect(kind).toBe('refused');
  }
});

test('a refusal is sent a second after the attempt, for an unknown user as for a wrong password', async () => {
  const { host, attempt } = await given();
  const times = [];
  for (const username of ['maria', 'nobody']) times.push((await attempt(username, 'wrong')).tookMs);
  for (const time of times) expect(time).toBeGreaterThanOrEqual(1_000);
  expect(host.clock.monotonic()).toBeGreaterThanOrEqual(2_000);
});

test('after ten wrong passwords a user is slowed at that address, and at no other', async () => {
  const { host, attempt } = await given();
  let last = await attempt('maria', 'wrong');
  for (let more = 0; more < 20 && last.kind === 'refused'; more++) last = await attempt('maria', 'wrong');
  expect(last.kind).toBe('slowed');
  expect((await attempt('maria', PASSWORD)).kind).toBe('slowed');
  expect((await attempt('maria', PASSWORD, '10.0.0.2')).kind).toBe('signed-in');
  const { retryAfterMs } = last as Extract<SignInOutcome, { kind: 'slowed' }>;
  await host.clock.run(retryAfterMs);
  expect((await attempt('maria', PASSWORD)).kind).toBe('signed-in');
});

test('an address that tries many users is slowed, and others are not', async () => {
  const { host, signIn, attempt } = await given();
  const kinds: string[] = [];
  const round = async (many: number): Promise<void> => {
    const end = kinds.length + many;
    for (let user = 0; user < many; user++)
      void signIn
        .attempt({ username: `user-${kinds.length}-${user}`, password: 'wrong', address: '10.0.0.1' })
        .then(({ kind }) => kinds.push(kind));
    while (kinds.length < end) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await host.clock.run(10);
    }
  };
  await round(40); // fewer than may wait at the same time
  expect(kinds).not.toContain('slowed');
  await round(40);
  expect(kinds).toContain('slowed');
  expect((await attempt('maria', PASSWORD, '10.0.0.2')).kind).toBe('signed-in');
});
