// The offsets of one group that open transactions will commit, by producer.
import type { Timestamp } from '@milepost/core';
import { Offsets } from './offsets.ts';
import type { PendingOffset } from './store.ts';

interface OfProducer {
  readonly producerEpoch: number;
  readonly offsets: Offsets;
}

export class PendingOffsets {
  readonly #producers = new Map<bigint, OfProducer>();

  get isEmpty(): boolean {
    return this.#producers.size === 0;
  }

  has(topic: string, partition: number): boolean {
    return [...this.#producers.values()].some(({ offsets }) => offsets.get(topic, partition));
  }

  /** The time of the last one of a partition. */
  latest(topic: string, partition: number): Timestamp | undefined {
    let latest: Timestamp | undefined;
    for (const { offsets } of this.#producers.values()) {
      const { committedAt } = offsets.get(topic, partition) ?? {};
      if (committedAt !== undefined && committedAt > (latest ?? -1)) latest = committedAt;
    }
    return latest;
  }

  of(producerId: bigint): PendingOffset[] {
    const known = this.#producers.get(producerId);
    if (!known) return [];
    const { producerEpoch, offsets } = known;
    return [...offsets.topics()].flatMap((topic) =>
      Array.from(offsets.of(topic), (offset) => ({ producerId, producerEpoch, offset })),
    );
  }

  all(): PendingOffset[] {
    return [...this.#producers.keys()].flatMap((producerId) => this.of(producerId));
  }

  /** A later epoch is a later transaction. */
  set({ producerId, producerEpoch, offset }: PendingOffset): void {
    const known = this.#producers.get(producerId);
    const offsets = known?.offsets ?? new Offsets();
    offsets.set(offset);
    this.#producers.set(producerId, { producerEpoch, offsets });
  }

  end(producerId: bigint): void {
    this.#producers.delete(producerId);
  }

  delete(topic: string, partition: number): void {
    for (const [producerId, { offsets }] of this.#producers) {
      offsets.delete(topic, partition);
      if (offsets.isEmpty) this.#producers.delete(producerId);
    }
  }

  clear(): void {
    this.#producers.clear();
  }
}
