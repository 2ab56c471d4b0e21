// The clock of this machine for tests of what waits without a limit: its timers do not keep the process alive.
import type { Clock } from '@milepost/core';

export const unreferencedClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
};
