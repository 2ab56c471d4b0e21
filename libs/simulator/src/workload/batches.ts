// Batches of records whose texts are unique, and the records that readers get back out of them.
import { Timestamp } from '@milepost/core';
import { batchesOf, buildBatch } from '@milepost/records';
import type { ReadRecord, SentBatch, SentRecord, SimPartition } from '../model/observation.ts';
import type { SimRandom } from '../sim-random.ts';

const KEYS = 6;
const MOST_RECORDS = 4;

export interface Numbering {
  readonly producerId: bigint;
  readonly baseSequence: number;
}

export interface MadeBatch extends SentBatch {
  readonly bytes: Buffer;
}

export interface BatchMaking {
  readonly random: SimRandom;
  readonly wall: number;
  /** Some batches have this many extra bytes in each value; 0: none does. */
  readonly fillerBytes: number;
  readonly numbering?: Numbering;
}

/** Up to four records, the producer's next ones for this partition. */
export function makeBatch(
  partition: SimPartition,
  producer: string,
  firstNumber: number,
  { random, wall, fillerBytes, numbering }: BatchMaking,
): MadeBatch {
  const count = 1 + random.below(MOST_RECORDS);
  const records = Array.from({ length: count }, (_, at): SentRecord => {
    const number = firstNumber + at;
    const text = `${producer}/${partition.name}/${number}`;
    return { text, key: `k${random.below(KEYS)}`, producer, number, timestamp: wall };
  });
  const isLarge = fillerBytes > 0 && random.chance(0.3);
  const bytes = buildBatch({
    records: records.map(({ key, text, timestamp }) => ({
      key: Buffer.from(key),
      value: Buffer.from(isLarge ? filled(text, fillerBytes) : text),
      timestamp: Timestamp(timestamp),
    })),
    compression: random.chance(0.1) ? random.pick(['gzip', 'lz4', 'snappy', 'zstd'] as const) : 'none',
    ...(numbering && { producerId: numbering.producerId, producerEpoch: 0, baseSequence: numbering.baseSequence }),
  });
  return { partition, records, isIdempotent: numbering !== undefined, sizeBytes: bytes.length, bytes };
}

/** The records at or after an offset in the whole batches of a response, and where the next batch begins. */
export function readBack(bytes: Buffer, from: number): { records: ReadRecord[]; next: number } | undefined {
  const records: ReadRecord[] = [];
  let next = -1;
  for (const batch of batchesOf(bytes)) {
    next = batch.nextOffset;
    for (const { offset, key, value, timestamp } of batch.records())
      if (offset >= from) records.push({ offset, key: String(key), text: textOf(String(value)), timestamp });
  }
  return next < 0 ? undefined : { records, next };
}

/** The filler is derived from the text, so a reader detects overwritten bytes. */
const filled = (text: string, fillerBytes: number): string =>
  `${text}~${text.repeat(Math.ceil(fillerBytes / text.length)).slice(0, fillerBytes)}`;

function textOf(value: string): string {
  const at = value.indexOf('~');
  if (at < 0) return value;
  const text = value.slice(0, at);
  return value === filled(text, value.length - at - 1) ? text : `${text} with a damaged filler`;
}
