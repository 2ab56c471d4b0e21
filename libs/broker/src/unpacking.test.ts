// Batches that unpack to much more than their size, on simulated time: which clients they delay, and which not.
import { ErrorCode, type Host, NO_BROKER, silentLogger, silentMeter, Timestamp, ZERO_UUID } from '@milepost/core';
import { buildBatch, type Codec } from '@milepost/records';
import {
  SimClock,
  SimDeflater,
  SimDisk,
  SimInflater,
  SimKeyDerivation,
  SimNetwork,
  SimRandom,
} from '@milepost/simulator';
import { CreateTopics, ListOffsets, ListOffsetsTime, Metadata, Produce } from '@milepost/wire';
import { randomBytes } from 'node:crypto';
import { BrokerUnderTest } from './testing/broker-under-test.ts';
import type { RawClient } from './testing/raw-client.ts';

const LARGE_BYTES = 20_000_000;
const CODECS = ['gzip', 'zstd', 'lz4', 'snappy'] as const;

let clock: SimClock;
let it: BrokerUnderTest;
let client: RawClient;
let other: RawClient;
let deflations = 0;

beforeEach(async () => {
  clock = new SimClock();
  const random = new SimRandom(1);
  const deflater = new SimDeflater(clock);
  const host: Host = {
    clock,
    random,
    disk: new SimDisk(random.fork(), { clock }),
    network: new SimNetwork(random.fork(), clock),
    inflater: new SimInflater(clock),
    deflater: {
      deflate: (...job) => {
        deflations++;
        return deflater.deflate(...job);
      },
    },
    keys: new SimKeyDerivation(clock),
    logger: silentLogger,
    meter: silentMeter,
  };
  it = new BrokerUnderTest(host, '/data');
  await clock.settle(it.start({ flush: 'os' })); // no fsync takes time
  client = await clock.settle(it.client());
  other = await clock.settle(it.client());
  const topic = { name: 'trucks', numPartitions: 2, replicationFactor: 1 };
  const packed = CODECS.map((codec) => ({
    ...topic,
    name: `trucks-${codec}`,
    configs: [{ name: 'compression.type', value: codec }],
  }));
  await clock.settle(client.ask(CreateTopics, 7, { topics: [topic, ...packed] }));
});
afterEach(() => clock.settle(it.stop()));

interface Sent {
  readonly sizeBytes?: number;
  readonly codec?: Codec;
  readonly sequence?: number;
}

/** One record of the idempotent producer 7; its value compresses well. */
const batch = ({ sizeBytes = 10, codec = 'none', sequence = 0 }: Sent): Buffer =>
  buildBatch({
    records: [{ key: null, value: Buffer.alloc(sizeBytes, 'position '), timestamp: Timestamp(1) }],
    compression: codec,
    producerId: 7n,
    producerEpoch: 0,
    baseSequence: sequence,
  });

async function produce(by: RawClient, ...batches: (readonly [partition: number, sent: Sent])[]) {
  const partitionData = batches.map(([index, sent]) => ({ index, records: batch(sent) }));
  const topicData = [{ name: 'trucks', topicId: ZERO_UUID, partitionData }];
  const { responses } = await by.ask(Produce, 8, { acks: -1, timeoutMs: 60_000, topicData });
  return responses[0]?.partitionResponses.map(({ errorCode, baseOffset }) => [errorCode, baseOffset]);
}

test.each<Codec>(CODECS)(
  'a batch (%s) that unpacks to twenty megabytes is stored, and other clients get responses meanwhile',
  async (codec) => {
    let isStored = false;
    const stored = produce(client, [0, { sizeBytes: LARGE_BYTES, codec }]).finally(() => {
      isStored = true;
    });
    await clock.run(2.5); // the request has arrived
    let answered = 0;
    while (!isStored) {
      await clock.settle(other.ask(Metadata, 9, { topics: [] }));
      answered++;
    }
    // On simulated time the inflater takes a millisecond for each piece, and what is done on the loop takes none.
    if (codec === 'gzip' || codec === 'zstd') expect(answered).toBeGreaterThan(4);
    expect(await clock.settle(stored)).toEqual([[ErrorCode.NONE, 0]]);
  },
);

/** How many requests of another client are answered until the work is done. */
async function answeredDuring(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  let answered = 0;
  const done = work.finally(() => {
    isDone = true;
  });
  await clock.run(2.5); // the request has arrived
  for (; !isDone; answered++) await clock.settle(other.ask(Metadata, 9, { topics: [] }));
  await done;
  return answered;
}

