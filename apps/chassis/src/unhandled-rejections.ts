// The last safety net: a rejected promise that no code awaits. Node would end the process for it, with every part that
// works. It is a bug of ours, so it is logged with its stack and counted, and the program continues.
import type { Logger, Meter } from '@milepost/core';

/** Returns the function that removes it. */
export function reportUnhandledRejections(logger: Logger, meter: Meter): () => void {
  const total = meter.counter('milepost_unhandled_rejections_total', 'Rejected promises that nobody awaited: bugs.');
  total.add(0);
  const report = (reason: unknown): void => {
    total.add(1);
    logger.error({ err: reason }, `a rejected promise that nobody awaits: ${String(reason)}`);
  };
  process.on('unhandledRejection', report);
  return () => void process.off('unhandledRejection', report);
}
