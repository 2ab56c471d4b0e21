// Random lives of a log with transactions, held against a model that is a list of what was written: the last stable offset,
// the open transactions and the aborted ones in random ranges are what follows from that list, whatever happens in between:
// rolls, syncs, cuts, deletions of the beginning, clean stops, kills and power cuts.
import { Offset } from '@milepost/core';
import { SimDisk, SimRandom } from '@milepost/simulator';
import type { LogDirectory } from './log-directory.ts';
import type { Log } from './log.ts';
import { appendAll, openLog, tinySegments, TransactionalProducer } from './testing.ts';

const SEEDS = 12;
const STEPS = 120;
const PRODUCERS = 4;
const LIMIT_MS = 180_000;

type Written = { readonly kind: 'plain' } | { readonly kind: 'data' | 'commit' | 'abort'; readonly producer: number };

interface Transaction {
  readonly producer: number;
  readonly first: number;
  last: number | undefined;
  isAborted: boolean;
}

/** By offset. */
function transactionsIn(written: readonly Written[]): Transaction[] {
  const all: Transaction[] = [];
  const open = new Map<number, Transaction>();
  for (const [offset, entry] of written.entries()) {
    if (entry.kind === 'plain') continue;
    const { producer, kind } = entry;
    const known = open.get(producer);
    if (kind === 'data' && known === undefined) {
      const begun: Transaction = { producer, first: offset, last: undefined, isAborted: false };
      open.set(producer, begun);
      all.push(begun);
    } else if (kind !== 'data' && known !== undefined) {
      known.last = offset;
      known.isAborted = kind === 'abort';
      open.delete(producer);
    }
  }
  return all;
}

class Walk {
  readonly #random: SimRandom;
  #disk: SimDisk;
  #written: Written[] = [];
  #directory!: LogDirectory;
  #log!: Log;

  constructor(seed: number) {
    this.#random = new SimRandom(seed);
    this.#disk = new SimDisk(seed);
  }

  async run(): Promise<void> {
    await this.#open();
    for (let step = 0; step < STEPS; step++) {
      await this.#step();
      this.#check();
    }
  }

  async #open(): Promise<void> {
    ({ directory: this.#directory, log: this.#log } = await openLog(this.#disk, { config: tinySegments() }));
    this.#written.length = this.#log.logEndOffset; // a power cut may have taken what was not synced
  }

  async #step(): Promise<void> {
    const chance = this.#random.below(100);
    if (chance < 45) this.#send();
    else if (chance < 70) this.#end();
    else if (chance < 78) this.#plain();
    else if (chance < 88) await this.#log.sync();
    else if (chance < 91) await this.#cut();
    else if (chance < 94) await this.#deleteSome();
    else await this.#restart();
  }

  #send(): void {
    const producer = this.#random.below(PRODUCERS);
    this.#producer(producer).send('v'.repeat(this.#random.below(80)));
    this.#written.push({ kind: 'data', producer });
  }

  #end(): void {
    const producer = this.#random.below(PRODUCERS);
    const kind = this.#random.chance(0.5) ? 'commit' : 'abort';
    this.#producer(producer).end(kind);
    this.#written.push({ kind, producer });
  }

  #plain(): void {
    appendAll(this.#log, ['plain'.repeat(this.#random.below(20))]);
    this.#written.push({ kind: 'plain' });
  }

  /** With the sequence that the log expects: it may have been cut. */
  #producer(id: number): TransactionalProducer {
    const producer = new TransactionalProducer(this.#log, BigInt(id));
    const known = this.#log.activeProducers().find(({ producerId }) => producerId === BigInt(id));
    producer.sequence = (known?.lastSequence ?? -1) + 1;
    return producer;
  }

  async #cut(): Promise<void> {
    const { logStartOffset, logEndOffset } = this.#log;
    const offset = logStartOffset + this.#random.below(logEndOffset - logStartOffset + 1);
    await this.#log.truncateTo(Offset(Math.max(offset, logEndOffset - 10)));
    this.#written.length = this.#log.logEndOffset;
  }

  async #deleteSome(): Promise<void> {
    const { logStartOffset, flushedOffset } = this.#log;
    const most = Math.max(0, flushedOffset - logStartOffset);
    await this.#log.deleteRecordsBefore(Offset(logStartOffset + this.#random.below(Math.floor(most / 3) + 1)));
  }

  async #restart(): Promise<void> {
    const how = this.#random.below(3);
    if (how === 0) await this.#directory.close();
    else this.#disk = how === 1 ? this.#disk.kill() : this.#disk.powerCut();
    await this.#open();
  }

  #check(): void {
    const log = this.#log;
    const { logStartOffset, logEndOffset, flushedOffset } = log;
    const transactions = transactionsIn(this.#written);
    const isUnstable = ({ last }: Transaction): boolean => last === undefined || last >= flushedOffset;
    const unstable = transactions.filter(isUnstable).map(({ first }) => Math.max(first, logStartOffset));
    expect(log.lastStableOffset(flushedOffset)).toBe(Math.min(flushedOffset, ...unstable));

    for (const { producer, first } of transactions.filter(({ last }) => last === undefined))
      expect(log.ongoingTransaction(BigInt(producer))?.firstOffset).toBe(first);
    expect(log.activeProducers().filter((one) => one.currentTransactionStart >= 0)).toHaveLength(
      transactions.filter(({ last }) => last === undefined).length,
    );

    const from = logStartOffset + this.#random.below(logEndOffset - logStartOffset + 1);
    const upTo = from + this.#random.below(logEndOffset - from + 1);
    const expected = transactions
      .filter(({ isAborted, first, last = -1 }) => isAborted && last >= from && first < upTo)
      .sort((a, b) => (a.last ?? 0) - (b.last ?? 0))
      .map(({ producer, first, last }) => `${producer}:${first}-${last}`);
    const found = log.abortedTransactions(Offset(from), Offset(upTo));
    expect(found.map((one) => `${one.producerId}:${one.firstOffset}-${one.lastOffset}`)).toEqual(expected);
  }
}

test(
  'whatever happens to a log, its transactions are those that were written',
  async () => {
    for (let seed = 1; seed <= SEEDS; seed++)
      await new Walk(seed).run().catch((failure: Error) => {
        throw new Error(`seed ${seed}: ${failure.message}`, { cause: failure });
      });
  },
  LIMIT_MS,
);
