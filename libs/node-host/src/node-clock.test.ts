import { clockContract } from '../../core/src/contracts/clock.contract.ts';
import { nodeClock } from './index.ts';

clockContract('nodeClock', () => ({
  clock: nodeClock,
  pass: (forMs) => new Promise((resolve) => setTimeout(resolve, forMs)),
}));

test('no timer runs early, not even by a fraction of a millisecond', async () => {
  const early = await Promise.all(
    Array.from({ length: 200 }, (_, n) => {
      const delayMs = 1 + (n % 20) + n / 1000;
      const dueMs = nodeClock.monotonic() + delayMs;
      return new Promise<boolean>((resolve) => nodeClock.after(delayMs, () => resolve(nodeClock.monotonic() < dueMs)));
    }),
  );
  expect(early.filter(Boolean)).toEqual([]);
});
