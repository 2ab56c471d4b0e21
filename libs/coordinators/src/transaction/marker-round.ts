// Writes the marker of a transaction's end to each of its partitions.
//
// Promises: each partition is tried until it has the marker, is gone, or the round is closed. A partition that cannot take its
// marker delays no other one; it is logged once, and again when it has the marker. Never: gives a partition up.
import { type Cancel, type Clock, type Logger, partitionName, type TopicPartition } from '@milepost/core';
import type { MarkerOutcome, MarkerWriter, TransactionMarker } from './model/markers.ts';

const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 2_000;

export interface MarkerRoundDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Logger;
  readonly writer: MarkerWriter;
  readonly transactionalId: string;
}

export class MarkerRound {
  readonly #deps: MarkerRoundDeps;
  readonly #marker: TransactionMarker;
  readonly #pending: Map<string, TopicPartition>;
  readonly #retries = new Map<string, Cancel>();
  readonly #done: () => void;
  #closed = false;

  /** `done` is called once, after all partitions have the marker or are gone. */
  constructor(
    deps: MarkerRoundDeps,
    partitions: readonly TopicPartition[],
    marker: TransactionMarker,
    done: () => void,
  ) {
    this.#deps = deps;
    this.#marker = marker;
    this.#pending = new Map(partitions.map((one) => [partitionName(one.topic, one.partition), one]));
    this.#done = done;
  }

  /** Those that lack the marker. */
  get pending(): TopicPartition[] {
    return [...this.#pending.values()];
  }

  start(): void {
    if (this.#pending.size === 0) this.#done();
    for (const [name, partition] of this.#pending) void this.#write(name, partition, 0);
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#retries.values()) cancel();
    this.#retries.clear();
  }

  async #write(name: string, partition: TopicPartition, refusals: number): Promise<void> {
    const { clock, logger, transactionalId } = this.#deps;
    const outcome = await this.#attempt(partition);
    if (this.#closed) return;
    if (typeof outcome === 'object') {
      if (refusals === 0)
        logger.warn(
          { transactionalId, partition: name, reason: outcome.later },
          `a transaction waits for ${name}, which cannot take its end: retrying`,
        );
      const pauseMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(refusals, 10));
      const retry = clock.after(pauseMs, () => {
        this.#retries.delete(name);
        void this.#write(name, partition, refusals + 1);
      });
      this.#retries.set(name, retry);
      return;
    }
    if (outcome === 'gone')
      logger.info({ transactionalId, partition: name }, `${name} was deleted within a transaction: it is left out`);
    if (outcome === 'obsolete')
      logger.warn(
        { transactionalId, partition: name },
        `${name} knows a later epoch of the producer: no marker needed`,
      );
    if (outcome === 'written' && refusals > 0)
      logger.info({ transactionalId, partition: name }, `${name} has the end of the transaction that waited for it`);
    this.#pending.delete(name);
    if (this.#pending.size === 0) this.#done();
  }

  /** A writer rejects only by a fault of its own. Nobody awaits the round: it would end the process, and leave the transaction open. */
  async #attempt(partition: TopicPartition): Promise<MarkerOutcome> {
    const { logger, writer, transactionalId } = this.#deps;
    try {
      return await writer.write(partition, this.#marker);
    } catch (failure) {
      logger.error({ transactionalId, err: failure }, `the end of a transaction was not written: ${String(failure)}`);
      return { later: String(failure) };
    }
  }
}
