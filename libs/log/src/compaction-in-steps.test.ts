// A large batch is cleaned in many turns of the event loop.
import { ErrorCode, LeaderEpoch, Timestamp } from '@milepost/core';
import { buildBatch, type Codec } from '@milepost/records';
import { compacted, CompactedLog } from './testing/compacted-log.ts';

const EPOCH = LeaderEpoch(0);

/** 10,000 small records, the first of which is written again later, and one whose value packs well. */
async function benchWithLargeBatch(codec: Codec): Promise<CompactedLog> {
  const settings = { isEnabled: true, backoffMs: 1, mapBytes: 24 * 100_000, mapLoadFactor: 0.9, bytesPerSecond: 1e9 };
  const config = compacted({ 'segment.bytes': '2000000', 'max.message.bytes': '2000000' });
  const it = await new CompactedLog(config).open({ settings: () => settings });
  const timestamp = Timestamp(it.clock.now());
  const small = Array.from({ length: 10_000 }, (_, n) => ({
    key: Buffer.from(`k${n}`),
    value: Buffer.of(1),
    timestamp,
  }));
  const large = { key: Buffer.from('large'), value: Buffer.alloc(8_000_000, 'position '), timestamp };
  const outcome = it.log.append(buildBatch({ compression: codec, records: [...small, large] }), EPOCH);
  if (outcome.error !== ErrorCode.NONE) throw new Error(outcome.message);
  it.append('k0=2');
  it.append(`filler=${'x'.repeat(1_990_000)}`);
  it.append('last=1');
  await it.clock.settle(it.log.sync());
  return it;
}

test.each<Codec>(['gzip', 'zstd', 'lz4', 'snappy'])(
  'a batch (%s) that unpacks to eight megabytes is read and rewritten in many turns',
  async (codec) => {
    const it = await benchWithLargeBatch(codec);
    const before = it.clock.turns;
    expect(await it.clean()).toBe(1);
    expect(it.clock.turns - before).toBeGreaterThan(15);
    expect(it.read().map((record) => record.slice(0, 20))).toEqual([
      ...Array.from({ length: 9_999 }, (_, n) => `${n + 1}:k${n + 1}=\u0001`),
      '10000:large=position',
      '10001:k0=2',
    ]);
  },
);

test('a stop of the broker during the work on a large batch ends the pass without a trace', async () => {
  const it = await benchWithLargeBatch('lz4');
  const round = it.cleaner.round();
  await it.clock.run(0.1);
  await it.clock.settle(it.cleaner.close());
  expect(await it.clock.settle(round)).toBe(1);
  expect(it.names().filter((name) => /cleaned|swap/.test(name))).toEqual([]);
  expect(it.read()).toHaveLength(10_002);
});
