import { LeaderEpoch, Offset } from '@milepost/core';
import { truncationOffset } from './truncation.ts';

/** By epoch: where it ends here. */
function logOf(ends: Readonly<Record<number, number>>) {
  const epochs = Object.keys(ends).map(Number);
  const last = Math.max(...epochs);
  return {
    logEndOffset: Offset(ends[last] as number),
    endOffsetForEpoch: (epoch: number) => {
      const known = epochs.filter((one) => one <= epoch).at(-1);
      if (known === undefined || epoch > last) return undefined;
      return { epoch: LeaderEpoch(known), endOffset: Offset(ends[known] as number) };
    },
  };
}
const leaderHas = (epoch: number, endOffset: number) => ({ epoch: LeaderEpoch(epoch), endOffset: Offset(endOffset) });

test('of an epoch that both have, the log is cut where it ends first', () => {
  expect(truncationOffset(logOf({ 1: 10, 2: 20 }), leaderHas(2, 15))).toBe(15);
  expect(truncationOffset(logOf({ 1: 10, 2: 20 }), leaderHas(1, 12))).toBe(10);
});

test('of an epoch that only the leader has, the log is cut to the end of the one before, and asked again', () => {
  expect(truncationOffset(logOf({ 1: 10, 4: 20 }), leaderHas(3, 15))).toBe(10);
});

test('of an epoch beyond all of its own, a log keeps no more than the leader has', () => {
  expect(truncationOffset(logOf({ 1: 10 }), leaderHas(3, 7))).toBe(7);
  expect(truncationOffset(logOf({ 1: 10 }), leaderHas(3, 70))).toBe(10);
});
