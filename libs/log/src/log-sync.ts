// The group commit of one log: one sync at a time makes everything durable that was written before it began.
//
// Promises: the flushed offset advances to an offset only after every file with records below it is durable (full
// segments, snapshots, names); it never decreases except by a truncation; files are removed and replaced between two
// syncs, never during one. A failed sync ends the log.
import { invariant, Offset } from '@milepost/core';
import { replaceText } from './checkpoint.ts';
import type { EpochHistory } from './epoch-history.ts';
import { GroupCommit } from './group-commit.ts';
import type { LogContext } from './log-context.ts';
import type { LogHealth } from './log-health.ts';
import { EPOCH_FILE } from './recovery.ts';
import type { SegmentList } from './segment-list.ts';

interface Syncable {
  sync(): Promise<void>;
}

export interface LogSyncParts {
  readonly context: LogContext;
  readonly health: LogHealth;
  readonly segments: SegmentList;
  readonly epochs: EpochHistory;
  /** Called after each sync, before the next one begins. */
  readonly afterSync: () => void;
}

export class LogSync {
  readonly #parts: LogSyncParts;
  readonly #commit = new GroupCommit(() => this.#flush());
  #flushedOffset: Offset;
  /** Files beside the last segment's .log that have unsynced changes. */
  #unsynced: Syncable[] = [];
  #isFlushing = false;
  /** Present while work runs that excludes syncs; resolves when the work has ended. */
  #excluded: Promise<void> | undefined;

  constructor(parts: LogSyncParts) {
    this.#parts = parts;
    this.#flushedOffset = parts.segments.active.nextOffset;
  }

  /** Exclusive: everything below is durable. */
  get flushedOffset(): Offset {
    return this.#flushedOffset;
  }
  /** A sync is running, or must not begin: no file may be moved. */
  get isBusy(): boolean {
    return this.#isFlushing || this.#excluded !== undefined;
  }

  /** Resolves when everything written before this call is durable. @throws LogFailed, from then on always */
  async all(): Promise<void> {
    this.#parts.health.mustBeWritable();
    const isBehind = this.#flushedOffset < this.#parts.segments.active.nextOffset || this.#unsynced.length > 0;
    await (isBehind ? this.#commit.run() : this.#commit.current()); // records that the current sync covers are not durable yet
  }

  /** Resolves with a sync that begins at or after this call, even if there is nothing to sync. @throws LogFailed */
  next(): Promise<void> {
    return this.#commit.run();
  }

  /** No caller waits for it; every later call reports its failure. */
  soon(): void {
    queueMicrotask(() => void this.all().catch(() => {}));
  }

  /** Files that the next sync must cover beside the last segment's .log. */
  add(...files: readonly Syncable[]): void {
    this.#unsynced.push(...files);
  }
  isAwaitedBy(file: Syncable): boolean {
    return this.#unsynced.includes(file);
  }
  /** The file no longer belongs to the log. */
  remove(file: Syncable): void {
    this.#unsynced = this.#unsynced.filter((one) => one !== file);
  }

  /** Runs the work while no sync is running, and lets none begin before it has ended. @throws LogFailed */
  async exclude(work: () => Promise<void>): Promise<void> {
    while (this.isBusy) await (this.#isFlushing ? this.#commit.current() : this.#excluded);
    this.#parts.health.mustBeWritable();
    let release = (): void => {};
    this.#excluded = new Promise<void>((resolve) => {
      release = resolve;
    });
    try {
      await work();
    } finally {
      this.#excluded = undefined;
      release();
    }
  }

  /** For a truncation, which excludes syncs: records beyond the offset are about to be cut. */
  setBack(offset: Offset): void {
    invariant(this.#excluded !== undefined, () => `${this.#parts.health.name}: set back to ${offset} under a sync`);
    this.#flushedOffset = Offset(Math.min(this.#flushedOffset, offset));
  }

  async #flush(): Promise<void> {
    const { context, health, segments, epochs, afterSync } = this.#parts;
    while (this.#excluded !== undefined) await this.#excluded;
    health.mustBeWritable();
    invariant(!this.#isFlushing, () => `${health.name}: two syncs at once`);
    const { clock, disk } = context.host;
    const { active } = segments;
    const end = active.nextOffset;
    const unsynced = this.#unsynced;
    this.#unsynced = [];
    const started = clock.monotonic();
    this.#isFlushing = true;
    try {
      for (const file of unsynced) await file.sync();
      await active.log.sync();
      if (epochs.isDirty) {
        epochs.isDirty = false;
        const save = () => replaceText(disk, context.folder, EPOCH_FILE, epochs.toText());
        if (!(await health.unlessFull('the epochs', save))) epochs.isDirty = true;
      }
    } catch (failure) {
      throw health.syncFailed(failure, this.#flushedOffset);
    } finally {
      this.#isFlushing = false;
    }
    if (end > this.#flushedOffset) context.fsyncSeconds.observe((clock.monotonic() - started) / 1000);
    this.#flushedOffset = Offset(Math.max(this.#flushedOffset, end));
    afterSync();
  }
}
