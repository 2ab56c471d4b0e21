import { LeaderEpoch, MalformedMessage, Offset, Timestamp } from '@milepost/core';
import { batchesOf, buildBatch, type Codec, type LogRecord, RecordBatch, type RecordToBuild } from './index.ts';

const text = (value: string) => Buffer.from(value);
const positions = (count: number): RecordToBuild[] =>
  Array.from({ length: count }, (_, n) => ({
    key: n % 3 === 0 ? null : text(`truck-${n % 7}`),
    value: n % 5 === 4 ? null : text(`{"lat":57.${n},"lon":11.9,"speedKmh":${n % 90}}`),
    timestamp: Timestamp(1_780_000_000_000 + (n % 2 === 0 ? n : -n)),
    headers:
      n % 4 === 0
        ? [
            { key: 'mqtt.topic', value: text('trucks/1/gps') },
            { key: 'empty', value: null },
          ]
        : [],
  }));
const codecs: Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
/** With its headers, which a record of a batch only creates on access. */
type Whole = Omit<LogRecord, 'header'>;
const whole = ({ headers, ...record }: LogRecord): Whole => ({ ...record, headers });
const parse = (bytes: Buffer): RecordBatch => {
  const batch = RecordBatch.at(bytes, 0);
  if (!batch) throw new Error('no batch');
  return batch;
};

test.each(codecs)('a batch built with %s is read back, record by record', (compression) => {
  const records = positions(500);
  const batch = parse(
    buildBatch({
      records,
      compression,
      baseOffset: Offset(2 ** 40),
      producerId: 77n,
      producerEpoch: 3,
      baseSequence: 9,
    }),
  );
  expect(batch.isIntact()).toBe(true);
  expect(batch.compression).toBe(compression);
  expect(batch.recordCount).toBe(500);
  expect([batch.baseOffset, batch.lastOffset, batch.nextOffset]).toEqual([2 ** 40, 2 ** 40 + 499, 2 ** 40 + 500]);
  expect([batch.producerId, batch.producerEpoch, batch.baseSequence, batch.lastSequence]).toEqual([77n, 3, 9, 508]);
  expect(batch.maxTimestamp).toBe(1_780_000_000_498);
  expect([...batch.records()].map(whole)).toEqual(
    records.map(
      (record, n): Whole => ({
        offset: Offset(2 ** 40 + n),
        sequence: 9 + n,
        key: record.key as Buffer | null,
        value: record.value as Buffer | null,
        timestamp: record.timestamp,
        headers: (record.headers ?? []) as LogRecord['headers'],
      }),
    ),
  );
});

test('one header is found without the others: the first of its key', () => {
  const headers = [
    { key: 'mqtt.topic', value: text('trucks/1/gps') },
    { key: 'principle', value: text('of the same length') },
    { key: 'principal', value: text('truck-1') },
    { key: 'empty', value: null },
    { key: 'nothing', value: text('') },
    { key: 'principal', value: text('truck-2') },
  ];
  const [record, bare] = parse(
    buildBatch({ records: [{ ...(positions(1)[0] as RecordToBuild), headers }, positions(2)[1] as RecordToBuild] }),
  ).records();
  const found = ['mqtt.topic', 'principal', 'empty', 'nothing', 'principa', ''].map((key) => record?.header(text(key)));
  expect(found).toEqual([text('trucks/1/gps'), text('truck-1'), null, text(''), undefined, undefined]);
  expect(bare?.header(text('principal'))).toBeUndefined();
});

test('a leader assigns offset and epoch without touching what the CRC covers', () => {
  const bytes = buildBatch({ records: positions(3) });
  const batch = parse(bytes);
  const { crc } = batch;
  batch.assign(Offset(2 ** 33 + 5), LeaderEpoch(12));
  expect([batch.baseOffset, batch.lastOffset, batch.leaderEpoch]).toEqual([2 ** 33 + 5, 2 ** 33 + 7, 12]);
  expect(batch.crc).toBe(crc);
  expect(batch.isIntact()).toBe(true);
});

test('log append time replaces every timestamp and leaves the batch intact', () => {
  const batch = parse(buildBatch({ records: positions(4), compression: 'lz4' }));
  expect(batch.timestampType).toBe('CreateTime');
  batch.setLogAppendTime(Timestamp(1_790_000_000_000));
  expect(batch.timestampType).toBe('LogAppendTime');
  expect(batch.maxTimestamp).toBe(1_790_000_000_000);
  expect(batch.compression).toBe('lz4');
  expect(batch.isIntact()).toBe(true);
  expect([...batch.records()].map((record) => record.timestamp)).toEqual(Array(4).fill(1_790_000_000_000));
});

