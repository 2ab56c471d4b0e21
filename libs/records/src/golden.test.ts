import { readFileSync } from 'node:fs';
import { RecordBatch } from './index.ts';

const goldens = (file: string): [string, string][] =>
  readFileSync(new URL(`golden/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' ') as [string, string]);
const java = goldens('java-4.3.1.txt');
const librdkafka = goldens('librdkafka-2.0.2.txt');
const same = 'a'.repeat(56);

test('there is a batch for every codec', () => {
  expect(java.map(([codec]) => codec)).toEqual(['none', 'gzip', 'snappy', 'lz4', 'zstd']);
  expect(librdkafka.map(([codec]) => codec)).toEqual(['gzip', 'snappy', 'lz4', 'zstd']);
});

test.each(java)('a batch with %s that the Java client built is read correctly', (codec, hex) => {
  const batch = RecordBatch.at(Buffer.from(hex, 'hex'), 0) as RecordBatch;
  expect(batch.isIntact()).toBe(true);
  expect(batch.sizeBytes).toBe(hex.length / 2);
  expect([batch.compression, batch.baseOffset, batch.leaderEpoch]).toEqual([codec, 42, 7]);
  expect([batch.producerId, batch.producerEpoch, batch.baseSequence, batch.lastSequence]).toEqual([
    4711n,
    3,
    2 ** 31 - 2,
    1,
  ]);
  expect([batch.baseTimestamp, batch.maxTimestamp]).toEqual([1_780_000_000_000, 1_780_000_003_000]);
  const records = [...batch.records()].map(({ key, value, headers, ...rest }) => ({
    ...rest,
    key: key?.toString(),
    value: value?.toString(),
    headers: headers.map((header) => `${header.key}=${String(header.value)}`),
  }));
  const value = (n: number) => `{"lat":57.7089,"lon":11.9746,"n":${n},"same":"${same}"}`;
  const at = (n: number, timestamp: number, sequence: number) => ({ offset: 42 + n, timestamp, sequence });
  expect(records).toEqual([
    {
      ...at(0, 1_780_000_000_000, 2 ** 31 - 2),
      key: 'truck-0',
      value: value(0),
      headers: ['mqtt.topic=trucks/0/gps', 'none=null'],
    },
    { ...at(1, 1_780_000_001_000, 2 ** 31 - 1), key: undefined, value: value(1), headers: [] },
    { ...at(2, 1_779_999_997_000, 0), key: 'truck-2', value: value(2), headers: [] },
    { ...at(3, 1_780_000_003_000, 1), key: 'truck-3', value: undefined, headers: [] },
  ]);
});

test.each(librdkafka)('a batch with %s that librdkafka sent is read correctly', (codec, hex) => {
  const batch = RecordBatch.at(Buffer.from(hex, 'hex'), 0) as RecordBatch;
  expect([batch.compression, batch.isIntact(), batch.recordCount]).toEqual([codec, true, 60]);
  const sent = Array.from({ length: 60 }, (_, n) => {
    const where = `"lat":57.${(n * 7919) % 10_000},"lon":11.${(n * 104_729) % 10_000}`;
    return `${n} truck-${n % 7} {"truckId":"t-${n % 7}",${where},"speedKmh":${n % 90}}`;
  });
  const read = [...batch.records()].map(({ offset, key, value }) => `${offset} ${String(key)} ${String(value)}`);
  expect(read).toEqual(sent);
});
