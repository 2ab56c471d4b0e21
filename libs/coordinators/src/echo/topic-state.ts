// What a partition of an internal topic holds, key by key, read a piece at a time: enough to find what it lacks.
import { Offset } from '@milepost/core';
import { batchesOf, crc32c } from '@milepost/records';
import type { PartitionWriter } from './partition-writer.ts';

export interface EchoRecord {
  readonly key: Buffer;
  /** Null: a tombstone. */
  readonly value: Buffer | null;
}

export interface WantedRecord {
  readonly key: Buffer;
  /** `any`: what the topic has is right. */
  readonly value: Buffer | null | 'any';
}

export class TopicState {
  readonly #partition: number;
  readonly #writer: PartitionWriter;
  /** The last value's fingerprint. Keys are bytes, as latin1. */
  readonly #values = new Map<string, string>();
  #next = Offset(0);

  constructor(partition: number, writer: PartitionWriter) {
    this.#partition = partition;
    this.#writer = writer;
  }

  /** Call again while there is `more`. */
  read(): 'more' | 'all' | 'unreadable' {
    const bytes = this.#writer.read(this.#partition, this.#next);
    if (!bytes) return 'unreadable';
    if (bytes.length === 0) return 'all';
    for (const batch of batchesOf(bytes)) {
      if (!batch.isControl)
        for (const { key, value } of batch.records()) {
          if (!key) continue;
          if (value) this.#values.set(key.toString('latin1'), fingerprint(value));
          else this.#values.delete(key.toString('latin1'));
        }
      this.#next = batch.nextOffset;
    }
    return 'more';
  }

  /** The records to append so that the partition holds `wanted` and nothing else. Call once, at the end. */
  *lacking(wanted: Iterable<WantedRecord>): Generator<EchoRecord> {
    for (const { key, value } of wanted) {
      const known = this.#values.get(key.toString('latin1'));
      this.#values.delete(key.toString('latin1'));
      if (value === 'any' || value === null) continue;
      if (known !== fingerprint(value)) yield { key, value };
    }
    for (const key of this.#values.keys()) yield { key: Buffer.from(key, 'latin1'), value: null };
  }
}

const fingerprint = (value: Buffer): string => `${value.length} ${crc32c(value)}`;
