// The orders were recorded from Apache Kafka 4.3.1's own ClientQuotasImage.
import type { QuotaEntity } from '@milepost/metadata';
import { hashOfEntity, inHashOrder, partsInOrder, valuesOf } from './hash-order.ts';

const listed = (entities: readonly QuotaEntity[]): string[] =>
  inHashOrder(entities, hashOfEntity).map((entity) =>
    partsInOrder(Object.entries(entity).map(([entityType, name]) => ({ entityType, name })))
      .map(({ entityType, name }) => `${entityType}=${name}`)
      .join(' '),
  );
const keys = (...names: string[]): string[] =>
  valuesOf(Object.fromEntries(names.map((name) => [name, 5]))).map(([key]) => key);

const users = ['anna', 'bertil', 'carl', 'é', 'driver-17', 'olof', 'zoë'].map((user) => ({ user }));
const some: readonly QuotaEntity[] = [{ user: 'anna', 'client-id': 'app' }, { 'client-id': null }, ...users];

test('entities come as from a hash map of Java, their parts too', () => {
  expect(listed(some)).toEqual([
    'user=anna',
    'user=driver-17',
    'user=é',
    'user=carl',
    'user=bertil',
    'user=zoë',
    'user=olof',
    'client-id=app user=anna',
    'client-id=null',
  ]);
});

test('how many they are decides about their order', () => {
  const clients = Array.from({ length: 8 }, (_, n) => ({ 'client-id': `c${n}`, user: null }));
  expect(listed([...some, ...clients, { ip: '192.0.2.1' }])).toEqual([
    'client-id=c6 user=null',
    'client-id=c5 user=null',
    'client-id=c0 user=null',
    'client-id=c2 user=null',
    'client-id=c1 user=null',
    'user=driver-17',
    'user=carl',
    'user=bertil',
    'user=zoë',
    'client-id=c7 user=null',
    'client-id=c4 user=null',
    'client-id=c3 user=null',
    'user=anna',
    'user=é',
    'user=olof',
    'client-id=app user=anna',
    'client-id=null',
    'ip=192.0.2.1',
  ]);
});

test.each([
  [
    ['producer_byte_rate', 'consumer_byte_rate', 'controller_mutation_rate', 'request_percentage'],
    ['producer_byte_rate', 'consumer_byte_rate', 'controller_mutation_rate', 'request_percentage'],
  ],
  [
    ['producer_byte_rate', 'consumer_byte_rate', 'controller_mutation_rate'],
    ['consumer_byte_rate', 'controller_mutation_rate', 'producer_byte_rate'],
  ],
  [
    ['producer_byte_rate', 'request_percentage'],
    ['producer_byte_rate', 'request_percentage'],
  ],
])('the quotas %j are listed as %j', (set, shown) => {
  expect(keys(...set)).toEqual(shown);
  expect(keys(...set.toSorted())).toEqual(shown);
});
