import { BrokerId, InvariantBroken } from '@milepost/core';
import { placePartitions } from './placement.ts';

const broker = (id: number, rack: string | null = null) => ({ id: BrokerId(id), rack });
const racked = [broker(3, 'b'), broker(1, 'a'), broker(6, 'c'), broker(2, 'a'), broker(4, 'b'), broker(5, 'c')];
const replicasOf = (request: Parameters<typeof placePartitions>[0]) =>
  placePartitions(request).map(({ replicas }) => [...replicas]);

test('one broker holds everything', () => {
  expect(placePartitions({ brokers: [broker(7)], partitions: 2, replicationFactor: 1, start: 12_345 })).toEqual([
    { index: 0, replicas: [7], isr: [7], leader: 7, leaderEpoch: 0, partitionEpoch: 0 },
    { index: 1, replicas: [7], isr: [7], leader: 7, leaderEpoch: 0, partitionEpoch: 0 },
  ]);
});

test('replicas go round the racks, and round the brokers within each', () => {
  const replicas = replicasOf({ brokers: racked, partitions: 6, replicationFactor: 2, start: 0 });
  expect(replicas).toEqual([
    [1, 3],
    [3, 5],
    [5, 1],
    [2, 4],
    [4, 6],
    [6, 2],
  ]);
});

test('no two replicas share a rack while there is another', () => {
  const rackOf = new Map<number, string | null>(racked.map(({ id, rack }) => [id, rack]));
  for (let start = 0; start < 20; start++)
    for (const replicas of replicasOf({ brokers: racked, partitions: 10, replicationFactor: 3, start }))
      expect(new Set(replicas.map((id) => rackOf.get(id))).size).toBe(3);
});

test('leaders and replicas are spread evenly over brokers without racks', () => {
  const brokers = [1, 2, 3, 4, 5].map((id) => broker(id));
  const replicas = replicasOf({ brokers, partitions: 50, replicationFactor: 3, start: 2 });
  for (const { id } of brokers) {
    expect(replicas.filter(([leader]) => leader === id)).toHaveLength(10);
    expect(replicas.filter((some) => some.includes(id))).toHaveLength(30);
  }
});

test('racks of unequal size still give every replica its own broker', () => {
  const brokers = [broker(1, 'a'), broker(2, 'b'), broker(3, 'b'), broker(4, 'b')];
  for (const replicas of replicasOf({ brokers, partitions: 12, replicationFactor: 4, start: 1 }))
    expect(replicas.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
});

test('added partitions continue the indexes', () => {
  const more = placePartitions({ brokers: [broker(1)], partitions: 2, replicationFactor: 1, start: 0, firstIndex: 4 });
  expect(more.map(({ index }) => index)).toEqual([4, 5]);
});

test('more replicas than brokers is a mistake of the caller', () => {
  expect(() => placePartitions({ brokers: [broker(1)], partitions: 1, replicationFactor: 2, start: 0 })).toThrow(
    InvariantBroken,
  );
});