test.each([
  ['at a time', Timestamp(1), 0],
  ['at a time behind it', Timestamp(2), 1],
  ['of the largest timestamp', Timestamp(ListOffsetsTime.MAX_TIMESTAMP), 1],
])('the offset %s is looked for in a large batch while other clients are answered', async (_, timestamp, offset) => {
  await clock.settle(produce(client, [0, { sizeBytes: LARGE_BYTES, codec: 'zstd' }]));
  const later = buildBatch({ records: [{ key: null, value: Buffer.from('later'), timestamp: Timestamp(2) }] });
  const topicData = [{ name: 'trucks', topicId: ZERO_UUID, partitionData: [{ index: 0, records: later }] }];
  await clock.settle(client.ask(Produce, 8, { acks: -1, timeoutMs: 60_000, topicData }));
  const listing = client.ask(ListOffsets, 7, {
    replicaId: NO_BROKER,
    isolationLevel: 0,
    topics: [{ name: 'trucks', partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  const answered = await answeredDuring(listing);
  if (offset === 0) expect(answered).toBeGreaterThan(4);
  expect((await listing).topics[0]?.partitions[0]).toMatchObject({ errorCode: ErrorCode.NONE, offset });
});

/** One produce to a topic with its own `compression.type`. */
async function produceTo(codec: Codec, records: Buffer) {
  const topicData = [{ name: `trucks-${codec}`, topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask(Produce, 8, { acks: -1, timeoutMs: 60_000, topicData });
  return responses[0]?.partitionResponses[0];
}

/** How many turns of the loop the work takes on simulated time, where what is done in one turn takes none. */
async function turnsOf(work: Promise<unknown>): Promise<number> {
  const before = clock.turns;
  await clock.settle(work);
  return clock.turns - before;
}

test.each(CODECS)('a batch that unpacks to twenty megabytes is packed anew, as %s, in many turns', async (codec) => {
  const records = batch({ sizeBytes: LARGE_BYTES, codec: codec === 'zstd' ? 'gzip' : 'zstd' });
  const plain = await turnsOf(produce(client, [0, { sizeBytes: LARGE_BYTES, codec: 'zstd' }]));
  const produced = produceTo(codec, records);
  expect(await turnsOf(produced)).toBeGreaterThan(plain + 10);
  expect(await produced).toMatchObject({ errorCode: ErrorCode.NONE, baseOffset: 0 });
});

test('a batch that came unpacked is packed beside the loop by a slow codec, on it by a fast one and where it is small', async () => {
  const value = Buffer.alloc(900_000, 'position ');
  const of = (sizeBytes: number) =>
    buildBatch({ records: [{ key: null, value: value.subarray(0, sizeBytes), timestamp: Timestamp(1) }] });
  for (const [codec, sizeBytes, beside] of [
    ['lz4', 900_000, 0],
    ['gzip', 16_000, 0],
    ['gzip', 900_000, 1],
  ] as const) {
    deflations = 0;
    expect(await clock.settle(produceTo(codec, of(sizeBytes)))).toMatchObject({ errorCode: ErrorCode.NONE });
    expect([codec, sizeBytes, deflations]).toEqual([codec, sizeBytes, beside]);
  }
});

test('records that become too large a batch in the codec of the topic are refused, naming the limit', async () => {
  const noise = randomBytes(900_000);
  const value = Buffer.concat([noise, noise, noise]); // zstd finds the repetitions; gzip does not look back that far
  const records = buildBatch({ compression: 'zstd', records: [{ key: null, value, timestamp: Timestamp(1) }] });
  expect(await clock.settle(produceTo('gzip', records))).toMatchObject({
    errorCode: ErrorCode.MESSAGE_TOO_LARGE,
    errorMessage: expect.stringMatching(/^records of 2700\d\d\d bytes as gzip: .* max.message.bytes 1048588$/),
  });
});

test('batches that a producer sends after a large one are appended after it, in this request and in the next ones', async () => {
  const first = produce(
    client,
    [0, { sequence: 0 }],
    [0, { sequence: 1, sizeBytes: LARGE_BYTES, codec: 'zstd' }],
    [0, { sequence: 2 }],
    [1, { sequence: 0 }],
  );
  const second = produce(client, [0, { sequence: 3, codec: 'lz4' }], [1, { sequence: 1 }]);
  const third = produce(client, [0, { sequence: 4 }]);
  expect(await clock.settle(first)).toEqual([
    [ErrorCode.NONE, 0],
    [ErrorCode.NONE, 1],
    [ErrorCode.NONE, 2],
    [ErrorCode.NONE, 0],
  ]);
  expect(await clock.settle(Promise.all([second, third]))).toEqual([
    [
      [ErrorCode.NONE, 3],
      [ErrorCode.NONE, 1],
    ],
    [[ErrorCode.NONE, 4]],
  ]);
  expect(client.answered).toEqual([...client.answered].toSorted((a, b) => a - b));
});

test('a client that disconnects during it, and a broker that stops, leave nothing behind', async () => {
  const gone = produce(other, [0, { sizeBytes: LARGE_BYTES, codec: 'zstd' }]);
  gone.catch(() => {});
  await clock.run(5);
  other.close();
  await expect(clock.settle(gone)).rejects.toThrow('closed');
  expect(await clock.settle(produce(client, [0, { sequence: 1, sizeBytes: LARGE_BYTES, codec: 'gzip' }]))).toEqual([
    [ErrorCode.NONE, 1],
  ]);
});
