// The cleaner's interface to a log (compaction.ts): how dirty it is, and the swap of a cleaned segment for its sources.
import { Offset } from '@milepost/core';
import { type Cleanable, cleanableOf } from './cleanable.ts';
import type { LogParts } from './log-parts.ts';
import { Segment } from './segment.ts';
import { CLEANED, SWAP } from './segment-swap.ts';

export class LogCleaning {
  readonly #parts: LogParts;
  #cleanedUpTo: Offset;
  /** Present during a swap; settles without an error. */
  #swapping: Promise<unknown> | undefined;
  #isExcluded = false;

  constructor(parts: LogParts, cleanedUpTo: Offset) {
    this.#parts = parts;
    this.#cleanedUpTo = cleanedUpTo;
  }

  /** Exclusive: the end of what was cleaned. */
  get cleanedUpTo(): Offset {
    return this.#cleanedUpTo;
  }

  /** Covers the log below the last stable offset and the flushed offset. @throws DiskFailed */
  cleanable(logStartOffset: Offset, lastStableOffset: Offset, now: number): Cleanable {
    const { config, segments, sync } = this.#parts;
    const { cleanedUpTo } = this;
    const stableOffset = Offset(Math.min(lastStableOffset, sync.flushedOffset));
    return cleanableOf({ segments: segments.all, config, logStartOffset, cleanedUpTo, stableOffset }, now);
  }

  /** A segment beside the log, for `replace`. @throws DiskFailed */
  newSegment(baseOffset: Offset): Segment {
    const { host, folder } = this.#parts.context;
    return new Segment(host.disk, folder, baseOffset, { isNew: true, suffix: CLEANED });
  }

  /** `mayGoOn`: whether the sources still belong to the log. Otherwise like Log#replaceSegments. */
  replace(sources: readonly Segment[], cleaned: Segment, mayGoOn: () => boolean): Promise<boolean> {
    const replaced = this.#replace(sources, cleaned, mayGoOn);
    this.#swapping = replaced
      .catch(() => {}) // the caller receives the failure
      .finally(() => {
        this.#swapping = undefined;
      });
    return replaced;
  }

  /** Durable when this resolves. @throws DiskFailed */
  async cleanedTo(offset: Offset): Promise<void> {
    const end = this.#parts.segments.active.nextOffset; // a truncation may have moved it back meanwhile
    this.#cleanedUpTo = Offset(Math.max(this.#cleanedUpTo, Math.min(offset, end)));
    await this.#parts.context.saveOffsets();
  }

  /** The log was truncated to this offset. */
  setBack(offset: Offset): void {
    this.#cleanedUpTo = Offset(Math.min(this.#cleanedUpTo, offset));
  }

  /** Runs the work while no swap is running, and starts none before it has ended. */
  async exclude(work: () => Promise<void>): Promise<void> {
    this.#isExcluded = true;
    try {
      await this.settled();
      await work();
    } finally {
      this.#isExcluded = false;
    }
  }

  /** Resolves when no swap is running. */
  async settled(): Promise<void> {
    while (this.#swapping !== undefined) await this.#swapping;
  }

  async #replace(sources: readonly Segment[], cleaned: Segment, mayGoOn: () => boolean): Promise<boolean> {
    const { context, sync, segments, producers, config } = this.#parts;
    const { folder, host } = context;
    if (this.#isExcluded) {
      await cleaned.discard();
      return false;
    }
    try {
      cleaned.moveTo(SWAP);
    } catch (failure) {
      await cleaned.discard();
      throw failure;
    }
    await this.#orFail(() => host.disk.syncFolder(folder));
    // Files are removed between two syncs, never during one: a rolled segment may still have indexes to sync.
    while (sync.isBusy || sources.some((source) => sync.isAwaitedBy(source))) await sync.next();
    if (!mayGoOn()) {
      await cleaned.discard();
      return false;
    }
    // From here on the new segment must not be removed: half of the old ones may be gone.
    await this.#orFail(() => {
      segments.replace(sources, cleaned, config);
      for (const source of sources.slice(1)) producers.forgetSnapshot(source.baseOffset);
      return host.disk.syncFolder(folder);
    });
    return true;
  }

  async #orFail(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (failure) {
      throw this.#parts.health.syncFailed(failure, this.#parts.sync.flushedOffset);
    }
  }
}
