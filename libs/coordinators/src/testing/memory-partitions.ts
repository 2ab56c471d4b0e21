// An internal topic in memory.
import { NO_LEADER_EPOCH, Offset } from '@milepost/core';
import { batchesOf, RecordBatch } from '@milepost/records';
import type { PartitionWriter } from '../echo/partition-writer.ts';

export class MemoryPartitions implements PartitionWriter {
  isThere = true;
  /** As a disk that is full. */
  isIll = false;
  /** Partitions that accept nothing now. */
  readonly refusing = new Set<number>();
  readonly unreadable = new Set<number>();
  /** How many appends it refused. */
  refusals = 0;
  readonly #partitions = new Map<number, Buffer[]>();
  readonly #ends = new Map<number, number>();

  append(partition: number, batch: Buffer): 'appended' | 'later' {
    if (!this.isThere || this.isIll || this.refusing.has(partition)) {
      this.refusals += 1;
      return 'later';
    }
    const end = this.#ends.get(partition) ?? 0;
    const view = RecordBatch.at(batch, 0);
    view?.assign(Offset(end), NO_LEADER_EPOCH);
    this.#ends.set(partition, view?.nextOffset ?? end);
    const batches = this.#partitions.get(partition) ?? [];
    this.#partitions.set(partition, batches);
    batches.push(batch);
    return 'appended';
  }

  read(partition: number, from: Offset): Buffer | undefined {
    if (!this.isThere || this.unreadable.has(partition)) return undefined;
    const batches = this.#partitions.get(partition) ?? [];
    const first = batches.findIndex((batch) => (RecordBatch.at(batch, 0)?.lastOffset ?? -1) >= from);
    return first < 0 ? Buffer.alloc(0) : Buffer.concat(batches.slice(first));
  }

  /** All records, in the order of each partition. */
  *records(): Generator<{ readonly key: Buffer; readonly value: Buffer | null }> {
    for (const batches of this.#partitions.values())
      for (const bytes of batches)
        for (const batch of batchesOf(bytes))
          for (const { key, value } of batch.records()) if (key) yield { key, value };
  }

  /** The last value of each key. */
  compacted(): Map<string, Buffer> {
    const values = new Map<string, Buffer>();
    for (const { key, value } of this.records())
      if (value) values.set(key.toString('latin1'), value);
      else values.delete(key.toString('latin1'));
    return values;
  }
}
