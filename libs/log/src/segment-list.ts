// The segments of one log, each beginning where the one before it ends, never none. The last one is active: it alone is
// appended to, and is never cleaned.
//
// A segment that is deleted is renamed at once, which is what deletes it; its files are removed after file.delete.delay.ms.
import type { Offset } from '@milepost/core';
import type { DeletedFiles } from './deleted-files.ts';
import type { LogConfig } from './log-config.ts';
import type { Segment } from './segment.ts';
import { DELETED } from './segment-swap.ts';

export class SegmentList {
  readonly #segments: Segment[];
  readonly #deletedFiles: DeletedFiles;

  constructor(segments: readonly Segment[], deletedFiles: DeletedFiles) {
    this.#segments = [...segments];
    this.#deletedFiles = deletedFiles;
  }

  get all(): readonly Segment[] {
    return this.#segments;
  }
  get first(): Segment {
    return this.#segments[0] as Segment;
  }
  get active(): Segment {
    return this.#segments.at(-1) as Segment;
  }
  get sizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  /** The place in `all` of the one that holds the offset; the first for what lies below it. */
  placeOf(offset: Offset): number {
    return Math.max(
      0,
      this.#segments.findLastIndex(({ baseOffset }) => baseOffset <= offset),
    );
  }

  /** Those that begin below the offset; never the active one. */
  startingBelow(offset: Offset): readonly Segment[] {
    return this.#segments.slice(0, -1).filter(({ baseOffset }) => baseOffset < offset);
  }

  /** Whether the first one ends at or below the offset, and is not the active one. */
  hasWhollyBelow(offset: Offset): boolean {
    return this.#segments.length > 1 && (this.#segments[1] as Segment).baseOffset <= offset;
  }

  /** Whether they are still here, one behind the other, and none is active. */
  hasRun(run: readonly Segment[]): boolean {
    const first = this.#segments.indexOf(run[0] as Segment);
    return first >= 0 && run.every((segment, n) => this.#segments[first + n] === segment) && !run.includes(this.active);
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** The first or the last one. @throws DiskFailed, and then it is still here */
  remove(segment: Segment, { fileDeleteDelayMs }: LogConfig): void {
    this.#delete(segment, fileDeleteDelayMs);
    this.#segments.splice(this.#segments.indexOf(segment), 1);
  }

  /** A `.swap` segment in place of those that it was made from (segment-swap.ts, step 3). @throws DiskFailed half way */
  replace(run: readonly Segment[], cleaned: Segment, { fileDeleteDelayMs }: LogConfig): void {
    for (const source of run) this.#delete(source, fileDeleteDelayMs);
    cleaned.moveTo('');
    this.#segments.splice(this.#segments.indexOf(run[0] as Segment), run.length, cleaned);
  }

  close(): void {
    for (const segment of this.#segments) segment.close();
  }

  #delete(segment: Segment, delayMs: number): void {
    segment.moveTo(DELETED);
    segment.close();
    this.#deletedFiles.removeAfter(delayMs, segment.paths);
  }
}
