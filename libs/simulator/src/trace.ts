// The events of a life in order: a hash of all of them, and the last ones as text. Two runs of one seed must agree.
import type { Clock } from '@milepost/core';

const KEPT = 4_000;

export class Trace {
  events = 0;
  readonly #clock: Clock;
  readonly #kept: string[] = [];
  #low = 0x811c_9dc5;
  #high = 0x9e37_79b9;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(what: string): void {
    const line = `${this.#clock.monotonic().toFixed(3).padStart(12)}  ${what}`;
    this.mix(line);
    this.#kept[this.events % KEPT] = line;
    this.events++;
  }

  /** Adds only to the hash: for text that is not shown. */
  mix(text: string): void {
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      low = Math.imul(low ^ code, 0x0100_0193);
      high = Math.imul(high ^ code, 0x85eb_ca6b) ^ (high >>> 13);
    }
    this.#low = low;
    this.#high = high;
  }

  get hash(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** Oldest first. */
  last(count: number): string[] {
    const from = Math.max(0, this.events - Math.min(count, KEPT));
    return Array.from({ length: this.events - from }, (_, at) => this.#kept[(from + at) % KEPT] as string);
  }
}
