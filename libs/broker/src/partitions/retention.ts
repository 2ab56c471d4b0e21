// Deletes what retention lets go, round after round, until its owner's signal ends it.
import { type Host, severalAtOnce, sleep } from '@milepost/core';
import { LogFailed } from '@milepost/log';
import type { Partition } from '@milepost/replication';

/** Logs that delete at once: they share the writing of the checkpoints, which name every partition. */
const RETENTIONS_AT_ONCE = 64;

export interface RetentionDeps {
  readonly host: Pick<Host, 'clock' | 'logger'>;
  readonly partitions: () => Iterable<Partition>;
  readonly intervalMs: number;
}

/** Resolves when the signal is aborted and no deletion is under way. */
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
