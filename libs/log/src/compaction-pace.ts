// How a pass of the cleaner shares the event loop: a turn does a limited amount of work, and then the pass rests at least
// as long as that took, and longer where the bytes exceed the limit per second.
import type { Deflater, Inflater } from '@milepost/core';
import type { Stepping } from '@milepost/records';
import type { SteppingHost } from './stepping.ts';

/** The records that one turn looks at: each key is hashed, so some ten milliseconds. */
export const TURN_RECORDS = 10_000;
/** The unpacked bytes of one turn. */
const TURN_BYTES = 2 * 1024 * 1024;

export class Pace implements Stepping {
  readonly inflater: Inflater;
  readonly deflater: Deflater;
  readonly #host: SteppingHost;
  readonly #bytesPerSecond: number;
  readonly #mustGoOn: () => void;
  #began = 0;
  #bytes = 0;
  #records = 0;

  /** `mustGoOn` throws after a turn where the pass is to end. */
  constructor(host: SteppingHost, bytesPerSecond: number, mustGoOn: () => void) {
    this.#host = host;
    this.inflater = host.inflater;
    this.deflater = host.deflater;
    this.#bytesPerSecond = bytesPerSecond;
    this.#mustGoOn = mustGoOn;
  }

  begin(): void {
    this.#began = this.#host.clock.monotonic();
    this.#bytes = 0;
    this.#records = 0;
  }

  /** Counts a batch that was unpacked in this turn. */
  unpacked(bytes: number, records: number): void {
    this.#bytes += bytes;
    this.#records += records;
  }

  /** Whether this turn has unpacked its share. */
  get isSpent(): boolean {
    return this.#bytes >= TURN_BYTES || this.#records >= TURN_RECORDS;
  }

  /** `bytes`: read and written since the last rest that counted them. */
  rest(bytes: number): Promise<void> {
    const { clock } = this.#host;
    const workedMs = clock.monotonic() - this.#began;
    const restMs = Math.max(workedMs, (bytes / this.#bytesPerSecond) * 1_000 - workedMs);
    return new Promise((resolve) => void clock.after(restMs, resolve));
  }

  nextTurn = async (): Promise<void> => {
    await this.rest(0);
    this.#mustGoOn();
    this.begin();
  };
}
