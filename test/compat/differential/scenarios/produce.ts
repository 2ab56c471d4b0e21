// A producer's possible mistakes, and the responses to them (kafka.md's Produce validation, KIP-467's record errors).
import { type Codec, RecordBatch } from '@milepost/records';
import { Fetch, Produce } from '@milepost/wire';
import { AT, batch, bent, forged, THEN } from '../batches.ts';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic, deleteTopic, producing } from '../topics.ts';

const HOUR_MS = 3_600_000;
const ALL_VERSIONS = [3, 5, 7, 8, 9, 10, 11, 12];

/** The whole content of a partition: nothing that was refused may be in it. */
async function stored(on: Stage, label: string, topic: string, partition = 0): Promise<void> {
  await on.see(label, Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
  });
}

function wrongs(on: Stage, topic: string) {
  return async (label: string, records: Buffer | null, { version = 9, index = 0, acks = -1 } = {}): Promise<void> => {
    // Kafka never responds to these: its own log of the error fails.
    const limit = records === null ? { limitMs: 6_000 } : {};
    await on.see(label, Produce, version, producing(topic, records, index, acks), limit);
  };
}

export const produces: readonly Scenario[] = [
  {
    name: 'produce/each version',
    async play(on) {
      const topic = await createTopic(on, 'a');
      for (const version of ALL_VERSIONS)
        await on.see(`v${version}`, Produce, version, producing(topic, batch({ values: ['a', 'b'] })));
      const topicId = (await on.topicIds()).get(topic) ?? '';
      await on.see('v13', Produce, 13, {
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ topicId, partitionData: [{ index: 0, records: batch() }] }],
      });
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/acks',
    async play(on) {
      const topic = await createTopic(on, 'a');
      for (const acks of [1, -1, -2, 2, 100])
        await on.see(`acks ${acks}`, Produce, 9, producing(topic, batch(), 0, acks));
      await on.see('2, of a partition that is not there', Produce, 9, producing(topic, batch(), 9, 2));
      await on.see('2, of a topic that is not there', Produce, 9, producing(on.own('none'), batch(), 0, 2));
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/where there is nothing',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const wrong = wrongs(on, topic);
      await wrong('a partition too many', batch(), { index: 1 });
      await wrong('a partition below zero', batch(), { index: -1 });
      await on.see('no such topic', Produce, 9, producing(on.own('none'), batch()));
      await on.see('a name that no topic can have', Produce, 9, producing('a b', batch()));
      await on.see('an empty name', Produce, 9, producing('', batch()));
      await on.see('an internal topic', Produce, 9, producing('__consumer_offsets', batch()));
      for (const topicId of ['11111111-2222-3333-4444-555555555555', '00000000-0000-0000-0000-000000000000'])
        await on.see(`topic id ${topicId}`, Produce, 13, {
          acks: -1,
          timeoutMs: 10_000,
          topicData: [{ topicId, partitionData: [{ index: 0, records: batch() }] }],
        });
      await on.see('no topic', Produce, 9, { acks: -1, timeoutMs: 1_000, topicData: [] });
      await on.see('no partition', Produce, 9, {
        acks: -1,
        timeoutMs: 1_000,
        topicData: [{ name: topic, partitionData: [] }],
      });
      await on.see('a good one and a bad one', Produce, 9, {
        acks: -1,
        timeoutMs: 1_000,
        topicData: [
          {
            name: topic,
            partitionData: [
              { index: 0, records: batch() },
              { index: 5, records: batch() },
            ],
          },
          { name: on.own('none'), partitionData: [{ index: 0, records: batch() }] },
        ],
      });
    },
  },
  {
    name: 'produce/a topic deleted and made again',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const topicId = (await on.topicIds()).get(topic) ?? '';
      await deleteTopic(on, topic);
      await createTopic(on, 'a');
      await on.see('by the old id', Produce, 13, {
        acks: -1,
        timeoutMs: 10_000,
        topicData: [{ topicId, partitionData: [{ index: 0, records: batch() }] }],
      });
    },
  },
  {
    name: 'produce/records that are none',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const wrong = wrongs(on, topic);
      const good = batch({ values: ['a', 'b', 'c'] });
      for (const version of [3, 9]) await wrong(`null, v${version}`, null, { version });
      await wrong('empty', Buffer.alloc(0));
      await wrong('five bytes', good.subarray(0, 5));
      await wrong('half a header', good.subarray(0, 40));
      await wrong('cut before its end', good.subarray(0, good.length - 1));
      await wrong('bytes behind it', Buffer.concat([good, Buffer.from('00', 'hex')]));
      await wrong('two batches', Buffer.concat([good, good]));
      await wrong(
        'a length of zero',
        bent(good, (copy) => copy.writeInt32BE(0, AT.length)),
      );
      await wrong(
        'a length below zero',
        bent(good, (copy) => copy.writeInt32BE(-1, AT.length)),
      );
      await wrong(
        'a length beyond its end',
        bent(good, (copy) => copy.writeInt32BE(good.length + 1, AT.length)),
      );
      await wrong(
        'a length that is too short',
        bent(good, (copy) => copy.writeInt32BE(30, AT.length)),
      );
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/headers of batches',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const wrong = wrongs(on, topic);
      const good = batch({ values: ['a', 'b', 'c'] });
      await wrong(
        'a CRC that does not fit',
        bent(good, (copy) => copy.writeUInt32BE(1, AT.crc)),
      );
      for (const magic of [-1, 0, 1, 3])
        await wrong(
          `magic ${magic}`,
          bent(good, (copy) => copy.writeInt8(magic, AT.magic)),
        );
      await wrong(
        'a base offset of 5',
        bent(good, (copy) => copy.writeBigInt64BE(5n, AT.baseOffset)),
      );
      await wrong(
        'a base offset below zero',
        bent(good, (copy) => copy.writeBigInt64BE(-5n, AT.baseOffset)),
      );
      await wrong(
        'a leader epoch of 77',
        bent(good, (copy) => copy.writeInt32BE(77, AT.leaderEpoch)),
      );
      await wrong(
        'a last offset delta too small',
        forged(good, (copy) => copy.writeInt32BE(1, AT.lastOffsetDelta)),
      );
      await wrong(
        'a last offset delta too large',
        forged(good, (copy) => copy.writeInt32BE(7, AT.lastOffsetDelta)),
      );
      await wrong(
        'a last offset delta below zero',
        forged(good, (copy) => copy.writeInt32BE(-1, AT.lastOffsetDelta)),
      );
      await wrong(
        'a count of 0',
        forged(good, (copy) => copy.writeInt32BE(0, AT.count)),
      );
      await wrong(
        'a count below zero',
        forged(good, (copy) => copy.writeInt32BE(-1, AT.count)),
      );
      await wrong(
        'count and delta of one more',
        forged(good, (copy) => {
          copy.writeInt32BE(3, AT.lastOffsetDelta);
          copy.writeInt32BE(4, AT.count);
        }),
      );
      await wrong(
        'count and delta of one less',
        forged(good, (copy) => {
          copy.writeInt32BE(1, AT.lastOffsetDelta);
          copy.writeInt32BE(2, AT.count);
        }),
      );
      await wrong(
        'a control batch',
        forged(good, (copy) => copy.writeInt16BE(0x20, AT.attributes)),
      );
      await wrong(
        'a control batch of a transaction',
        forged(good, (copy) => copy.writeInt16BE(0x30, AT.attributes)),
      );
      await wrong(
        'a delete horizon',
        forged(good, (copy) => copy.writeInt16BE(0x40, AT.attributes)),
      );
      await wrong(
        'a bit that means nothing',
        forged(good, (copy) => copy.writeInt16BE(0x80, AT.attributes)),
      );
      await wrong(
        'log append time, said by the producer',
        forged(good, (copy) => copy.writeInt16BE(0x08, AT.attributes)),
      );
      for (const codec of [5, 6, 7])
        await wrong(
          `codec ${codec}`,
          forged(good, (copy) => copy.writeInt16BE(codec, AT.attributes)),
        );
      await wrong(
        'a maximum that is not the maximum',
        forged(good, (copy) => copy.writeBigInt64BE(1n, AT.maxTimestamp)),
      );
      await wrong(
        'a maximum below zero',
        forged(good, (copy) => copy.writeBigInt64BE(-1n, AT.maxTimestamp)),
      );
      await wrong(
        'a base time below zero',
        forged(good, (copy) => copy.writeBigInt64BE(-9n, AT.baseTimestamp)),
      );
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/records inside',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const wrong = wrongs(on, topic);
      const good = batch({ values: ['a', 'b'] });
      await wrong(
        'a record of length 0',
        forged(good, (copy) => copy.writeInt8(0, AT.records)),
      );
      await wrong(
        'a record longer than the batch',
        forged(good, (copy) => copy.writeInt8(0x7e, AT.records)),
      );
      await wrong(
        'a record shorter than it is',
        forged(good, (copy) => copy.writeInt8(4, AT.records)),
      );
      await wrong(
        'attributes of a record',
        forged(good, (copy) => copy.writeInt8(1, AT.records + 1)),
      );
      await wrong(
        'offsets out of order',
        forged(good, (copy) => copy.writeInt8(8, AT.records + 3)),
      );
      await wrong(
        'a key length beyond the record',
        forged(good, (copy) => copy.writeInt8(0x40, AT.records + 4)),
      );
      await wrong(
        'a value length beyond the record',
        forged(good, (copy) => copy.writeInt8(0x40, AT.records + 5)),
      );
      await wrong(
        'a count of headers below zero',
        forged(good, (copy) => copy.writeInt8(1, AT.records + 7)),
      );
      await wrong(
        'more headers than bytes',
        forged(good, (copy) => copy.writeInt8(8, AT.records + 7)),
      );
      await wrong('no value and no key', batch({ values: [null] }));
      await wrong('an empty value', batch({ values: [''], keys: [''] }));
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/codecs',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const wrong = wrongs(on, topic);
      for (const compression of ['gzip', 'snappy', 'lz4', 'zstd'] satisfies Codec[]) {
        const packed = batch({ values: ['a'.repeat(200), 'b'.repeat(200)], compression });
        for (const version of [3, 6, 7, 9]) await wrong(`${compression}, v${version}`, packed, { version });
        await wrong(
          `${compression}, spoilt`,
          forged(packed, (copy) => copy.fill(0xff, AT.records)),
        );
        await wrong(
          `${compression}, cut`,
          forged(cut(packed, 3), () => {}),
        );
        await wrong(
          `${compression}, a count of one more`,
          forged(packed, (copy) => {
            copy.writeInt32BE(2, AT.lastOffsetDelta);
            copy.writeInt32BE(3, AT.count);
          }),
        );
      }
      await wrong(
        'said to be packed, and is not',
        forged(batch(), (copy) => copy.writeInt16BE(1, AT.attributes)),
      );
    },
  },
  {
    name: 'produce/compacted topics need keys',
    async play(on) {
      for (const policy of ['compact', 'compact,delete', 'delete,compact']) {
        const topic = await createTopic(on, policy.replace(',', '-'), { configs: { 'cleanup.policy': policy } });
        const wrong = wrongs(on, topic);
        await wrong(`${policy}: no key`, batch());
        await wrong(`${policy}: a key`, batch({ keys: ['k'] }));
        await wrong(`${policy}: an empty key`, batch({ keys: [''] }));
        await wrong(`${policy}: a tombstone`, batch({ keys: ['k'], values: [null] }));
        await wrong(`${policy}: some without`, batch({ values: ['a', 'b', 'c', 'd'], keys: ['k', null, 'l', null] }));
        await wrong(`${policy}: some without, v7`, batch({ values: ['a', 'b'], keys: ['k', null] }), { version: 7 });
        await wrong(
          `${policy}: packed, some without`,
          batch({ values: ['a', 'b'], keys: ['k', null], compression: 'gzip' }),
        );
        await stored(on, `${policy}: stored`, topic);
      }
    },
  },
  {
    name: 'produce/too large',
    async play(on) {
      const topic = await createTopic(on, 'a', { configs: { 'max.message.bytes': '1000' } });
      const wrong = wrongs(on, topic);
      const overhead = batch({ values: [''] }).length;
      await wrong('just small enough', batch({ values: ['x'.repeat(1000 - overhead - 3)] }));
      await wrong('well beyond', batch({ values: ['x'.repeat(2000)] }));
      await wrong('small when packed', batch({ values: ['x'.repeat(2000)], compression: 'gzip' }));
      for (const size of [996, 997, 998, 999, 1000])
        await wrong(`${size}`, batch({ values: ['x'.repeat(size - overhead)] }));
      await wrong(
        'beyond, and with a wrong CRC',
        bent(batch({ values: ['x'.repeat(2000)] }), (copy) => copy.writeUInt32BE(1, AT.crc)),
      );
      const usual = await createTopic(on, 'b');
      await on.see('beyond the default', Produce, 9, producing(usual, batch({ values: ['x'.repeat(1_048_588)] })));
    },
  },
  {
    name: 'produce/a segment too small for a batch',
    async play(on) {
      const topic = await createTopic(on, 'a', {
        configs: { 'segment.bytes': '1048576', 'max.message.bytes': '2000000' },
      });
      await on.see('larger than a segment', Produce, 9, producing(topic, batch({ values: ['x'.repeat(1_100_000)] })));
    },
  },
  {
    name: 'produce/times',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const wrong = wrongs(on, topic);
      const at = (time: number): Buffer => batch({ times: [time] });
      await wrong('now', at(Date.now()));
      await wrong('half an hour ahead', at(Date.now() + HOUR_MS / 2));
      await wrong('two hours ahead', at(Date.now() + 2 * HOUR_MS));
      await wrong('two hours ahead, v7', at(Date.now() + 2 * HOUR_MS), { version: 7 });
      await wrong('a day ago', at(Date.now() - 24 * HOUR_MS));
      await wrong('zero', at(0));
      await wrong('none', at(-1));
      await wrong('below none', at(-2));
      await wrong(
        'one of three ahead',
        batch({ values: ['a', 'b', 'c'], times: [THEN, Date.now() + 2 * HOUR_MS, THEN] }),
      );
      await wrong(
        'two of three ahead',
        batch({ values: ['a', 'b', 'c'], times: [Date.now() + 2 * HOUR_MS, THEN, Date.now() + 3 * HOUR_MS] }),
      );
      const strict = await createTopic(on, 'strict', {
        configs: { 'message.timestamp.before.max.ms': '60000', 'message.timestamp.after.max.ms': '60000' },
      });
      for (const [label, time] of [
        ['two minutes ago', Date.now() - 120_000],
        ['half a minute ago', Date.now() - 30_000],
        ['two minutes ahead', Date.now() + 120_000],
        ['none', -1],
      ] as const)
        await on.see(`strict: ${label}`, Produce, 9, producing(strict, at(time)));
    },
  },
  {
    name: 'produce/log append time',
    async play(on) {
      const topic = await createTopic(on, 'a', { configs: { 'message.timestamp.type': 'LogAppendTime' } });
      const wrong = wrongs(on, topic);
      await wrong('an old one', batch({ values: ['a', 'b'] }));
      await wrong('from the future', batch({ times: [Date.now() + 9 * HOUR_MS] }));
      await wrong('none', batch({ times: [-1] }));
      await wrong('packed', batch({ values: ['a', 'b'], compression: 'gzip' }));
      await wrong(
        'already said',
        forged(batch(), (copy) => copy.writeInt16BE(0x08, AT.attributes)),
      );
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/the codec of the topic',
    async play(on) {
      for (const codec of ['gzip', 'lz4', 'zstd', 'snappy', 'uncompressed', 'producer']) {
        const topic = await createTopic(on, codec, { configs: { 'compression.type': codec } });
        await on.see(`${codec}: plain`, Produce, 9, producing(topic, batch({ values: ['a'.repeat(500)] })));
        await on.see(
          `${codec}: gzip`,
          Produce,
          9,
          producing(topic, batch({ values: ['a'.repeat(500)], compression: 'gzip' })),
        );
        await on.see(
          `${codec}: stored`,
          Fetch,
          12,
          {
            maxWaitMs: 0,
            minBytes: 0,
            topics: [{ topic, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1_000_000 }] }],
          },
          { keep: ({ responses }) => codecsOf(responses[0]?.partitions[0]?.records ?? null) },
        );
      }
    },
  },
  {
    name: 'produce/in a transaction that is not open',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const records = batch({ isTransactional: true, producerId: 123_456_789n, producerEpoch: 0, baseSequence: 0 });
      for (const version of [9, 11, 12])
        await on.see(`v${version}`, Produce, version, { ...producing(topic, records), transactionalId: on.own('t') });
      await on.see('a batch of a transaction, a request of none', Produce, 9, producing(topic, records));
      await on.see('a request of a transaction, a batch of none', Produce, 9, {
        ...producing(topic, batch()),
        transactionalId: on.own('t'),
      });
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/enough replicas',
    async play(on) {
      const topic = await createTopic(on, 'a', { configs: { 'min.insync.replicas': '2' } });
      for (const acks of [1, -1]) await on.see(`acks ${acks}`, Produce, 9, producing(topic, batch(), 0, acks));
      await stored(on, 'stored', topic);
    },
  },
  {
    name: 'produce/no time at all',
    async play(on) {
      const topic = await createTopic(on, 'a');
      for (const timeoutMs of [0, -1])
        await on.see(`acks 1, ${timeoutMs}`, Produce, 9, { ...producing(topic, batch(), 0, 1), timeoutMs });
    },
  },
];

/** Cut at its end, with a length that matches. */
function cut(packed: Buffer, bytes: number): Buffer {
  const short = Buffer.from(packed.subarray(0, packed.length - bytes));
  short.writeInt32BE(short.length - 12, AT.length);
  return short;
}

function codecsOf(records: Uint8Array | null): unknown[] {
  const found: unknown[] = [];
  const buffer = Buffer.from(records ?? []);
  for (let at = 0, one = RecordBatch.at(buffer, 0); one; at += one.sizeBytes, one = RecordBatch.at(buffer, at))
    found.push({
      baseOffset: one.baseOffset,
      compression: one.compression,
      count: one.recordCount,
      intact: one.isIntact(),
    });
  return found;
}
