// A consumer's own metrics and what it reports to the health response; the broker exports its lag.
import type { Meter } from '@milepost/core';

/** `failed` is called at each scrape. */
export function meterFailedPartitions(meter: Meter, groupId: string, failed: () => readonly string[]): void {
  const gauge = meter.gauge(
    'milepost_consumer_failed_partitions',
    'Partitions that this member cannot read at the moment, and retries.',
    ['consumergroup'],
  );
  meter.onScrape(() => gauge.set(failed().length, { consumergroup: groupId }));
}

/** For the health response; undefined: all are read. */
export function unreadPartitions(failed: readonly string[], consequence: string): string | undefined {
  return failed.length === 0 ? undefined : `cannot read ${failed.join(', ')}, and tries again: ${consequence}`;
}
