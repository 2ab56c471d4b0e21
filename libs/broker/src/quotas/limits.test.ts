import { type ClientQuota, type QuotaEntity, quotaKey } from '@milepost/metadata';
import { Limits } from './limits.ts';

const RATE = 'producer_byte_rate';

const set = (...quotas: [QuotaEntity, number][]): Map<string, ClientQuota> =>
  new Map(quotas.map(([entity, value]) => [quotaKey(entity), { entity, quotas: { [RATE]: value } }]));

const ORDER: readonly QuotaEntity[] = [
  { user: 'u', 'client-id': 'c' },
  { user: 'u', 'client-id': null },
  { user: 'u' },
  { user: null, 'client-id': 'c' },
  { user: null, 'client-id': null },
  { user: null },
  { 'client-id': 'c' },
  { 'client-id': null },
];

test.each(ORDER.map((entity, at) => [quotaKey(entity), at] as const))('%s wins over all that follow', (_, at) => {
  const limits = new Limits(
    set(...ORDER.slice(at).map((entity, place): [QuotaEntity, number] => [entity, at + place])),
  );
  expect(limits.ofClient(RATE, { user: 'u', clientId: 'c' })?.value).toBe(at);
});

test('a quota by name is shared by all clients that it covers, a default applies to each client separately', () => {
  const byUser = new Limits(set([{ user: 'u' }, 1]));
  const shareOf = (limits: Limits, user: string, clientId: string) =>
    limits.ofClient(RATE, { user, clientId })?.sharedBy;
  expect(shareOf(byUser, 'u', 'one')).toBe(shareOf(byUser, 'u', 'other'));
  const byClient = new Limits(set([{ 'client-id': null }, 1]));
  expect(shareOf(byClient, 'u', 'one')).not.toBe(shareOf(byClient, 'u', 'other'));
  expect(shareOf(byClient, 'u', 'one')).toBe(shareOf(byClient, 'another', 'one'));
});

test('a client without a quota is not limited, and an address has its own limit', () => {
  const limits = new Limits(set([{ user: 'u' }, 1]));
  expect(limits.ofClient(RATE, { user: 'another', clientId: 'c' })).toBeUndefined();
  expect(limits.ofClient('consumer_byte_rate', { user: 'u', clientId: 'c' })).toBeUndefined();
  const name = 'connection_creation_rate';
  const ips = new Map([['k', { entity: { ip: '192.0.2.1' }, quotas: { [name]: 5 } }]]);
  const byAddress = new Limits(new Map([...ips.values()].map((one) => [quotaKey(one.entity), one])));
  expect(byAddress.ofAddress(name, '192.0.2.1')?.value).toBe(5);
  expect(byAddress.ofAddress(name, '192.0.2.2')).toBeUndefined();
});
