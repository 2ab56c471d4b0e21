// A cheap Kafka client: whole frames made beforehand, several in flight, responses checked for errors.
import { connect, type Socket } from 'node:net';
import { ByteReader, ByteWriter, type Offset, type Timestamp } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { CreateTopics, Fetch, FrameAssembler, Produce, readResponseHeader, writeRequestHeader } from '@milepost/wire';

const PRODUCE = 9;
const FETCH = 12;
const CREATE_TOPICS = 7;

export class KafkaLoad {
  readonly #socket: Socket;
  readonly #frames = new FrameAssembler();
  #waiting: ((frame: Buffer) => void)[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#frames.frames(chunk)) this.#waiting.shift()?.(frame);
    });
  }

  static connect(port: number): Promise<KafkaLoad> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new KafkaLoad(socket)));
      socket.once('error', reject);
    });
  }

  async createTopic(name: string): Promise<void> {
    const writer = new ByteWriter();
    writeRequestHeader(writer, CreateTopics, { apiVersion: CREATE_TOPICS, correlationId: 0, clientId: 'bench' });
    CreateTopics.request(CREATE_TOPICS).write(writer, {
      topics: [{ name, numPartitions: 1, replicationFactor: -1, assignments: [], configs: [] }],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    const reader = new ByteReader(await this.#ask(framed(writer)));
    readResponseHeader(reader, CreateTopics, CREATE_TOPICS);
    const [topic] = CreateTopics.response(CREATE_TOPICS).read(reader).topics;
    if (topic?.errorCode !== 0) throw new Error(`create ${name}: error ${topic?.errorCode}`);
  }

  /**
   * Sends batches of about `batchBytes` of 1 KB records, `onTheWay` in flight, for that long; returns bytes per second.
   */
  async produce(
    topic: string,
    batchBytes: number,
    onTheWay: number,
    seconds: number,
    acks: 1 | -1 = -1,
  ): Promise<number> {
    const records = batchOf(batchBytes);
    const frame = produceFrame(topic, records, acks);
    const end = performance.now() + seconds * 1000;
    const began = performance.now();
    let bytes = 0;
    const lane = async (): Promise<void> => {
      while (performance.now() < end) {
        const reader = new ByteReader(await this.#ask(frame));
        readResponseHeader(reader, Produce, PRODUCE);
        const code = Produce.response(PRODUCE).read(reader).responses[0]?.partitionResponses[0]?.errorCode;
        if (code !== 0) throw new Error(`produce: error ${code}`);
        bytes += records.length;
      }
    };
    await Promise.all(Array.from({ length: onTheWay }, lane));
    return (bytes / (performance.now() - began)) * 1000;
  }

  /** Reads the topic from its beginning, `maxBytes` a fetch; returns bytes per second. */
  async fetch(topic: string, maxBytes: number, seconds: number): Promise<number> {
    const end = performance.now() + seconds * 1000;
    const began = performance.now();
    let bytes = 0;
    let at = 0;
    while (performance.now() < end) {
      const frame = await this.#ask(fetchFrame(topic, at as Offset, maxBytes));
      const reader = new ByteReader(frame);
      readResponseHeader(reader, Fetch, FETCH);
      const partition = Fetch.response(FETCH).read(reader).responses[0]?.partitions[0];
      if (!partition || partition.errorCode !== 0) throw new Error(`fetch: error ${partition?.errorCode}`);
      bytes += partition.records?.length ?? 0;
      at = nextOffset(partition.records ?? Buffer.alloc(0)) ?? 0;
    }
    return (bytes / (performance.now() - began)) * 1000;
  }

  close(): void {
    this.#socket.destroy();
  }

  #ask(frame: Buffer): Promise<Buffer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(frame);
    });
  }
}

function batchOf(sizeBytes: number): Buffer {
  const value = Buffer.alloc(1024, 'position ');
  const count = Math.max(1, Math.round(sizeBytes / 1024));
  const timestamp = Date.now() as Timestamp;
  return buildBatch({ records: Array.from({ length: count }, () => ({ key: null, value, timestamp })) });
}

function produceFrame(topic: string, records: Buffer, acks: 1 | -1): Buffer {
  const writer = new ByteWriter(records.length + 256);
  writeRequestHeader(writer, Produce, { apiVersion: PRODUCE, correlationId: 0, clientId: 'bench' });
  Produce.request(PRODUCE).write(writer, {
    transactionalId: null,
    acks,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  });
  return framed(writer);
}

function fetchFrame(topic: string, fetchOffset: Offset, maxBytes: number): Buffer {
  const writer = new ByteWriter();
  writeRequestHeader(writer, Fetch, { apiVersion: FETCH, correlationId: 0, clientId: 'bench' });
  Fetch.request(FETCH).write(writer, {
    maxWaitMs: 100,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }] }],
  });
  return framed(writer);
}

function framed(writer: ByteWriter): Buffer {
  const body = writer.finish();
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** After the last whole batch; undefined if there is none. */
function nextOffset(records: Buffer): number | undefined {
  let next: number | undefined;
  for (let at = 0; at + 61 <= records.length; ) {
    const size = 12 + records.readInt32BE(at + 8);
    if (at + size > records.length) break;
    next = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + 23) + 1;
    at += size;
  }
  return next;
}
