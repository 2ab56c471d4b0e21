// The start of a log. DeleteRecords (KIP-107) and retention move it, and the segments that lie wholly below it are
// removed.
//
// Promises: a new start is durable before any file is removed, because it distinguishes deleted offsets from offsets
// that never existed. Before the new start is durable, so is everything that the next start of the broker needs in
// place of the removed files: then the snapshot at the base of the first remaining segment holds all that is known of
// the producers.
import { invariant, Offset } from '@milepost/core';
import type { LogParts } from './log-parts.ts';
import { expiredCount } from './retention.ts';
import type { Segment } from './segment.ts';

export class LogStart {
  readonly #parts: LogParts;
  #offset: Offset;
  /** The offset in the checkpoint, or more. */
  #savedOffset: Offset;
  /** Segments below it are removed, between two syncs. */
  #keptFrom: Offset;

  constructor(parts: LogParts, offset: Offset) {
    this.#parts = parts;
    this.#offset = offset;
    this.#savedOffset = offset;
    this.#keptFrom = offset;
  }

  get offset(): Offset {
    return this.#offset;
  }

  /**
   * Resolves when the start is durable at this offset, or where it was if that is further. @throws LogFailed,
   * DiskFailed
   */
  async deleteRecordsBefore(offset: Offset): Promise<void> {
    const { segments, context } = this.#parts;
    const end = segments.active.nextOffset;
    invariant(offset <= end, () => `${offset} is beyond the log's end ${end}`);
    await this.#moveTo(offset, async () => {
      await context.saveOffsets();
      return true;
    });
  }

  /**
  /**
   * Deletes segments beyond the limits of age or size at this wall time, of those that end at or below `upTo`. Resolves
   * with their number. @throws LogFailed, DiskFailed
   */
  async applyRetention(now: number, upTo: Offset, roll: () => void): Promise<number> {
    const { segments, config, health, context } = this.#parts;
    const count = expiredCount(segments.all, config, now, this.#offset);
    const expired = segments.all.slice(0, count).filter(({ nextOffset }) => nextOffset <= upTo);
    const isAll = expired.length === segments.all.length;
    if (isAll && !(await health.unlessFull('a roll', roll))) expired.pop();
    const last = expired.at(-1);
    if (last === undefined) return 0;
    await this.#moveTo(last.nextOffset, () => health.unlessFull('a checkpoint', context.saveOffsets));
    return expired.length;
  }

  /** For a restart of the log: moves the start, possibly back. Durable with the caller's next save. */
  restartAt(offset: Offset): void {
    this.#offset = offset;
    this.#savedOffset = offset;
    this.#keptFrom = offset;
  }

  /** Call between two syncs. */
  dropBelow(): void {
    const { segments, sync, health } = this.#parts;
    try {
      while (segments.hasWhollyBelow(this.#keptFrom) && !sync.isAwaitedBy(segments.first)) this.#drop(segments.first);
    } catch (failure) {
      health.refusedByDisk(failure); // the segment is below the start, and the next deletion retries
    }
  }

  async #moveTo(offset: Offset, save: () => Promise<boolean>): Promise<void> {
    const { segments, epochs, sync } = this.#parts;
    await sync.all();
    if (offset > this.#offset) {
      this.#offset = offset;
      epochs.truncateFromStart(offset);
    }
    const start = this.#offset;
    if (start > this.#savedOffset && (await save())) this.#savedOffset = Offset(Math.max(this.#savedOffset, start));
    this.#keptFrom = Offset(Math.max(this.#keptFrom, offset));
    if (segments.hasWhollyBelow(offset)) await sync.next(); // files are removed between two syncs, never during one
  }

  #drop(segment: Segment): void {
    this.#parts.segments.remove(segment, this.#parts.config);
    this.#parts.producers.forgetSnapshot(segment.baseOffset);
  }
}
