// What one session of a consumer has fetched and not handed over yet. While there is too much, `put` waits: fetching then
// waits, and the broker retains the rest.
import type { ConsumedRecord } from './record.ts';

export class Inbox {
  readonly #limit: number;
  #records: ConsumedRecord[] = [];
  #end: Error | 'closed' | undefined;
  #room = Promise.withResolvers<void>();
  #wake: () => void = () => {};

  /** `limit`: so many records wait at most, and what one more fetch brings. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when more may come. */
  async put(records: readonly ConsumedRecord[]): Promise<void> {
    this.#records = this.#records.length === 0 ? [...records] : this.#records.concat(records);
    this.#wake();
    if (this.#records.length >= this.#limit) await this.#room.promise;
  }

  /** All that has come, as soon as there is something; empty after `patienceMs`. @throws what it failed with. */
  async take(patienceMs?: number): Promise<readonly ConsumedRecord[] | 'closed'> {
    if (this.#records.length === 0 && this.#end === undefined) await this.#something(patienceMs);
    if (this.#end === 'closed') return 'closed';
    if (this.#end !== undefined) throw this.#end;
    const taken = this.#records;
    this.#records = [];
    this.#makeRoom();
    return taken;
  }

  /** Nothing more is taken. Callers that wait for room are released. */
  close(): void {
    this.#finish('closed');
  }

  fail(error: Error): void {
    this.#finish(error);
  }

  #finish(end: Error | 'closed'): void {
    this.#end ??= end;
    this.#wake();
    this.#makeRoom();
  }

  #makeRoom(): void {
    this.#room.resolve();
    if (this.#end === undefined) this.#room = Promise.withResolvers<void>();
  }

  #something(patienceMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = patienceMs === undefined ? undefined : setTimeout(resolve, patienceMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
