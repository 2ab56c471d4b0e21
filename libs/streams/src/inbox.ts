// The records that one session of a consumer has fetched and not passed on yet. While there are too many, `put` waits:
// fetching then waits, and the broker retains the rest.
import type { ConsumedRecord } from './record.ts';

export class Inbox {
  readonly #limit: number;
  #records: ConsumedRecord[] = [];
  #end: Error | 'closed' | undefined;
  #room = Promise.withResolvers<void>();
  #wake: () => void = () => {};

  /** `limit`: at most this many records wait, plus those of one more fetch. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves when more may be put. */
  async put(records: readonly ConsumedRecord[]): Promise<void> {
    this.#records = this.#records.length === 0 ? [...records] : this.#records.concat(records);
    this.#wake();
    if (this.#records.length >= this.#limit) await this.#room.promise;
  }

  /** All waiting records, as soon as there are some; empty after `patienceMs`. @throws the failure of the session. */
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
