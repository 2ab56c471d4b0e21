// Appends compressed batches without holding the event loop (docs/decisions/0027-unpacking-has-its-turn.md). Validation
// unpacks them and checks each record: some microseconds for an ordinary batch, a second for four kilobytes that unpack
// to a hundred megabytes.
//
// Promises: one turn of the event loop spends at most MOST_MS_A_TURN on unpacking, plus one batch. The rest waits for a
// later turn, first come first served. A batch that unpacks to more than MOST_ON_LOOP_BYTES is unpacked in steps
// (`Partition.appendInSteps`), one such batch at a time, so that they use the memory of one.
// Never preserves the order of a connection's batches by itself: the caller holds the connection until the outcome is
// known.
import type { Clock } from '@milepost/core';
import type { AppendOutcome } from '@milepost/log';
import type { Partition } from '@milepost/replication';

const MOST_MS_A_TURN = 20;
const MOST_ON_LOOP_BYTES = 2 * 1024 * 1024;

export class Unpacking {
  readonly #clock: Clock;
  #spentMs = 0;
  #isTurnEnding = false;
  #waiting: (() => void)[] = [];
  #large: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Appends immediately if that is little work. Otherwise returns a promise and appends a copy of the records. */
  append(partition: Partition, records: Buffer): AppendOutcome | Promise<AppendOutcome> {
    if (this.#isSpent) return this.#appendLater(partition, Buffer.from(records));
    return this.#appendNow(partition, records) ?? this.#appendInSteps(partition, Buffer.from(records));
  }

  get #isSpent(): boolean {
    return this.#spentMs >= MOST_MS_A_TURN;
  }

  #appendNow(partition: Partition, records: Buffer): AppendOutcome | undefined {
    const began = this.#clock.monotonic();
    const outcome = partition.append(records, MOST_ON_LOOP_BYTES);
    this.#spentMs += this.#clock.monotonic() - began;
    this.#endTurn();
    return outcome;
  }

  async #appendLater(partition: Partition, records: Buffer): Promise<AppendOutcome> {
    while (this.#isSpent) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#appendNow(partition, records) ?? this.#appendInSteps(partition, records);
  }

  #appendInSteps(partition: Partition, records: Buffer): Promise<AppendOutcome> {
    const appended = this.#large.then(() => partition.appendInSteps(records));
    this.#large = appended.catch(() => {});
    return appended;
  }

  /** Batches that wait for the next turn come before what the network brings in it. */
  #endTurn(): void {
    if (this.#isTurnEnding) return;
    this.#isTurnEnding = true;
    this.#clock.after(0, () => {
      this.#isTurnEnding = false;
      this.#spentMs = 0;
      for (const goOn of this.#waiting.splice(0)) goOn();
    });
  }
}
