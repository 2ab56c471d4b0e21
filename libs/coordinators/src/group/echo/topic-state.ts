// What a partition of `__consumer_offsets` says, key by key, read a piece at a time: enough of it to tell what it lacks.
import { Offset } from '@milepost/core';
import { batchesOf, crc32c } from '@milepost/records';
import type { PartitionWriter } from '../../ports.ts';
import type { EchoRecord } from './group-records.ts';

export interface WantedRecord {
  readonly key: Buffer;
  /** `whatever`: as the topic has it. */
  readonly value: Buffer | null | 'whatever';
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

  /** What is to be appended so that it says `wanted` and nothing else. Ends the use of this object. */
  *lacking(wanted: Iterable<WantedRecord>): Generator<EchoRecord> {
    for (const { key, value } of wanted) {
      const known = this.#values.get(key.toString('latin1'));
      this.#values.delete(key.toString('latin1'));
      if (value === 'whatever' || value === null) continue;
      if (known !== fingerprint(value)) yield { key, value };
    }
    for (const key of this.#values.keys()) yield { key: Buffer.from(key, 'latin1'), value: null };
  }
}

const fingerprint = (value: Buffer): string => `${value.length} ${crc32c(value)}`;
