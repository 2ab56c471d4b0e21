// The library's producer, with its batches encoded by us, each in one pass: the library makes a buffer of each field of
// each record and copies all of them three times. The library still does the hard part: producer id, sequences,
// leaders, retries.
//
// The library repeats a request until all of its partitions have accepted their records. One that cannot (its disk
// failed) must not delay the others: a partition's success is reported immediately and its records are not resent.
import { ByteReader, ByteWriter, ErrorCode, errorName, LeaderEpoch, Timestamp } from '@milepost/core';
import { buildBatch, packHeaders, type RecordToBuild } from '@milepost/records';
import { Produce } from '@milepost/wire';
import {
  type API,
  kGetApi,
  Producer,
  type ProducerOptions,
  protocolErrors,
  type Reader,
  ResponseError,
  Writer,
} from '@platformatic/kafka';
import type { RecordToSend } from './record.ts';
import { withCodec } from './rewired.ts';

/** A message as the library passes it to the encoder of a request; its value is the whole record. */
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

type Arguments = readonly [acks: number, timeoutMs: number, messages: readonly Message[], identity: Identity];

export interface PartitionEvents {
  /** Part of a request was stored; its other partitions are retried. */
  stored(topic: string, partition: number): void;
  /** Called once until the partition has recovered. Its records are resent, after pauses. */
  refused(topic: string, partition: number, error: string): void;
  recovered(topic: string, partition: number): void;
}

export class ProducingClient extends Producer<Buffer, RecordToSend, string, Buffer> {
  readonly #codec = {
    write: (version: number, args: readonly unknown[]) => this.#request(version, args as unknown as Arguments),
    read: (key: number, version: number, reader: Reader, args: readonly unknown[]) =>
      this.#response(key, version, reader, (args as unknown as Arguments)[2]),
  };
  readonly #events: PartitionEvents;
  /** Partitions whose last request failed. */
  readonly #refusing = new Set<string>();
  /** For each request that has failed in part: the partitions that have accepted their records. */
  readonly #stored = new WeakMap<readonly Message[], Set<string>>();
  readonly #refusals = new WeakMap<readonly Message[], ResponseError>();

  constructor(options: ProducerOptions<Buffer, RecordToSend, string, Buffer>, events: PartitionEvents) {
    super({ ...options, serializers: { value: (record) => record as unknown as Buffer } });
    this.#events = events;
  }

  override [kGetApi]<Args extends unknown[], Response>(
    name: string,
    callback: (error: Error | null, api?: API<Args, Response>) => void,
  ): void {
    super[kGetApi]<Args, Response>(name, (error, api) => {
      const isOurs = name === 'Produce' && api !== undefined;
      callback(error, isOurs ? (withCodec(api as never, this.#codec) as never) : api);
    });
  }

  #request(version: number, [acks, timeoutMs, messages, identity]: Arguments): Writer {
    const stored = this.#stored.get(messages);
    const left = stored ? messages.filter(({ topic, partition }) => !stored.has(`${topic}-${partition}`)) : messages;
    const topicData = Array.from(
      Map.groupBy(left, ({ topic }) => topic),
      ([name, ofTopic]) => ({
        name,
        partitionData: Array.from(
          Map.groupBy(ofTopic, ({ partition }) => partition),
          ([index, own]) => ({ index, records: batchOf(own, name, index, identity) }),
        ),
      }),
    );
    const writer = new ByteWriter(64 * 1024);
    Produce.request(version).write(writer, { transactionalId: null, acks, timeoutMs, topicData });
    return Writer.create().append(writer.finish());
  }

  /** In the library's shape. @throws ResponseError when some partition has not accepted its records. */
  #response(key: number, version: number, reader: Reader, messages: readonly Message[]): unknown {
    const bytes = reader.buffer.slice(reader.position, reader.length);
    const { responses, throttleTimeMs } = Produce.response(version).read(new ByteReader(bytes));
    const response = {
      throttleTimeMs,
      responses: responses.map(({ name, partitionResponses }) => ({
        name,
        partitionResponses: partitionResponses.map((one) => ({ ...one, baseOffset: BigInt(one.baseOffset) })),
      })),
    };
    const errors = this.#errorsOf(response.responses);
    if (this.#refusing.size > 0) this.#recover(response.responses);
    if (Object.keys(errors).length === 0) return response;
    this.#settle(messages, response.responses);
    throw this.#refusal(messages, new ResponseError(key, version, errors, response));
  }

  #errorsOf(responses: readonly WrittenTopic[]): Record<string, [number, null]> {
    const errors: Record<string, [number, null]> = {};
    for (const [at, { partitionResponses }] of responses.entries())
      for (const [place, { errorCode }] of partitionResponses.entries())
        if (errorCode !== ErrorCode.NONE) errors[`/responses/${at}/partition_responses/${place}`] = [errorCode, null];
    return errors;
  }

  #settle(messages: readonly Message[], responses: readonly WrittenTopic[]): void {
    const stored = this.#stored.get(messages) ?? new Set();
    this.#stored.set(messages, stored);
    for (const { name: topic, partitionResponses } of responses) {
      for (const { errorCode, index } of partitionResponses) {
        const name = `${topic}-${index}`;
        if (errorCode === ErrorCode.NONE) {
          stored.add(name);
          this.#events.stored(topic, index);
        } else if (isWorthRepeating(errorCode) && !this.#refusing.has(name)) {
          this.#refusing.add(name);
          this.#events.refused(topic, index, errorName(errorCode));
        }
      }
    }
  }

  #recover(responses: readonly WrittenTopic[]): void {
    for (const { name, partitionResponses } of responses)
      for (const { errorCode, index } of partitionResponses)
        if (errorCode === ErrorCode.NONE && this.#refusing.delete(`${name}-${index}`))
          this.#events.recovered(name, index);
  }

  /** One object for equal errors: the library collects the errors of all attempts until it stops trying. */
  #refusal(messages: readonly Message[], refusal: ResponseError): ResponseError {
    const last = this.#refusals.get(messages);
    const codes = (one: ResponseError): string => one.errors.map((error) => String(error)).join();
    if (last && codes(last) === codes(refusal)) return last;
    this.#refusals.set(messages, refusal);
    return refusal;
  }
}

const isWorthRepeating = (errorCode: ErrorCode): boolean =>
  (protocolErrors as Record<string, { canRetry: boolean }>)[errorName(errorCode)]?.canRetry ?? false;

interface WrittenTopic {
  readonly name: string;
  readonly partitionResponses: readonly { readonly index: number; readonly errorCode: ErrorCode }[];
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

/** Packed once for all records that share them, as a device's records do. */
const packedHeaders = new WeakMap<ReadonlyMap<string, Buffer>, Buffer>();

function packed(headers: ReadonlyMap<string, Buffer>): Buffer {
  let bytes = packedHeaders.get(headers);
  if (!bytes) {
    bytes = packHeaders(Array.from(headers, ([key, value]) => ({ key, value })));
    packedHeaders.set(headers, bytes);
  }
  return bytes;
}
