import { retry, type RetryOptions, sleep } from './retry.ts';
import { ManualClock, settled } from './testing/manual-clock.ts';

class Away extends Error {}

const options = (clock: ManualClock, more: Partial<RetryOptions> = {}): RetryOptions => ({
  clock,
  pauseMs: 1_000,
  signal: new AbortController().signal,
  isRetriable: (failure) => failure instanceof Away,
  ...more,
});

test('a failing attempt is retried after each pause, until it succeeds', async () => {
  const clock = new ManualClock();
  const triedAt: number[] = [];
  const retries: number[] = [];
  const result = retry(
    async () => {
      triedAt.push(clock.monotonic());
      if (triedAt.length < 3) throw new Away();
      return 'there';
    },
    options(clock, { onRetry: (_, attempts) => retries.push(attempts) }),
  );
  await clock.advance(10_000);
  expect(await result).toBe('there');
  expect(triedAt).toEqual([0, 1_000, 2_000]);
  expect(retries).toEqual([1, 2]);
});

test('a failure that is not retriable is thrown immediately', async () => {
  const clock = new ManualClock();
  const broken = new Error('wrong password');
  await expect(retry(() => Promise.reject(broken), options(clock))).rejects.toBe(broken);
  expect(clock.alarms).toBe(0);
});

test('an abort ends a pause immediately and leaves no timer', async () => {
  const clock = new ManualClock();
  const owner = new AbortController();
  const result = retry(() => Promise.reject(new Away()), options(clock, { signal: owner.signal }));
  const ended = expect(result).rejects.toThrow('closed');
  await settled();
  expect(clock.alarms).toBe(1);
  owner.abort(new Error('closed'));
  await ended;
  expect(clock.alarms).toBe(0);
});

test('an abort waits for the current attempt, and makes no other', async () => {
  const clock = new ManualClock();
  const owner = new AbortController();
  let fail = (): void => {};
  let attempts = 0;
  const result = retry(
    () =>
      new Promise((_, reject) => {
        attempts++;
        fail = () => reject(new Away());
      }),
    options(clock, { signal: owner.signal }),
  );
  let isOver = false;
  const ended = expect(result.finally(() => (isOver = true))).rejects.toThrow('closed');
  owner.abort(new Error('closed'));
  await settled();
  expect(isOver).toBe(false);
  fail();
  await ended;
  expect(attempts).toBe(1);
});

test('the last failure is thrown when no other attempt fits into the limit', async () => {
  const clock = new ManualClock();
  let attempts = 0;
  const result = retry(
    async () => {
      attempts++;
      throw new Away(`attempt ${attempts}`);
    },
    options(clock, { limitMs: 2_500 }),
  );
  const ended = expect(result).rejects.toThrow('attempt 3');
  await clock.advance(10_000);
  await ended;
});

test('a sleep whose owner has ended already never begins', async () => {
  const clock = new ManualClock();
  await expect(sleep(clock, 5, AbortSignal.abort(new Error('closed')))).rejects.toThrow('closed');
  expect(clock.alarms).toBe(0);
});
