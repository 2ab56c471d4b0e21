// Requests that wait for partitions: a fetch for bytes, a produce for the high watermark. Each is checked again
// whenever one of its partitions changes, and ends once: condition met, out of time, its client gone, or the broker
// closing. Never holds more than MOST_WAITING: beyond that a request does not wait.
import type { Cancel, Clock } from '@milepost/core';
import type { Partition } from '@milepost/replication';

const MOST_WAITING = 100_000;

export type WaitOutcome = 'met' | 'expired' | 'gone';

export interface Wait {
  readonly partitions: Iterable<Pick<Partition, 'watch'>>;
  readonly timeoutMs: number;
  /** Checked now, and after each change of a partition. */
  readonly isMet: () => boolean;
  /** Registers what to do when the client's connection closes. */
  readonly onGone?: (run: () => void) => Cancel;
}

export class Purgatory {
  readonly #clock: Clock;
  readonly #waiting = new Set<(outcome: WaitOutcome) => void>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  wait({ partitions, timeoutMs, isMet, onGone }: Wait): Promise<WaitOutcome> {
    if (isMet()) return Promise.resolve('met');
    if (timeoutMs <= 0 || this.#closed || this.#waiting.size >= MOST_WAITING) return Promise.resolve('expired');
    return new Promise((resolve) => {
      const undo: Cancel[] = [];
      const end = (outcome: WaitOutcome): void => {
        this.#waiting.delete(end);
        for (const cancel of undo) cancel();
        resolve(outcome);
      };
      this.#waiting.add(end);
      const look = (): void => {
        if (isMet()) end('met');
      };
      for (const partition of partitions) undo.push(partition.watch(look));
      undo.push(this.#clock.after(timeoutMs, () => end('expired')));
      if (onGone) undo.push(onGone(() => end('gone')));
    });
  }

  /** Ends all waits now; none begins any more. */
  close(): void {
    this.#closed = true;
    for (const end of this.#waiting) end('expired');
  }
}
