// Writes changes to the store, in the background: no caller waits for it, except for a promise that it asks for. Changes of
// one row that follow each other are written once, a row that came and went is not written at all. While the store is away
// changes wait: what waits is bounded, because it is rows that exist here, or that the store has.
import type { Cancel, Clock, Logger } from '@milepost/core';
import type {
  SessionChanges,
  SessionState,
  SessionStore,
  StoredMessage,
  StoredRetained,
  StoredWill,
} from './session-store.ts';
import type { QueuedMessage } from './message-queue.ts';

const PAUSE_MS = 10;
/** After a write as many times its length: the database does other work too. */
const PAUSE_FACTOR = 3;
const RETRY_MS = 1_000;
const ROWS_OF_WRITE = 1_000;

export class SessionWriter {
  /** Sessions that are removed whatever gateway holds them, before the others are written. */
  readonly discarded = new ChangedRows<string, never>();
  readonly sessions = new ChangedRows<string, SessionState>();
  readonly messages = new ChangedRows<QueuedMessage, StoredMessage>();
  readonly retained = new ChangedRows<string, StoredRetained>();
  readonly wills = new ChangedRows<string, StoredWill>();
  failures = 0;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #store: SessionStore;
  #isAway = false;
  #writing: Promise<void> | undefined;
  #isClosed = false;
  #cancel: Cancel | undefined;
  #waiters: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  constructor(clock: Clock, logger: Logger, store: SessionStore) {
    this.#clock = clock;
    this.#logger = logger;
    this.#store = store;
  }

  get pending(): number {
    return this.#tables.reduce((sum, { pending }) => sum + pending, 0);
  }

  /** Call after changes. */
  changed(): void {
    if (!this.#cancel && !this.#writing && !this.#isClosed) this.#after(PAUSE_MS);
  }

  /** Resolves when the current state of the message is stored. */
  stored(message: QueuedMessage): Promise<void> {
    return this.#until(() => !this.messages.isPending(message));
  }

  /** Resolves when there is nothing to write. */
  idle(): Promise<void> {
    return this.#until(() => this.pending === 0);
  }

  /** Writes what is pending immediately; gives up when the store fails. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#writing;
    while (this.pending > 0 && !this.#isAway) await this.#write();
  }

  get #tables(): readonly ChangedRows<unknown, unknown>[] {
    return [this.discarded, this.sessions, this.messages, this.retained, this.wills] as ChangedRows<unknown, unknown>[];
  }

  #until(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ isDone, resolve }));
  }

  #after(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      this.#cancel = undefined;
      this.#writing = this.#writeOnTime();
    });
  }

  async #writeOnTime(): Promise<void> {
    const since = this.#clock.monotonic();
    await this.#write();
    this.#writing = undefined;
    if (this.pending === 0 || this.#isClosed) return;
    const tookMs = this.#clock.monotonic() - since;
    this.#after(this.#isAway ? RETRY_MS : Math.max(PAUSE_MS, PAUSE_FACTOR * tookMs));
  }

  async #write(): Promise<void> {
    const changes = this.#take();
    try {
      await this.#store.write(changes);
      for (const table of this.#tables) table.written();
      if (this.#isAway) this.#logger.info({}, 'MQTT sessions and queued messages are stored again');
      this.#isAway = false;
    } catch (error) {
      this.failures++;
      for (const table of this.#tables) table.failed();
      const pending = this.pending;
      const fact = 'MQTT sessions and queued messages cannot be stored and wait in memory';
      if (!this.#isAway) this.#logger.warn({ error: (error as Error).message, pending }, fact);
      this.#isAway = true;
    }
    this.#waiters = this.#waiters.filter(({ isDone, resolve }) => {
      if (!isDone()) return true;
      resolve();
      return false;
    });
  }

  /** Sessions first: a message is not stored before its session. Retained messages change most often, and wait longest. */
  #take(): SessionChanges {
    const discarded = this.discarded.take(ROWS_OF_WRITE);
    const sessions = this.sessions.take(this.discarded.isTaken ? ROWS_OF_WRITE : 0);
    const messages = this.messages.take(this.sessions.isTaken ? ROWS_OF_WRITE : 0);
    const wills = this.wills.take(ROWS_OF_WRITE);
    const retained = this.retained.take(ROWS_OF_WRITE);
    return {
      discardedSessions: discarded.removed,
      sessions: sessions.rows,
      removedSessions: sessions.removed,
      messages: messages.rows,
      removedMessages: messages.removed,
      retained: retained.rows,
      removedRetained: retained.removed,
      wills: wills.rows,
      removedWills: wills.removed,
    };
  }
}

/** The rows of one kind that differ from the store's. */
export class ChangedRows<Key, Row> {
  /** The row as it is when it is written; undefined: it is to be removed. */
  #changes = new Map<Key, (() => Row) | undefined>();
  #taken = new Map<Key, (() => Row) | undefined>();
  /** Rows that the store has, or may have. */
  readonly #stored = new Set<Key>();

  get pending(): number {
    return this.#changes.size + this.#taken.size;
  }

  /** Nothing is left that was not taken. */
  get isTaken(): boolean {
    return this.#changes.size === 0;
  }

  isPending(key: Key): boolean {
    return this.#changes.has(key) || this.#taken.has(key);
  }

  /** Whether the store has the row, or may have it. */
  isStored(key: Key): boolean {
    return this.#stored.has(key);
  }

  /** The store has this row. */
  loaded(key: Key): void {
    this.#stored.add(key);
  }

  put(key: Key, row: () => Row): void {
    this.#changes.set(key, row);
  }

  remove(key: Key): void {
    if (this.#stored.has(key)) this.#changes.set(key, undefined);
    else this.#changes.delete(key);
  }

  /** The row is no longer ours: nothing of it is written. */
  forget(key: Key): void {
    this.#changes.delete(key);
    this.#stored.delete(key);
  }

  take(limit: number): { readonly rows: Row[]; readonly removed: Key[] } {
    const rows: Row[] = [];
    const removed: Key[] = [];
    for (const [key, row] of this.#changes) {
      if (this.#taken.size >= limit) break;
      this.#changes.delete(key);
      this.#taken.set(key, row);
      if (row) {
        this.#stored.add(key);
        rows.push(row());
      } else removed.push(key);
    }
    return { rows, removed };
  }

  written(): void {
    for (const [key, row] of this.#taken) if (!row && !this.#changes.get(key)) this.#stored.delete(key);
    this.#taken.clear();
  }

  /** What was taken is to be written again, unless it has changed since. */
  failed(): void {
    const later = this.#changes;
    this.#changes = this.#taken;
    for (const [key, row] of later) this.#changes.set(key, row);
    this.#taken = new Map();
  }
}
