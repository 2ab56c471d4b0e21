// Records of a fetch as our apps see them. Nothing is copied: keys and values are views of the response's bytes.
// Headers are created at the first access, which is rare.
import type { LogRecord } from '@milepost/records';
import type { RecordsBatch } from '@platformatic/kafka';
import type { FetchedBatch } from './bytes-client.ts';
import type { ConsumedRecord } from './record.ts';

/** From an offset on. None of a control batch: markers of transactions are not for apps. @throws MalformedMessage */
export function recordsOf(batch: RecordsBatch, topic: string, partition: number, from: number): ConsumedRecord[] {
  const { whole } = batch as FetchedBatch;
  const records: ConsumedRecord[] = [];
  if (whole.isControl) return records;
  for (const record of whole.records())
    if (record.offset >= from) records.push(new FetchedRecord(record, topic, partition));
  return records;
}

/** The value of one header, without creating the others. */
export function headerOf(record: ConsumedRecord, key: Buffer): Buffer | undefined {
  if (record instanceof FetchedRecord) return record.header(key);
  return record.headers.get(key.toString());
}

class FetchedRecord implements ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly #record: LogRecord;

  constructor(record: LogRecord, topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
    this.offset = record.offset;
    this.timestamp = record.timestamp;
    this.key = record.key;
    this.value = record.value;
    this.#record = record;
  }

  header(key: Buffer): Buffer | undefined {
    const value = this.#record.header(key);
    return value === null ? Buffer.alloc(0) : value;
  }

  get headers(): ReadonlyMap<string, Buffer> {
    return new Map(this.#record.headers.map(({ key, value }) => [key, value ?? Buffer.alloc(0)]));
  }
}
