// Unpacks compressed batches without holding the event loop (docs/decisions/0027-unpacking-has-its-turn.md). An append
// and a search by timestamp unpack a batch and check each record: some microseconds for an ordinary batch, a second for
// four kilobytes that unpack to a hundred megabytes.
//
// Promises: one turn of the event loop spends at most MOST_MS_A_TURN on unpacking, plus one batch. The rest waits for a
// later turn, first come first served. A batch that unpacks to more than MOST_ON_LOOP_BYTES is unpacked in steps
// (`Partition.appendInSteps`, `Log.offsetForTimestampInSteps`), one such batch at a time, so that they use the memory of
// one.
// Never preserves the order of a connection's requests by itself: the caller holds the connection until the outcome is
// known.
import type { Clock, Offset } from '@milepost/core';
import {
  type AppendOutcome,
  type Log,
  type LogConfig,
  type SearchTarget,
  type TimestampedOffset,
  UNPACKS_TO_MORE,
} from '@milepost/log';
import type { RecordBatch } from '@milepost/records';
import type { Partition } from '@milepost/replication';

const MOST_MS_A_TURN = 20;
const MOST_ON_LOOP_BYTES = 2 * 1024 * 1024;
const PACKS: ReadonlySet<LogConfig['compression']> = new Set(['gzip', 'snappy', 'lz4', 'zstd']);

export class Unpacking {
  readonly #clock: Clock;
  #spentMs = 0;
  #isTurnEnding = false;
  #waiting: (() => void)[] = [];
  #large: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to append the batch here, as it is to be unpacked or packed, or is large. */
  concerns(batch: RecordBatch, { compression }: LogConfig): boolean {
    return batch.compression !== 'none' || PACKS.has(compression) || batch.sizeBytes > MOST_ON_LOOP_BYTES;
  }

  /** Appends immediately if that is little work. Otherwise returns a promise and appends a copy of the records. */
  append(partition: Partition, records: Buffer): AppendOutcome | Promise<AppendOutcome> {
    if (this.#isSpent) return this.#later(appending(partition, Buffer.from(records)));
    return this.#now(appending(partition, records)) ?? this.#inSteps(appending(partition, Buffer.from(records)));
  }

  /** The first record at or after the time, before `upTo`; nothing where there is none. At once, where that is little work. */
  search(log: Log, target: SearchTarget, upTo: Offset): SearchOutcome | Promise<SearchOutcome> {
    const work = searching(log, target, upTo);
    return this.#isSpent ? this.#later(work) : (this.#now(work) ?? this.#inSteps(work));
  }

  get #isSpent(): boolean {
    return this.#spentMs >= MOST_MS_A_TURN;
  }

  #now<Outcome>(work: Work<Outcome>): Outcome | undefined {
    const began = this.#clock.monotonic();
    const outcome = work.atOnce();
    this.#spentMs += this.#clock.monotonic() - began;
    this.#endTurn();
    return outcome;
  }

  async #later<Outcome>(work: Work<Outcome>): Promise<Outcome> {
    while (this.#isSpent) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#now(work) ?? this.#inSteps(work);
  }

  #inSteps<Outcome>(work: Work<Outcome>): Promise<Outcome> {
    const done = this.#large.then(() => work.inSteps());
    this.#large = done.catch(() => {});
    return done;
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

export type SearchOutcome = Partial<TimestampedOffset>;

interface Work<Outcome> {
  /** `undefined`: nothing was done, as a batch unpacks to more than MOST_ON_LOOP_BYTES. */
  atOnce(): Outcome | undefined;
  inSteps(): Promise<Outcome>;
}

const appending = (partition: Partition, records: Buffer): Work<AppendOutcome> => ({
  atOnce: () => partition.append(records, MOST_ON_LOOP_BYTES),
  inSteps: () => partition.appendInSteps(records),
});

const searching = (log: Log, target: SearchTarget, upTo: Offset): Work<SearchOutcome> => ({
  atOnce: () => {
    const found = log.offsetForTimestamp(target, upTo, MOST_ON_LOOP_BYTES);
    return found === UNPACKS_TO_MORE ? undefined : (found ?? {});
  },
  inSteps: async () => (await log.offsetForTimestampInSteps(target, upTo)) ?? {},
});
