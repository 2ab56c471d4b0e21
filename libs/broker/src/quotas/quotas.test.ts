import { silentMeter } from '@milepost/core';
import { applied, emptyImage, type QuotaEntity } from '@milepost/metadata';
import { Quotas } from './quotas.ts';

const windows = { count: 11, sizeMs: 1_000 };
const refuse = (): number => {
  throw new Error('it was counted');
};

const client = { user: 'ANONYMOUS', clientId: 'c' };

function given() {
  let nowMs = 1_000;
  let image = emptyImage('c');
  let connectionRate = 10;
  const quotas = new Quotas({
    clock: { now: () => nowMs, monotonic: () => nowMs, after: () => () => {} },
    meter: silentMeter,
    image: () => image,
    windows,
    controllerWindows: windows,
    connectionRate: () => connectionRate,
  });
  return {
    quotas,
    set: (entity: QuotaEntity, name: string, value?: number) => {
      const quota = { entity, quotas: value === undefined ? {} : { [name]: value } };
      image = applied(image, [{ type: 'client-quota-set', quota }]);
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
    allow: (rate: number) => {
      connectionRate = rate;
    },
  };
}

test('without a quota nothing is counted, and one that is set later starts from zero', () => {
  const { quotas, set } = given();
  expect(quotas.produced(client, refuse)).toBe(0);
  set({ 'client-id': 'c' }, 'producer_byte_rate', 100);
  expect(quotas.produced(client, () => 1_000)).toBe(0);
  expect(quotas.produced(client, () => 100)).toBe(1_000);
});

test('a quota that is raised or removed applies from the next request on', () => {
  const { quotas, set } = given();
  set({ user: null }, 'producer_byte_rate', 100);
  expect(quotas.produced(client, () => 2_000)).toBe(10_000);
  set({ user: null }, 'producer_byte_rate', 1_000);
  expect(quotas.produced(client, () => 0)).toBe(0);
  set({ user: null }, 'producer_byte_rate');
  expect(quotas.produced(client, () => 1_000_000)).toBe(0);
});

test('a client is never throttled for longer than a window for its work', () => {
  const { quotas, set } = given();
  set({ 'client-id': null }, 'request_percentage', 1);
  expect(quotas.worked(client, 10)).toBe(0);
  expect(quotas.worked(client, 10_000)).toBe(windows.sizeMs);
});

test('connections beyond the rate wait, and after a while do not', () => {
  const { quotas, pass, allow } = given();
  for (let at = 0; at < 100; at++) expect(quotas.connectionDelayMs()).toBe(0);
  expect(quotas.connectionDelayMs()).toBeGreaterThan(0);
  pass(11_000);
  expect(quotas.connectionDelayMs()).toBe(0);
  allow(0);
  expect(quotas.connectionDelayMs()).toBe(windows.sizeMs);
});

test('an address that connected too often is accepted again when its windows are over, and refused attempts do not count', () => {
  const { quotas, set, pass } = given();
  set({ ip: null }, 'connection_creation_rate', 1);
  for (let at = 0; at < 10; at++) expect(quotas.connected('192.0.2.1')).toBe(0);
  for (let at = 0; at < 10; at++) expect(quotas.connected('192.0.2.1')).toBe(1_000);
  expect(quotas.connected('192.0.2.2')).toBe(0);
  pass(11_000);
  expect(quotas.connected('192.0.2.1')).toBe(0);
});

test('a decision on topics that runs again charges its partitions once', () => {
  const { quotas, set } = given();
  set({ 'client-id': 'c' }, 'controller_mutation_rate', 1);
  const quota = quotas.mutations(client, true);
  for (let run = 0; run < 3; run++) {
    quota.restart();
    expect(quota.take(20)).toBe(true);
  }
  const next = quotas.mutations(client, true);
  expect(next.take(1)).toBe(false);
  expect(next.throttleTimeMs).toBe(9_000);
});
