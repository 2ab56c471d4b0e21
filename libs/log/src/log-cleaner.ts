// Keeps compacted logs clean: one log at a time, the dirtiest one first, until none is due; then it waits.
//
// Promises: a pass never fails a log by itself; a log that cannot be cleaned is logged, not changed, and retried after
// a restart; `close` resolves when no pass is running any more.
import { type Cancel, DiskFailed, type Host, type Offset, partitionName } from '@milepost/core';
import type { Cleanable } from './cleanable.ts';
import { compact, type CompactionLimits, type CompactionOutcome } from './compaction.ts';
import type { Log } from './log.ts';
import { LogFailed } from './log-context.ts';

export interface CleanerSettings extends CompactionLimits {
  readonly isEnabled: boolean;
  readonly backoffMs: number;
}

export interface CleanerDeps {
  readonly host: Pick<Host, 'clock' | 'inflater' | 'deflater' | 'logger' | 'meter'>;
  readonly logs: () => Iterable<Log>;
  /** Called in each round. */
  readonly settings: () => CleanerSettings;
  /** The exclusive end of what may be cleaned in a log. */
  readonly lastStableOffsetOf: (log: Log) => Offset;
}

interface Due {
  readonly log: Log;
  readonly cleanable: Cleanable;
}

export class LogCleaner {
  readonly #deps: CleanerDeps;
  readonly #uncleanable = new WeakSet<Log>();
  readonly #cleanedBytes;
  readonly #passes;
  readonly #maxDirtyPercent;
  readonly #uncleanableCount;
  #isClosed = false;
  #cancel: Cancel = () => {};
  #round: Promise<number> | undefined;

  constructor(deps: CleanerDeps) {
    this.#deps = deps;
    const { meter } = deps.host;
    this.#passes = meter.counter('milepost_log_cleaner_passes_total', 'Passes of the log cleaner, by outcome.', [
      'outcome',
    ]);
    for (const outcome of ['cleaned', 'abandoned', 'uncleanable', 'failed']) this.#passes.add(0, { outcome });
    this.#cleanedBytes = meter.counter(
      'milepost_log_cleaner_bytes_total',
      'Bytes that the log cleaner read and wrote.',
      ['direction'],
    );
    for (const direction of ['read', 'written']) this.#cleanedBytes.add(0, { direction });
    this.#maxDirtyPercent = meter.gauge(
      'kafka_log_logcleanermanager_max_dirty_percent',
      'The share of the dirtiest compacted log that was not cleaned yet, when last checked.',
    );
    this.#uncleanableCount = meter.gauge(
      'kafka_log_logcleanermanager_uncleanable_partitions_count',
      'Compacted logs that the cleaner does not clean any more, until a restart.',
    );
  }

  /** Starts rounds, one after the other. */
  begin(): void {
    const { clock, logger } = this.#deps.host;
    const round = (): void => {
      this.round()
        .catch((failure) => logger.error({ err: failure }, 'a round of the log cleaner failed'))
        .finally(later);
    };
    const later = (): void => {
      if (!this.#isClosed) this.#cancel = clock.after(this.#deps.settings().backoffMs, round);
    };
    later();
  }

  /** Cleans every log that is due; one round at a time. Resolves with the number of passes. */
  round(): Promise<number> {
    this.#round ??= this.#cleanAll().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel();
    await this.#round?.catch(() => {});
  }

  async #cleanAll(): Promise<number> {
    let passes = 0;
    for (let due = this.#dirtiest(); due !== undefined; due = this.#dirtiest()) {
      const outcome = await this.#clean(due);
      this.#passes.add(1, { outcome });
      passes++;
      if (outcome === 'failed') break; // most likely the disk: retry in the next round
    }
    return passes;
  }

  #dirtiest(): Due | undefined {
    const { host, logs, settings, lastStableOffsetOf } = this.#deps;
    if (this.#isClosed || !settings().isEnabled) return undefined;
    const now = host.clock.now();
    let dirtiest: Due | undefined;
    let mostDirty = 0;
    let uncleanable = 0;
    for (const log of logs()) {
      if (!log.config.compact || log.failed) continue;
      if (this.#uncleanable.has(log)) {
        uncleanable++;
        continue;
      }
      const cleanable = this.#judge(log, lastStableOffsetOf(log), now);
      if (cleanable === undefined) continue;
      mostDirty = Math.max(mostDirty, cleanable.dirtyRatio);
      const isWorse = dirtiest === undefined || cleanable.dirtyRatio > dirtiest.cleanable.dirtyRatio;
      if (cleanable.isDue && isWorse) dirtiest = { log, cleanable };
    }
    this.#maxDirtyPercent.set(Math.floor(mostDirty * 100));
    this.#uncleanableCount.set(uncleanable);
    return dirtiest;
  }

  #judge(log: Log, lastStableOffset: Offset, now: number): Cleanable | undefined {
    try {
      return log.cleanable(lastStableOffset, now);
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
      this.#giveUp(log, failure.message);
      return undefined;
    }
  }

  async #clean({ log, cleanable }: Due): Promise<CompactionOutcome['kind'] | 'failed'> {
    const { host, settings } = this.#deps;
    const name = partitionName(log.topic, log.partition);
    const began = host.clock.monotonic();
    try {
      const outcome = await compact({
        host,
        log,
        cleanable,
        limits: settings(),
        isStopped: () => this.#isClosed,
      });
      if (outcome.kind === 'uncleanable') this.#giveUp(log, outcome.reason);
      if (outcome.kind !== 'cleaned') return outcome.kind;
      this.#cleanedBytes.add(outcome.bytesRead, { direction: 'read' });
      this.#cleanedBytes.add(outcome.bytesWritten, { direction: 'written' });
      const seconds = (host.clock.monotonic() - began) / 1_000;
      host.logger.info({ ...outcome, partition: name, seconds }, `${name}: cleaned up to offset ${outcome.upTo}`);
      return outcome.kind;
    } catch (failure) {
      if (failure instanceof LogFailed) return 'failed';
      if (!(failure instanceof DiskFailed)) throw failure;
      if (!failure.isFull) this.#giveUp(log, failure.message);
      else host.logger.warn({ partition: name }, `${name}: no room to clean it: ${failure.message}`);
      return 'failed';
    }
  }

  #giveUp(log: Log, reason: string): void {
    this.#uncleanable.add(log);
    const name = partitionName(log.topic, log.partition);
    this.#deps.host.logger.error(
      { partition: name, reason },
      `${name} is not cleaned any more, until a restart: ${reason}; it keeps growing meanwhile`,
    );
  }
}
