// The records of control batches: a transaction's end in a log. Never delivered to applications.
//
//   key    version int16 = 0 | type int16: 0 abort, 1 commit (2.. belong to KRaft)
//   value  version int16 = 0 | coordinatorEpoch int32
import {
  ByteReader,
  ByteWriter,
  type LeaderEpoch,
  MalformedMessage,
  type Offset,
  type Timestamp,
} from '@milepost/core';
import type { LogRecord, RecordBatch } from './batch.ts';
import { buildBatch } from './batch-builder.ts';

export type TransactionEnd = 'abort' | 'commit';

export interface EndMarker {
  readonly end: TransactionEnd;
  readonly coordinatorEpoch: number;
}

/** A control batch of one marker (KIP-98). */
export function buildEndMarker(
  marker: EndMarker & {
    readonly producerId: bigint;
    readonly producerEpoch: number;
    readonly timestamp: Timestamp;
    readonly baseOffset?: Offset;
    readonly leaderEpoch?: LeaderEpoch;
  },
): Buffer {
  const { end, coordinatorEpoch, timestamp, ...batch } = marker;
  const key = new ByteWriter(4);
  key.int16(0);
  key.int16(end === 'commit' ? 1 : 0);
  const value = new ByteWriter(6);
  value.int16(0);
  value.int32(coordinatorEpoch);
  const records = [{ key: key.finish(), value: value.finish(), timestamp }];
  return buildBatch({ ...batch, records, isTransactional: true, isControl: true });
}

/** Undefined for a control record of another type; ignore it. Newer versions are read as version 0. */
export function readEndMarker(record: Pick<LogRecord, 'key' | 'value'>): EndMarker | undefined {
  const key = new ByteReader(record.key ?? Buffer.alloc(0));
  readVersion(key);
  const type = key.int16();
  if (type !== 0 && type !== 1) return undefined;
  const value = new ByteReader(record.value ?? Buffer.alloc(0));
  readVersion(value);
  return { end: type === 1 ? 'commit' : 'abort', coordinatorEpoch: value.int32() };
}

/** Whether the batch ends a transaction, and drops it. */
export function isAbortMarker(batch: RecordBatch): boolean {
  if (!batch.isControl) return false;
  for (const record of batch.records()) return readEndMarker(record)?.end === 'abort';
  return false; // emptied by the cleaner
}

function readVersion(reader: ByteReader): void {
  const version = reader.int16();
  if (version < 0) throw new MalformedMessage(`control record of version ${version}`);
}
