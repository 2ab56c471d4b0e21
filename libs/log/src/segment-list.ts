// The segments of one log, at least one, each beginning where the previous one ends. Only the last one, the active one,
// is appended to, and it is never cleaned.
//
// A deleted segment is renamed immediately, which is the deletion; its files are removed after file.delete.delay.ms.
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

  /** The index in `all` of the segment that holds the offset; that of the first for an offset below it. */
  placeOf(offset: Offset): number {
    return Math.max(
      0,
      this.#segments.findLastIndex(({ baseOffset }) => baseOffset <= offset),
    );
  }

  /** The segments that begin below the offset; never the active one. */
  startingBelow(offset: Offset): readonly Segment[] {
    return this.#segments.slice(0, -1).filter(({ baseOffset }) => baseOffset < offset);
  }

  /** Whether the first segment ends at or below the offset, and is not the active one. */
  hasWhollyBelow(offset: Offset): boolean {
    return this.#segments.length > 1 && (this.#segments[1] as Segment).baseOffset <= offset;
  }

  /** Whether these are adjacent segments of this list, none of them active. */
  hasRun(run: readonly Segment[]): boolean {
    const first = this.#segments.indexOf(run[0] as Segment);
    return first >= 0 && run.every((segment, n) => this.#segments[first + n] === segment) && !run.includes(this.active);
  }

  add(segment: Segment): void {
    this.#segments.push(segment);
  }

  /** Removes the first or the last segment. @throws DiskFailed; it is still in the list then. */
  remove(segment: Segment, { fileDeleteDelayMs }: LogConfig): void {
    this.#delete(segment, fileDeleteDelayMs);
    this.#segments.splice(this.#segments.indexOf(segment), 1);
  }

  /**
   * Replaces adjacent segments by the `.swap` segment made from them (segment-swap.ts, step 3). @throws DiskFailed
   * halfway
   */
  replace(run: readonly Segment[], cleaned: Segment, { fileDeleteDelayMs }: LogConfig): void {
    for (const source of run) this.#delete(source, fileDeleteDelayMs);
    cleaned.moveTo('');
    this.#segments.splice(this.#segments.indexOf(run[0] as Segment), run.length, cleaned);
  }

  /** The log begins again with a new segment, which `make` creates. @throws DiskFailed, and then it may have none */
  restart(make: () => Segment, { fileDeleteDelayMs }: LogConfig): void {
    for (const segment of this.#segments.toReversed()) this.#delete(segment, fileDeleteDelayMs);
    this.#segments.splice(0, this.#segments.length, make());
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
