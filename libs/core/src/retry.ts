// Waiting that ends with its owner: the one loop of "try, wait, retry".
//
// Promises: time comes from the host's clock; an abort ends a wait immediately and leaves no timer. An attempt that has
// begun is never abandoned: the owner waits for it, so it cannot act after the owner has ended.
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
  /** The pause between the end of one attempt and the next. */
  readonly pauseMs: number;
  /** Ends the retries. A pending attempt is still waited for, and its result returned. */
  readonly signal: AbortSignal;
  /** Whether another attempt may succeed after this failure. Other failures are thrown immediately. */
  readonly isRetriable: (failure: unknown) => boolean;
  /** Counts from the first attempt on: a failure after which no attempt fits is thrown. Absent: no limit. */
  readonly limitMs?: number;
  /** Called before each pause; `attempts` counts from 1. For a log line: one in all, not one for each attempt. */
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
