// flush.messages and flush.ms: when a log is synced although no request waits for it. With flush `always`, where
// acknowledgements wait for syncs anyway, it is not used.
import type { Cancel, Clock } from '@milepost/core';
import type { LogConfig } from './log-config.ts';

export class FlushSchedule {
  readonly #clock: Clock;
  readonly #sync: () => Promise<void>;
  #cancel: Cancel | undefined;
  #isDue = false;

  /** Later calls of the log report the failure of `sync`. */
  constructor(clock: Clock, sync: () => Promise<void>) {
    this.#clock = clock;
    this.#sync = sync;
  }

  /** `unflushed`: how many records are not durable yet. */
  appended(unflushed: number, { flushMessages, flushMs }: LogConfig): void {
    if (unflushed >= flushMessages) this.#syncSoon();
    else if (this.#cancel === undefined && flushMs < Number.MAX_SAFE_INTEGER)
      this.#cancel = this.#clock.after(flushMs, () => this.#syncSoon());
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** All appends of one turn of the loop share a sync. */
  #syncSoon(): void {
    this.close();
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      void this.#sync().catch(() => {});
    });
  }
}
