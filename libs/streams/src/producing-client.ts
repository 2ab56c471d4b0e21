// The library's producer, with its batches written by us, each in one go: the library makes a buffer of each field of each
// record and copies all of them three times. It keeps what is hard: producer id, sequences, leaders, retries.
import { ByteWriter, LeaderEpoch, Timestamp } from '@milepost/core';
import { buildBatch, packHeaders, type RecordToBuild } from '@milepost/records';
import { Produce } from '@milepost/wire';
import { type API, kGetApi, Producer, type ProducerOptions, Writer } from '@platformatic/kafka';
import type { RecordToSend } from './record.ts';
import { withWriter } from './rewired.ts';

/** What the library makes of a message before it asks for a request; its value is the whole record. */
interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly value: RecordToSend;
}
interface Identity {
  readonly producerId?: bigint;
  readonly producerEpoch?: number;
  readonly sequences?: { getWithDefault(partition: string, otherwise: number): number };
}

export class ProducingClient extends Producer<Buffer, RecordToSend, string, Buffer> {
  constructor(options: ProducerOptions<Buffer, RecordToSend, string, Buffer>) {
    super({ ...options, serializers: { value: (record) => record as unknown as Buffer } });
  }

  override [kGetApi]<Args extends unknown[], Response>(
    name: string,
    callback: (error: Error | null, api?: API<Args, Response>) => void,
  ): void {
    super[kGetApi]<Args, Response>(name, (error, api) => {
      const isOurs = name === 'Produce' && api !== undefined;
      callback(error, isOurs ? (withWriter(api as never, produceRequest as never) as never) : api);
    });
  }
}

function produceRequest(
  version: number,
  acks: number,
  timeoutMs: number,
  messages: readonly Message[],
  identity: Identity,
): Writer {
  const topicData = Array.from(
    Map.groupBy(messages, ({ topic }) => topic),
    ([name, ofTopic]) => ({
      name,
      partitionData: Array.from(
        Map.groupBy(ofTopic, ({ partition }) => partition),
        ([index, own]) => ({
          index,
          records: batchOf(own, name, index, identity),
        }),
      ),
    }),
  );
  const writer = new ByteWriter(64 * 1024);
  Produce.request(version).write(writer, { transactionalId: null, acks, timeoutMs, topicData });
  return Writer.create().append(writer.finish());
}

function batchOf(messages: readonly Message[], topic: string, partition: number, identity: Identity): Buffer {
  const { producerEpoch, producerId, sequences } = identity;
  const baseSequence = sequences?.getWithDefault(`${topic}:${partition}`, 0);
  return buildBatch({
    records: messages.map(({ value }) => recordOf(value)),
    leaderEpoch: LeaderEpoch(0),
    ...(producerId === undefined ? {} : { producerId }),
    ...(producerEpoch === undefined ? {} : { producerEpoch }),
    ...(baseSequence === undefined ? {} : { baseSequence: baseSequence % 2 ** 31 }),
  });
}

function recordOf({ key, value, headers, timestamp }: RecordToSend): RecordToBuild {
  return {
    key,
    value,
    timestamp: Timestamp(timestamp),
    ...(headers === undefined ? {} : { headers: packed(headers) }),
  };
}

/** Packed once for all records that share them: a device's records do. */
const packedHeaders = new WeakMap<ReadonlyMap<string, Buffer>, Buffer>();

function packed(headers: ReadonlyMap<string, Buffer>): Buffer {
  let bytes = packedHeaders.get(headers);
  if (!bytes) {
    bytes = packHeaders(Array.from(headers, ([key, value]) => ({ key, value })));
    packedHeaders.set(headers, bytes);
  }
  return bytes;
}
