// Record batches to produce: valid ones, and ones that are wrong in one field with a correct CRC.
import { LeaderEpoch, Timestamp } from '@milepost/core';
import { type BatchToBuild, buildBatch, crc32c } from '@milepost/records';

/** Records of scenarios start at this time, a second apart: no clock is near it. */
export const THEN = 1_700_000_000_000;

type Asked = Omit<BatchToBuild, 'records'> & {
  readonly values?: readonly (string | null)[];
  readonly keys?: readonly (string | null)[];
  readonly times?: readonly number[];
};

export function batch({ values = ['a'], keys = [], times = [], ...rest }: Asked = {}): Buffer {
  const bytes = (text: string | null | undefined): Buffer | null => (text == null ? null : Buffer.from(text));
  return buildBatch({
    leaderEpoch: LeaderEpoch(-1),
    ...rest,
    records: values.map((value, at) => ({
      key: bytes(keys[at]),
      value: bytes(value),
      timestamp: Timestamp(times[at] ?? THEN + at * 1_000),
    })),
  });
}

/** A batch of an idempotent producer. */
export const sequenced = (producerId: bigint, producerEpoch: number, baseSequence: number, count = 1): Buffer =>
  batch({
    values: Array.from({ length: count }, (_, at) => `${baseSequence}-${at}`),
    producerId,
    producerEpoch,
    baseSequence,
  });

/** The positions of a batch's fields. */
export const AT = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

/** A copy, changed by hand, then with a correct CRC. */
export function forged(original: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(original);
  change(copy);
  copy.writeUInt32BE(crc32c(copy.subarray(AT.attributes)), AT.crc);
  return copy;
}

/** Without a correct CRC. */
export function bent(original: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(original);
  change(copy);
  return copy;
}
