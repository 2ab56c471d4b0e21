import { partitionsAtRisk } from './drain.ts';

const partition = (name: string, replicas: number[], isr: number[], minIsr = 2) => ({ name, replicas, isr, minIsr });

test('a broker is drained when acks=all goes on without it in every partition', () => {
  const all = [
    partition('all-in-sync', [1, 2, 3], [1, 2, 3]),
    partition('not-in-sync-here', [1, 2, 3], [2, 3]),
    partition('of-others', [2, 3], [2]),
  ];
  expect(partitionsAtRisk(all, 1)).toEqual([]);
});

test('a partition that would have fewer replicas in sync than acks=all needs holds a broker back', () => {
  expect(partitionsAtRisk([partition('t-0', [1, 2, 3], [1, 2])], 1)).toEqual(['t-0']);
  expect(partitionsAtRisk([partition('t-0', [1, 2, 3], [1, 2], 1)], 1)).toEqual([]);
  expect(partitionsAtRisk([partition('t-0', [1, 2, 3], [1], 1)], 1)).toEqual(['t-0']);
});

test('a partition whose other replicas can never be enough does not hold a broker back for good', () => {
  expect(partitionsAtRisk([partition('alone', [1], [1], 1)], 1)).toEqual([]);
  expect(partitionsAtRisk([partition('two', [1, 2], [1, 2], 2)], 1)).toEqual([]);
  expect(partitionsAtRisk([partition('two', [1, 2], [1], 2)], 1)).toEqual(['two']);
});
