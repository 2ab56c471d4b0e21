import { pbkdf2Sync } from 'node:crypto';
import { isPasswordOf, MemoryDeviceStore } from '@milepost/security';
import {
  type DeviceRefused,
  DeviceRegistration,
  type ImportOptions,
  type ImportProgress,
} from './device-registration.ts';

const derive = async (password: string, salt: Uint8Array, iterations: number): Promise<Buffer> =>
  pbkdf2Sync(password, salt, iterations, 32, 'sha256');

let store: MemoryDeviceStore;
let registration: DeviceRegistration;
let uuids: number;
beforeEach(() => {
  uuids = 0;
  store = new MemoryDeviceStore();
  const random = { uuid: () => `00000000-0000-0000-0000-${String(++uuids).padStart(12, '0')}` };
  registration = new DeviceRegistration({ store, keys: { pbkdf2: derive }, random, derivedAtOnce: 2 });
});

async function fits(id: string, password: string): Promise<boolean> {
  const [device] = await store.find([id]);
  return device?.credential !== undefined && isPasswordOf(device.credential, 'SCRAM-SHA-256', password, derive);
}

const refusalOf = (work: Promise<unknown>): Promise<DeviceRefused> =>
  work.then(
    () => Promise.reject(new Error('it was not refused')),
    (failure: DeviceRefused) => failure,
  );

test('a password that is made is returned, and is the one that fits', async () => {
  const made = await registration.add({ id: 't-1', password: 'made', publish: [], subscribe: [] }, false);
  expect(made).toMatch(/^[\w-]{24}$/);
  expect(await fits('t-1', made ?? '')).toBe(true);
  const next = await registration.newPassword('t-1');
  expect(await fits('t-1', made ?? '')).toBe(false);
  expect(await fits('t-1', next)).toBe(true);
});

test('a password that is given is not returned; a device with a certificate has none', async () => {
  const given = { id: 't-1', password: { given: 'secret' }, publish: [], subscribe: [] };
  expect(await registration.add(given, false)).toBeUndefined();
  expect(await fits('t-1', 'secret')).toBe(true);
  expect(await registration.add({ ...given, id: 't-2', password: 'none' }, false)).toBeUndefined();
  expect(await store.status('t-2')).toMatchObject({ hasPassword: false });
});

test.each([
  [{ id: 't/1' }, 'id: expected 1 to 128 letters, digits, dots, underscores and hyphens; saw "t/1"'],
  [{ publish: ['a/#/b'] }, 'publish: expected topic filters, such as trucks/#; saw a/#/b'],
  [{ subscribe: Array.from({ length: 101 }, () => 'a') }, 'subscribe: expected at most 100 topic filters; saw 101'],
  [{ password: { given: '' } }, 'password: expected 1 to 1024 bytes; saw 0'],
  [{ password: { given: 'x'.repeat(1_048_576) } }, 'password: expected 1 to 1024 bytes; saw 1048576'],
])('%j is refused in one line, and nothing is stored', async (wrong, message) => {
  const wanted = { id: 't-1', password: 'made', publish: [], subscribe: [], ...wrong } as const;
  expect(await refusalOf(registration.add(wanted, false))).toMatchObject({ kind: 'wrong', message });
  expect(await store.count()).toBe(0);
});

test('a device that is missing or exists is named', async () => {
  const device = { id: 't-1', password: 'none', publish: [], subscribe: [] } as const;
  expect(await refusalOf(registration.newPassword('t-1'))).toMatchObject({ kind: 'missing' });
  expect(await refusalOf(registration.changeTopics('t-1', { publish: [] }))).toMatchObject({ kind: 'missing' });
  await registration.add(device, false);
  expect(await refusalOf(registration.add(device, false))).toMatchObject({
    kind: 'exists',
    message: 'there is a device t-1 already',
  });
});

const listed = (id: string, password?: string) => ({ id, password, publish: [], subscribe: [] });
const options: ImportOptions = { skipBroken: false, replaces: false, passwords: 'made' };

async function imported(
  list: Parameters<DeviceRegistration['importList']>[0],
  changed: Partial<ImportOptions> = {},
): Promise<ImportProgress[]> {
  const steps: ImportProgress[] = [];
  for await (const step of registration.importList(list, { ...options, ...changed })) steps.push(step);
  return steps;
}

test('a list is stored in batches, with its own passwords and with those that are made', async () => {
  const many = Array.from({ length: 501 }, (_, n) => listed(`t-${n}`, 'secret'));
  const steps = await imported({ devices: [...many, listed('last')], broken: [] });
  expect(steps.map(({ stored }) => stored)).toEqual([0, 500, 502]);
  expect(steps.flatMap(({ made }) => made)).toEqual([{ id: 'last', password: expect.any(String) }]);
  expect(await fits('last', steps.at(-1)?.made[0]?.password ?? '')).toBe(true);
  expect(await fits('t-7', 'secret')).toBe(true);
});

test('one broken entry refuses the whole list, unless broken ones are to be skipped', async () => {
  const list = { devices: [listed('t-1')], broken: ['line 3: id: expected'] };
  expect(await refusalOf(imported(list))).toMatchObject({ kind: 'wrong', broken: list.broken });
  expect(await store.count()).toBe(0);
  await imported(list, { skipBroken: true, passwords: 'none' });
  expect(await store.status('t-1')).toMatchObject({ hasPassword: false });
});

test('a device that exists refuses the whole list, unless existing ones are to be replaced', async () => {
  await imported({ devices: [listed('t-2', 'first')], broken: [] });
  const list = { devices: [listed('t-1'), listed('t-2', 'second')], broken: [] };
  expect(await refusalOf(imported(list))).toMatchObject({ kind: 'exists' });
  expect(await store.status('t-1')).toBeUndefined();
  await imported(list, { replaces: true });
  expect(await fits('t-2', 'second')).toBe(true);
});

test('a caller that stops reading stops the import after the batch', async () => {
  const many = Array.from({ length: 1_500 }, (_, n) => listed(`t-${n}`));
  for await (const { stored } of registration.importList(
    { devices: many, broken: [] },
    { ...options, passwords: 'none' },
  ))
    if (stored > 0) break;
  expect(await store.count()).toBe(500);
});
