// A consumer's own metrics; the broker exports its lag.
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
