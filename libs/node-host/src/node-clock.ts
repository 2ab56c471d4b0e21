// The machine's clocks, and Node's timers without their two surprises: a delay of more than 31 bits is not 1 ms, and no
// timer runs a fraction of a millisecond early.
import type { Cancel, Clock } from '@milepost/core';

const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs: number, run: () => void): Cancel {
    const dueMs = performance.now() + delayMs;
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      timer = setTimeout(
        () => {
          const stillMs = dueMs - performance.now();
          if (stillMs > 0) wait(stillMs);
          else run();
        },
        Math.min(Math.ceil(leftMs), LONGEST_TIMER_MS),
      );
    };
    wait(delayMs);
    return () => clearTimeout(timer);
  },
};
