// Ports without an observer: for tests and tools that have no metrics and no log.
import type { Logger, Meter } from './ports.ts';

const nothing = (): void => {};

export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export const silentMeter: Meter = {
  counter: () => ({ add: nothing, remove: nothing }),
  gauge: () => ({ set: nothing, remove: nothing, sweep: nothing }),
  histogram: () => ({ observe: nothing }),
  onScrape: nothing,
};
