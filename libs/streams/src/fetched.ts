// Records of a fetch as our apps see them. Nothing is copied: keys and values are views of the answer's bytes, headers are
// made when somebody asks for them, and most never do.
import type { KafkaRecord, RecordsBatch } from '@platformatic/kafka';
import type { ConsumedRecord } from './record.ts';

const CONTROL_BATCH = 0x20;

/** None of a control batch: markers of transactions are not for apps. */
export function recordsOf(batch: RecordsBatch, topic: string, partition: number): ConsumedRecord[] {
  if (batch.attributes & CONTROL_BATCH) return [];
  const baseOffset = Number(batch.firstOffset);
  const baseTimestamp = Number(batch.firstTimestamp);
  return batch.records.map((record) => new FetchedRecord(record, topic, partition, baseOffset, baseTimestamp));
}

class FetchedRecord implements ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly #headers: KafkaRecord['headers'];

  constructor(record: KafkaRecord, topic: string, partition: number, baseOffset: number, baseTimestamp: number) {
    this.topic = topic;
    this.partition = partition;
    this.offset = baseOffset + record.offsetDelta;
    this.timestamp = baseTimestamp + Number(record.timestampDelta);
    this.key = record.key;
    this.value = record.value;
    this.#headers = record.headers;
  }

  get headers(): ReadonlyMap<string, Buffer> {
    return new Map(this.#headers.map(([key, value]) => [key?.toString() ?? '', value ?? Buffer.alloc(0)]));
  }
}
