import { ErrorCode } from '@milepost/core';
import { ConsumerMember, settledGroup } from '../../testing/consumer-member.ts';
import { Harness } from '../../testing/harness.ts';
import { compileRegex } from '../../regex.ts';

const byRegex = { topicNames: [], topicRegex: 'truck-.*' };

test('a regular expression matches whole names, of later topics too', async () => {
  const h = await Harness.start();
  for (const name of ['truck-1', 'truck-2', 'a-truck-3']) h.catalog.set(name, 1);
  const [a] = await settledGroup(h, ['a'], byRegex);
  expect(a!.partitions).toEqual(['truck-10', 'truck-20']);
  h.catalog.set('truck-9', 1);
  await h.clock.advance(8_000);
  await a!.follow();
  expect(a!.partitions).toHaveLength(2);
  await h.clock.advance(2_000);
  await a!.follow();
  expect(a!.partitions).toEqual(['truck-10', 'truck-20', 'truck-90']);
});

test('a wall clock that is set back keeps no new topic from an expression', async () => {
  const h = await Harness.start();
  h.catalog.set('truck-1', 1);
  const [a] = await settledGroup(h, ['a'], byRegex);
  h.clock.jump(-86_400_000);
  h.catalog.set('truck-9', 1);
  await a!.follow();
  expect(a!.partitions).toEqual(['truck-10', 'truck-90']);
});

test('names and an expression are combined, and an empty expression is none', async () => {
  const h = await Harness.start();
  for (const name of ['truck-1', 't']) h.catalog.set(name, 1);
  const [a] = await settledGroup(h, ['a'], { ...byRegex, topicNames: ['t', 'truck-1'] });
  expect(a!.partitions.toSorted()).toEqual(['t0', 'truck-10']);
  await h.clock.advance(1_000);
  await a!.beat({ topicRegex: '' });
  await a!.follow();
  expect(a!.partitions.toSorted()).toEqual(['t0', 'truck-10']);
  await a!.beat({ topicNames: [] });
  expect(a!.partitions).toEqual([]);
});

test.each(['(', '[a', 'a**', '(?<!x)a', '(a)\\1', `${'a'.repeat(10_001)}`])(
  'an expression that RE2 does not support is refused, and no member joins: %.10s',
  async (topicRegex) => {
    const h = await Harness.start();
    const result = await new ConsumerMember(h, 'a').join({ ...byRegex, topicRegex });
    expect(result.error).toBe(ErrorCode.INVALID_REGULAR_EXPRESSION);
    expect(result.errorMessage).toContain('is not a valid regular expression');
    expect((await h.coordinator.list({ states: [], types: [] })).groups).toEqual([]);
  },
);

test('an expression that is exponential elsewhere is matched in linear time', () => {
  const matches = compileRegex('(a+)+b');
  expect(typeof matches === 'string' || matches('a'.repeat(249))).toBe(false);
});
