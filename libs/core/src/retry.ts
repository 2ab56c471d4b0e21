// Waiting that ends with its owner: the one loop of "try, wait, try again".
//
// Promises: time comes from the host's clock; an abort ends a wait at once and leaves no timer behind. An attempt that has
// begun is never abandoned: its owner waits for it, so nothing acts behind the owner's back.
import type { Clock } from './ports.ts';

/** Resolves after `delayMs`. @throws the signal's reason, as soon as it is aborted. */
export function sleep(clock: Pick<Clock, 'after'>, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}

export interface RetryOptions {
  readonly clock: Pick<Clock, 'after' | 'monotonic'>;
  /** Between the end of one attempt and the next. */
  readonly pauseMs: number;
  /** Ends the retrying. An attempt under way is still waited for, and its result returned. */
  readonly signal: AbortSignal;
  /** Whether another attempt may succeed where this one failed. Other failures are thrown at once. */
  readonly isRetriable: (failure: unknown) => boolean;
  /** From the first attempt on: a failure after which no attempt fits is thrown. Without it there is no limit. */
  readonly limitMs?: number;
  /** Called before each pause; `attempts` counts from 1. The place for a log line: once, not once for each attempt. */
  readonly onRetry?: (failure: unknown, attempts: number) => void;
}

/** The first result. @throws a failure that is not retriable, or the last one within the limit; the signal's reason. */
export async function retry<Result>(attempt: () => Promise<Result>, options: RetryOptions): Promise<Result> {
  const { clock, pauseMs, signal, isRetriable, limitMs = Infinity, onRetry } = options;
  const deadlineMs = clock.monotonic() + limitMs;
  for (let attempts = 1; ; attempts++) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (failure) {
      if (!isRetriable(failure) || clock.monotonic() + pauseMs > deadlineMs) throw failure;
      signal.throwIfAborted();
      onRetry?.(failure, attempts);
      await sleep(clock, pauseMs, signal);
    }
  }
}
