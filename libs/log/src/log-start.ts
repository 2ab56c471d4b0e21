// Where a log starts: it moves by DeleteRecords (KIP-107) and by retention, and the segments that lie wholly below go.
//
// Promises: a new start is durable before any file goes; it is what tells offsets that were deleted from offsets that never
// were. Before it is durable, so is all that the next start of the broker needs in place of what goes: it removes what lies
// below, and then the snapshot at the base of the first segment that remains is all that is known of the producers.
import { invariant, Offset } from '@milepost/core';
import type { LogParts } from './log-parts.ts';
import { expiredCount } from './retention.ts';
import type { Segment } from './segment.ts';

export class LogStart {
  readonly #parts: LogParts;
  #offset: Offset;
  /** As of the checkpoint, at the least. */
  #savedOffset: Offset;
  /** Segments below it go, between two syncs. */
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

  /** Resolves when the start is durable there, or where it was if that is further. @throws LogFailed, DiskFailed */
  async deleteRecordsBefore(offset: Offset): Promise<void> {
    const { segments, context } = this.#parts;
    const end = segments.active.nextOffset;
    invariant(offset <= end, () => `${offset} is beyond the log's end ${end}`);
    await this.#moveTo(offset, async () => {
      await context.saveOffsets();
      return true;
    });
  }

  /** Deletes what is too old or too much at this wall time. Resolves with how many segments went. @throws LogFailed, DiskFailed */
  async applyRetention(now: number, roll: () => void): Promise<number> {
    const { segments, config, health, context } = this.#parts;
    const expired = segments.all.slice(0, expiredCount(segments.all, config, now, this.#offset));
    const isAll = expired.length === segments.all.length;
    if (isAll && !(await health.unlessFull('a roll', roll))) expired.pop();
    const last = expired.at(-1);
    if (last === undefined) return 0;
    await this.#moveTo(last.nextOffset, () => health.unlessFull('a checkpoint', context.saveOffsets));
    return expired.length;
  }

  /** Between two syncs. */
  dropBelow(): void {
    const { segments, sync, health } = this.#parts;
    try {
      while (segments.hasWhollyBelow(this.#keptFrom) && !sync.isAwaitedBy(segments.first)) this.#drop(segments.first);
    } catch (failure) {
      health.refusedByDisk(failure); // it is below the start, and the next deletion tries again
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
    if (segments.hasWhollyBelow(offset)) await sync.next(); // files go between two syncs, never under one
  }

  #drop(segment: Segment): void {
    this.#parts.segments.remove(segment, this.#parts.config);
    this.#parts.producers.forgetSnapshot(segment.baseOffset);
  }
}
