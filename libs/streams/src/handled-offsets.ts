// The records that a consumer has handled and not committed yet: the next offset to read of each partition. The offsets
// of a refused commit are retained: otherwise a partition that is idle afterwards would show a lag for good, and be
// read again at the next start.
import type { ConsumedRecord } from './record.ts';

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly leaderEpoch: number;
}

/** The part of a group member that this needs. */
export interface Committer {
  /** The member's partitions; null: it is not in its group. */
  readonly assignments: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null;
  commit(options: { offsets: OffsetToCommit[] }): Promise<void>;
}

export class HandledOffsets {
  readonly #member: Committer;
  readonly #next = new Map<string, OffsetToCommit>();

  constructor(member: Committer) {
    this.#member = member;
  }

  get isDirty(): boolean {
    return this.#next.size > 0;
  }

  handled(batch: readonly ConsumedRecord[]): void {
    for (const next of offsetsAfter(batch)) this.#next.set(`${next.topic}-${next.partition}`, next);
  }

  /** Commits the offsets of a batch that is about to be handled. @throws if it is refused; nothing is retained then. */
  async commitAhead(batch: readonly ConsumedRecord[]): Promise<void> {
    await this.#member.commit({ offsets: offsetsAfter(batch) });
  }

  /** @throws if it is refused; the next call commits the offsets of partitions that are still the member's own. */
  async commit(): Promise<void> {
    if (!this.isDirty) return;
    const offsets = [...this.#next.values()];
    try {
      await this.#member.commit({ offsets });
    } catch (error) {
      this.#forgetLost();
      throw error;
    }
    for (const one of offsets) {
      const name = `${one.topic}-${one.partition}`;
      if (this.#next.get(name) === one) this.#next.delete(name);
    }
  }

  /**
   * Another member may have committed a later offset of a partition that it was assigned: ours must not overwrite it.
   */
  #forgetLost(): void {
    const { assignments } = this.#member;
    for (const [name, { partition, topic }] of this.#next) {
      const isOurs = assignments?.some((one) => one.topic === topic && one.partitions.includes(partition)) ?? false;
      if (!isOurs) this.#next.delete(name);
    }
  }
}

/** The next offset to read of each partition. A partition's records may stand in several places of the batch. */
function offsetsAfter(batch: readonly ConsumedRecord[]): OffsetToCommit[] {
  const next = new Map<string, OffsetToCommit>();
  batch.forEach(({ topic, partition, offset }, at) => {
    const following = batch[at + 1];
    if (following?.partition === partition && following.topic === topic) return;
    next.set(`${topic}-${partition}`, { topic, partition, offset: BigInt(offset) + 1n, leaderEpoch: -1 });
  });
  return [...next.values()];
}
