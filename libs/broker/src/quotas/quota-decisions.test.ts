import { type ClientQuota, quotaKey } from '@milepost/metadata';
import { QuotaMatch } from '@milepost/wire';
import { ErrorCode } from '@milepost/core';
import { decideQuotas, matchingQuotas } from './quota-decisions.ts';

const user = { entityType: 'user', entityName: 'u' };
const op = (key: string, value: number, remove = false) => ({ key, value, remove });

test('a quota is set, changed and removed, and the last one takes the entry with it', () => {
  const [first] = decideQuotas(new Map(), [{ entity: [user], ops: [op('producer_byte_rate', 1024)] }]);
  expect(first).toEqual({
    type: 'client-quota-set',
    quota: { entity: { user: 'u' }, quotas: { producer_byte_rate: 1024 } },
  });
  const quota: ClientQuota = { entity: { user: 'u' }, quotas: { producer_byte_rate: 1024 } };
  const [gone] = decideQuotas(new Map([[quotaKey(quota.entity), quota]]), [
    { entity: [user], ops: [op('producer_byte_rate', 0, true)] },
  ]);
  expect(gone).toMatchObject({ quota: { quotas: {} } });
});

test.each([
  ['no entity', { entity: [], ops: [] }],
  ['an unknown type', { entity: [{ entityType: 'truck', entityName: 'x' }], ops: [] }],
  ['a type twice', { entity: [user, user], ops: [] }],
  ['an empty name', { entity: [{ entityType: 'user', entityName: '' }], ops: [] }],
  ['an address with a user', { entity: [user, { entityType: 'ip', entityName: '192.0.2.1' }], ops: [] }],
  ['no address', { entity: [{ entityType: 'ip', entityName: '300.0.2.1' }], ops: [] }],
  ['an unknown quota', { entity: [user], ops: [op('speed', 1)] }],
  ['an address’s quota for a user', { entity: [user], ops: [op('connection_creation_rate', 1)] }],
  ['nothing at all', { entity: [user], ops: [op('producer_byte_rate', 0)] }],
  ['part of a byte', { entity: [user], ops: [op('producer_byte_rate', 0.5)] }],
  ['not a number', { entity: [user], ops: [op('request_percentage', Number.NaN)] }],
  ['a quota twice', { entity: [user], ops: [op('request_percentage', 1), op('request_percentage', 2)] }],
])('%s is refused', (_, wish) => {
  expect(decideQuotas(new Map(), [wish])).toEqual([expect.objectContaining({ error: ErrorCode.INVALID_REQUEST })]);
});

test('a filter matches names, defaults or any, strictly or not', () => {
  const entities = [{ user: 'u' }, { user: null }, { user: 'u', 'client-id': 'c' }, { ip: '192.0.2.1' }];
  const quotas = entities.map((entity): ClientQuota => ({ entity, quotas: { request_percentage: 1 } }));
  const found = (strict: boolean, ...filters: [string, number, string | null][]) => {
    const matching = matchingQuotas(
      quotas,
      filters.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
      strict,
    );
    return Array.isArray(matching) ? matching.map(({ entity }) => quotaKey(entity)) : matching.error;
  };
  const { EXACT, DEFAULT, ANY } = QuotaMatch;
  expect(found(false)).toHaveLength(4);
  expect(found(true)).toEqual([]);
  expect(found(false, ['user', EXACT, 'u'])).toHaveLength(2);
  expect(found(true, ['user', EXACT, 'u'])).toEqual([quotaKey({ user: 'u' })]);
  expect(found(true, ['user', DEFAULT, null])).toEqual([quotaKey({ user: null })]);
  expect(found(true, ['user', ANY, null], ['client-id', ANY, null])).toHaveLength(1);
  expect(found(false, ['user', EXACT, null])).toBe(ErrorCode.INVALID_REQUEST);
  expect(found(false, ['user', DEFAULT, 'u'])).toBe(ErrorCode.INVALID_REQUEST);
  expect(found(false, ['user', ANY, null], ['user', ANY, null])).toBe(ErrorCode.INVALID_REQUEST);
  expect(found(false, ['ip', ANY, null], ['user', ANY, null])).toBe(ErrorCode.INVALID_REQUEST);
  expect(found(false, ['truck', ANY, null])).toBe(ErrorCode.UNSUPPORTED_VERSION);
});
