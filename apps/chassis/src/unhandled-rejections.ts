// The last net: a promise that was rejected and that nobody awaits. Node would end the process for it, and with it every
// part that works. It is a bug of ours, so it is logged with its stack and counted, and the program goes on.
import type { Logger, Meter } from '@milepost/core';

/** Returns the way to stop. */
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