test('any flipped bit that the CRC covers is detected', () => {
  const bytes = buildBatch({ records: positions(2) });
  for (let bit = 17 * 8; bit < bytes.length * 8; bit++) {
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(parse(bytes).isIntact()).toBe(false);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  }
  expect(parse(bytes).isIntact()).toBe(true);
});

test('whole batches are found one after another, a torn tail is not one', () => {
  const batches = [3, 1, 2].map((count) => buildBatch({ records: positions(count) }));
  const bytes = Buffer.concat(batches);
  const counts = (part: Buffer) => [...batchesOf(part)].map((batch) => batch.recordCount);
  expect(counts(bytes)).toEqual([3, 1, 2]);
  expect(counts(bytes.subarray(0, bytes.length - 1))).toEqual([3, 1]);
  expect(counts(bytes.subarray(0, bytes.length - (batches[2] as Buffer).length + 60))).toEqual([3, 1]);
});

test.each([48, 0, -1, -13, 2 ** 31 - 1, -(2 ** 31)])('a batch length of %d is no batch', (length) => {
  const bytes = buildBatch({ records: positions(2) });
  bytes.writeInt32BE(length, 8);
  expect(RecordBatch.at(bytes, 0)).toBeUndefined();
});

test('sequences wrap to 0 after 2^31 - 1', () => {
  const batch = parse(
    buildBatch({ records: positions(4), producerId: 1n, producerEpoch: 0, baseSequence: 2 ** 31 - 2 }),
  );
  expect(batch.lastSequence).toBe(1);
  expect([...batch.records()].map((record) => record.sequence)).toEqual([2 ** 31 - 2, 2 ** 31 - 1, 0, 1]);
  expect(parse(buildBatch({ records: positions(4) })).lastSequence).toBe(-1);
});

test('a batch read from the middle of a larger buffer is the same batch', () => {
  const bytes = buildBatch({ records: positions(10), compression: 'snappy' });
  const shifted = Buffer.concat([Buffer.alloc(17, 0xee), bytes, Buffer.alloc(5, 0xee)]);
  const batch = RecordBatch.at(shifted, 17) as RecordBatch;
  expect(batch.isIntact()).toBe(true);
  expect([...batch.records()].map(whole)).toEqual([...parse(bytes).records()].map(whole));
  expect(batch.bytes.equals(bytes)).toBe(true);
});

describe('malformed', () => {
  const header = (bytes: Buffer, change: (bytes: Buffer) => void) => {
    change(bytes);
    return () => [...parse(bytes).records()];
  };
  const built = () => buildBatch({ records: positions(3) });

  test.each<[string, (bytes: Buffer) => void]>([
    ['a count that the bytes cannot hold', (bytes) => bytes.writeInt32BE(2 ** 31 - 1, 57)],
    ['a negative count', (bytes) => bytes.writeInt32BE(-1, 57)],
    ['more records than the count', (bytes) => bytes.writeInt32BE(2, 57)],
    ['fewer records than the count', (bytes) => bytes.writeInt32BE(4, 57)],
    ['an unknown codec', (bytes) => bytes.writeInt16BE(5, 21)],
    ['another magic', (bytes) => bytes.writeInt8(1, 16)],
    ['a record longer than the batch', (bytes) => bytes.writeUInt8(0x7e, 61)],
    ['records that are not of their codec', (bytes) => bytes.writeInt16BE(4, 21)],
  ])('%s', (_, change) => {
    expect(header(built(), change)).toThrow(MalformedMessage);
  });

  test.each(codecs)('2,000 mutated batches with %s end in records or MalformedMessage', (compression) => {
    const original = buildBatch({ records: positions(40), compression });
    const random = lcg(codecs.indexOf(compression));
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(original);
      // The records are mutated more often than the header.
      const from = random(4) === 0 ? 12 : 61;
      for (let n = 0; n <= random(4); n++) bytes[from + random(bytes.length - from)] = random(256);
      const cut = random(3) === 0 ? bytes.subarray(0, bytes.length - random(20)) : bytes;
      if (cut.length < bytes.length) cut.writeInt32BE(cut.length - 12, 8);
      const batch = RecordBatch.at(cut, 0);
      if (!batch) continue;
      try {
        expect([...batch.records()]).toHaveLength(batch.recordCount);
      } catch (error) {
        if (!(error instanceof MalformedMessage)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(100);
    // No earlier input has broken the codec for later ones.
    expect([...parse(original).records()]).toHaveLength(40);
  });
});

/** A small generator, so that a failure is reproduced with the same bytes. */
function lcg(seed: number): (limit: number) => number {
  let state = seed + 1;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
