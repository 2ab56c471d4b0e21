// Applies retention to the partitions, round after round, until the signal is aborted.
import { type Host, severalAtOnce, sleep } from '@milepost/core';
import { LogFailed } from '@milepost/log';
import type { Partition } from '@milepost/replication';

/** Logs that delete concurrently: they share the writing of the checkpoints, which name every partition. */
const RETENTIONS_AT_ONCE = 64;

export interface RetentionDeps {
  readonly host: Pick<Host, 'clock' | 'logger'>;
  readonly partitions: () => Iterable<Partition>;
  readonly intervalMs: number;
}

/** Resolves when the signal is aborted and no deletion is running. */
export async function keepRetention({ host, partitions, intervalMs }: RetentionDeps, stop: AbortSignal): Promise<void> {
  const { clock, logger } = host;
  const isStopped = (): boolean => stop.aborted;
  for (;;) {
    await sleep(clock, intervalMs, stop).catch(() => {});
    if (isStopped()) return;
    await severalAtOnce(RETENTIONS_AT_ONCE, partitions(), async (partition) => {
      if (isStopped()) return;
      await partition.applyRetention(clock.now()).catch((failure: unknown) => {
        if (failure instanceof LogFailed) return; // the log has reported it
        logger.error({ err: failure }, `retention of ${partition.topic}-${partition.index} failed`);
      });
    });
  }
}
