// Two hundred consumers over real sockets that request more than they read. What the broker holds for them stays below
// its limit, other clients are served, and the consumers get everything, whole, when they read again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ByteReader, type Connection, ErrorCode, Offset, Timestamp, ZERO_UUID } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { batchesOf, buildBatch } from '@milepost/records';
import { PrometheusMeter } from '@milepost/telemetry';
import {
  CreateTopics,
  Fetch,
  FrameAssembler,
  Metadata,
  Produce,
  readResponseHeader,
  requestFrame,
} from '@milepost/wire';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const STALLED = 200;
/** Six megabytes: more than the system's buffers hold for a client that reads nothing. */
const FETCHES = 6;
const FETCH_BYTES = 1024 * 1024;
const LIMIT_BYTES = 32 * 1024 * 1024;
const LARGEST_BATCH_BYTES = 20_000;
const WAIT_MS = 60_000;
const LOG_BYTES = 8 * 1024 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'milepost-stalled-'));
const meter = new PrometheusMeter();
const host = nodeHost({ meter });
const it = new BrokerUnderTest(host, folder, { 'queued.max.response.bytes': String(LIMIT_BYTES) });

beforeAll(async () => {
  await it.start();
  await fill();
});
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

/** A consumer that reads on command, and counts what it got. */
class Consumer {
  static async connect(from: number): Promise<Consumer> {
    const consumer = new Consumer(from);
    const frames = new FrameAssembler();
    consumer.#connection = await host.network.connect(it.broker.address, {
      bytes: (chunk) => {
        for (const frame of frames.frames(chunk)) consumer.#take(frame);
      },
      drained: () => {},
      closed: () => {
        consumer.isClosed = true;
      },
    });
    consumer.#connection.pause();
    return consumer;
  }

  answers = 0;
  bytes = 0;
  broken = 0;
  isClosed = false;
  readonly #from: number;
  #connection: Connection | undefined;

  private constructor(from: number) {
    this.#from = from;
  }

  ask(): void {
    const partitions = [{ partition: 0, fetchOffset: Offset(this.#from), partitionMaxBytes: FETCH_BYTES }];
    const topics = [{ topic: 'trucks', partitions }];
    const header = { apiVersion: 11, correlationId: 0, clientId: 'stalled' };
    const frame = requestFrame(Fetch, header, { maxWaitMs: 0, minBytes: 1, topics });
    this.#connection?.send(Array.from({ length: FETCHES }, () => frame));
  }

  readOn(): void {
    this.#connection?.resume();
  }

  leave(): void {
    this.#connection?.close('abort');
  }

  #take(frame: Buffer): void {
    const reader = new ByteReader(frame);
    readResponseHeader(reader, Fetch, 11);
    const { records } = Fetch.response(11).read(reader).responses[0]?.partitions[0] ?? {};
    this.answers++;
    this.bytes += records?.length ?? 0;
    let at = this.#from;
    for (const batch of batchesOf(records ?? Buffer.alloc(0))) {
      if (!batch.isIntact() || batch.baseOffset !== at) this.broken++;
      at = batch.nextOffset;
    }
    if (at === this.#from) this.broken++;
  }
}

async function fill(): Promise<void> {
  const client = await it.client();
  await client.ask(CreateTopics, 7, { topics: [{ name: 'trucks', numPartitions: 1, replicationFactor: 1 }] });
  const value = Buffer.alloc(1000, 'position ');
  for (let bytes = 0; bytes < LOG_BYTES; ) {
    const records = buildBatch({
      records: Array.from({ length: 16 }, () => ({ key: null, value, timestamp: Timestamp(1) })),
    });
    const topicData = [{ name: 'trucks', topicId: ZERO_UUID, partitionData: [{ index: 0, records }] }];
    const { responses } = await client.ask(Produce, 8, { acks: 1, timeoutMs: 60_000, topicData });
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(ErrorCode.NONE);
    bytes += records.length;
  }
}

async function metric(name: string): Promise<number> {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await meter.text())?.[1]);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + WAIT_MS; !(await condition()); ) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a buffer that is being sent to a client that does not read is not lent again meanwhile', async () => {
  const [stalled, other] = [await Consumer.connect(0), await Consumer.connect(16 * 200)];
  const held = () => metric('milepost_kafka_response_bytes_held');
  stalled.ask();
  await until(async () => (await held()) >= FETCH_BYTES / 2); // more than is copied out of a loan
  other.readOn();
  other.ask();
  await until(() => other.answers === FETCHES);
  expect(await held()).toBeGreaterThanOrEqual(FETCH_BYTES / 2);
  stalled.readOn();
  await until(() => stalled.answers === FETCHES);
  expect([stalled.broken, other.broken]).toEqual([0, 0]);
  for (const consumer of [stalled, other]) consumer.leave();
  await until(() => stalled.isClosed && other.isClosed);
});

test('200 stalled consumers cost bounded memory, delay no other client, and continue when they read again', async () => {
  const consumers = await Promise.all(Array.from({ length: STALLED }, (_, n) => Consumer.connect(16 * (n % 200))));
  await until(async () => (await metric('kafka_server_socket_server_metrics_connection_count')) === STALLED + 1);
  let most = 0;
  for (const consumer of consumers) {
    consumer.ask();
    most = Math.max(most, await metric('milepost_kafka_response_bytes_held'));
  }
  // Every consumer has had at least one response, and the broker holds nearly all that it may.
  const fetches = 'kafka_network_requestmetrics_requests_total{request="Fetch",version="11"}';
  await until(async () => {
    most = Math.max(most, await metric('milepost_kafka_response_bytes_held'));
    return (await metric(fetches.replace(/[{}]/g, '\\$&'))) >= STALLED && most > LIMIT_BYTES / 2;
  });
  process.stdout.write(
    `${STALLED} stalled consumers: ${(most / 1e6).toFixed(1)} MB held, rss ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB\n`,
  );
  expect(most).toBeLessThanOrEqual(LIMIT_BYTES + STALLED * LARGEST_BATCH_BYTES);

  // Another client: metadata, a produce that is fsynced, and the whole log from its beginning.
  const other = await it.client();
  expect((await other.ask(Metadata, 9, { topics: null })).topics.map(({ name }) => name)).toContain('trucks');
  let at = 0;
  for (let end = Number.POSITIVE_INFINITY; at < end; ) {
    const partitions = [{ partition: 0, fetchOffset: Offset(at), partitionMaxBytes: FETCH_BYTES }];
    const { responses } = await other.ask(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: 'trucks', partitions }],
    });
    const answer = responses[0]?.partitions[0];
    end = answer?.highWatermark ?? 0;
    for (const batch of batchesOf(answer?.records ?? Buffer.alloc(0))) {
      expect(batch.isIntact() && batch.baseOffset === at).toBe(true);
      at = batch.nextOffset;
    }
  }
  expect(at).toBeGreaterThan(LOG_BYTES / 1100);

  // One of them disconnects: what was held for it is free. The others continue to read.
  consumers[0]?.leave();
  await until(() => consumers[0]?.isClosed === true);
  for (const consumer of consumers) consumer.readOn();
  const left = consumers.slice(1);
  await until(() => left.every(({ answers }) => answers === FETCHES));
  expect(left.reduce((sum, { broken }) => sum + broken, 0)).toBe(0);
  await until(async () => (await metric('milepost_kafka_response_bytes_held')) === 0);
  expect(await metric('milepost_kafka_request_bytes_held')).toBe(0);
  for (const consumer of left) consumer.leave();
  await until(() => left.every(({ isClosed }) => isClosed));
});
