// The results of a log's operations: expected outcomes are values. Only a broken log throws (LogFailed), and it does so
// from `sync`.
import { ErrorCode, type LeaderEpoch, type Offset, type Timestamp } from '@milepost/core';

export type AppendOutcome = Appended | AppendRefused;

/** In the log, but not durable yet: acknowledge after `sync()`. */
export interface Appended {
  readonly error: typeof ErrorCode.NONE;
  /** For a duplicate: that of the original batch, which may still wait for its own fsync: `sync()` covers it too. */
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** NO_TIMESTAMP unless the topic stamps its records itself (message.timestamp.type=LogAppendTime). */
  readonly logAppendTimeMs: Timestamp;
  readonly duplicate: boolean;
}

/** Nothing was appended. */
export interface AppendRefused {
  readonly error: Exclude<ErrorCode, typeof ErrorCode.NONE>;
  readonly message: string;
  /** The invalid records (KIP-467), by their position in the batch. */
  readonly recordErrors: readonly RecordError[];
  /** The disk is full. */
  readonly isOutOfRoom?: boolean;
}

/** What became of the batches that a follower got from its leader. */
export type FollowerAppendOutcome =
  | { readonly error: typeof ErrorCode.NONE; readonly sizeBytes: number }
  /** OFFSET_OUT_OF_RANGE: they begin before the log's end. CORRUPT_MESSAGE: they are not what a leader can have written. */
  | AppendRefused;

export interface RecordError {
  readonly batchIndex: number;
  readonly message: string;
}

export type ReadOutcome =
  /** Whole batches, verbatim; empty when there are none yet or none fits. */
  | { readonly error: typeof ErrorCode.NONE; readonly records: Buffer }
  /** OFFSET_OUT_OF_RANGE; CORRUPT_MESSAGE: a broken batch is there; KAFKA_STORAGE_ERROR: the disk failed. */
  | { readonly error: Exclude<ErrorCode, typeof ErrorCode.NONE>; readonly message: string };

/** Nothing was done: a batch unpacks to more than the caller wants to unpack at once. */
export const UNPACKS_TO_MORE = Symbol('unpacks to more');

/** Of a search by timestamp: the largest that there is. */
export const MAX_TIMESTAMP = Symbol('max timestamp');
export type SearchTarget = number | typeof MAX_TIMESTAMP;

/** One record, found by its timestamp. */
export interface TimestampedOffset {
  readonly offset: Offset;
  readonly timestamp: Timestamp;
  readonly leaderEpoch: LeaderEpoch;
}

/** Where an epoch ends: the start of the next one, or the end of the log. */
export interface EpochEnd {
  readonly epoch: LeaderEpoch;
  readonly endOffset: Offset;
}

/** A producer with state in this log (KIP-664, DescribeProducers). */
export interface ActiveProducer {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: Timestamp;
  readonly coordinatorEpoch: number;
  readonly currentTransactionStart: Offset;
}

export function storageError(message: string, isOutOfRoom = false): AppendRefused {
  return { error: ErrorCode.KAFKA_STORAGE_ERROR, message, recordErrors: [], isOutOfRoom };
}

export function olderEpoch(epoch: LeaderEpoch, latest: LeaderEpoch): AppendRefused {
  const message = `leader epoch ${epoch} is older than epoch ${latest} of this log`;
  return { error: ErrorCode.NOT_LEADER_OR_FOLLOWER, message, recordErrors: [] };
}

export function offsetTooLow(offset: Offset, end: Offset): AppendRefused {
  const message = `a batch at offset ${offset}, the log ends at ${end}`;
  return { error: ErrorCode.OFFSET_OUT_OF_RANGE, message, recordErrors: [] };
}

export function corrupt(message: string): AppendRefused {
  return { error: ErrorCode.CORRUPT_MESSAGE, message, recordErrors: [] };
}

/** A log that is being truncated is not led at that moment: the client finds its leader and retries. */
export function beingCut(endOffset: Offset): AppendRefused {
  const message = `the log is being cut and takes nothing until then; its end is ${endOffset}`;
  return { error: ErrorCode.NOT_LEADER_OR_FOLLOWER, message, recordErrors: [] };
}
