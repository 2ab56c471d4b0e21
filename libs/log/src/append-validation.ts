// What may enter a log, as Apache Kafka judges it, and in which form: with another codec where the topic names one, with
// offset deltas made consecutive, with the largest timestamp that its records really have.
//
// Every record is walked through, those of compressed batches too (docs/decisions/0009-compressed-batches-are-unpacked.md).
import { ErrorCode, errorName, MalformedMessage, NO_TIMESTAMP, type Timestamp } from '@milepost/core';
import { type Codec, NO_PRODUCER_ID, RecordBatch, RecordCursor, renumbered, rewriteBatch } from '@milepost/records';
import type { LogConfig } from './log-config.ts';
import type { AppendRefused, RecordError } from './outcomes.ts';

/** The one batch that a client may send at a time, as it is to be stored, or why not. */
export function validateAppend(records: Buffer, config: LogConfig, now: number): RecordBatch | AppendRefused {
  const batch = onlyBatch(records);
  if (isRefused(batch)) return batch;
  const flaw = flawOfHeader(batch, config);
  if (flaw !== undefined) return flaw;
  const stored = validateRecords(batch, config, now);
  if (!isRefused(stored) && stored.sizeBytes > config.segmentBytes)
    return refuse(
      ErrorCode.RECORD_LIST_TOO_LARGE,
      `batch of ${stored.sizeBytes} bytes, segment.bytes ${config.segmentBytes}`,
    );
  return stored;
}

export const isRefused = (outcome: object): outcome is AppendRefused => 'recordErrors' in outcome;

const MAGIC_AT = 16;
/** The shortest batch of any format, less its first 12 bytes. */
const LEAST_LENGTH = 14;

/** Bytes behind the batch that are no whole batch are left out, as Kafka does. */
function onlyBatch(records: Buffer): RecordBatch | AppendRefused {
  const first = batchAt(records, 0);
  if (first === undefined) return refuse(ErrorCode.INVALID_RECORD, `no whole batch in ${records.length} bytes`);
  if (isRefused(first)) return first;
  const second = batchAt(records, first.sizeBytes);
  if (second === undefined) return first;
  return isRefused(second) ? second : refuse(ErrorCode.INVALID_RECORD, 'more than one batch for a partition');
}

function batchAt(records: Buffer, position: number): RecordBatch | AppendRefused | undefined {
  const left = records.length - position;
  if (left <= MAGIC_AT) return undefined;
  const length = records.readInt32BE(position + 8);
  if (length < LEAST_LENGTH) return refuse(ErrorCode.CORRUPT_MESSAGE, `batch length ${length}`);
  const magic = records.readInt8(position + MAGIC_AT);
  if (magic < 0 || magic > 2) return refuse(ErrorCode.CORRUPT_MESSAGE, `magic ${magic}, expected 2`);
  if (length + 12 > left) return undefined;
  if (magic !== 2) return refuse(ErrorCode.INVALID_RECORD, `magic ${magic}, expected 2`);
  return RecordBatch.at(records, position) ?? refuse(ErrorCode.CORRUPT_MESSAGE, `batch length ${length}`);
}

function flawOfHeader(batch: RecordBatch, config: LogConfig): AppendRefused | undefined {
  const { recordCount, lastOffsetDelta } = batch;
  if (batch.baseOffset !== 0) return refuse(ErrorCode.INVALID_RECORD, `base offset ${batch.baseOffset}, expected 0`);
  const tooLarge = flawOfSize(batch, config);
  if (tooLarge !== undefined) return tooLarge;
  if (!batch.isIntact())
    return refuse(ErrorCode.CORRUPT_MESSAGE, `crc ${batch.crc.toString(16)} does not fit the bytes`);
  if (batch.compression === undefined)
    return refuse(ErrorCode.UNKNOWN_SERVER_ERROR, `compression code ${batch.attributes & 7}`);
  if (recordCount <= 0 || recordCount !== lastOffsetDelta + 1)
    return refuse(ErrorCode.INVALID_RECORD, `${recordCount} records, last offset delta ${lastOffsetDelta}`);
  if (batch.isControl) return refuse(ErrorCode.INVALID_RECORD, 'clients may not write control batches');
  if (batch.producerId !== NO_PRODUCER_ID && batch.baseSequence < 0)
    return refuse(ErrorCode.INVALID_RECORD, `sequence ${batch.baseSequence} of producer ${batch.producerId}`);
  return undefined;
}

function flawOfSize({ sizeBytes }: RecordBatch, { maxMessageBytes }: LogConfig): AppendRefused | undefined {
  return sizeBytes > maxMessageBytes
    ? refuse(ErrorCode.MESSAGE_TOO_LARGE, `batch of ${sizeBytes} bytes, max.message.bytes ${maxMessageBytes}`)
    : undefined;
}

const codecFor = (batch: RecordBatch, { compression }: LogConfig): Codec =>
  compression === 'producer' ? (batch.compression as Codec) : compression;

const cursor = new RecordCursor();

function validateRecords(batch: RecordBatch, config: LogConfig, now: number): RecordBatch | AppendRefused {
  const { recordCount, baseTimestamp } = batch;
  const isStamped = batch.timestampType === 'LogAppendTime';
  const hasCreateTime = config.timestampType === 'CreateTime';
  const bytes = unpacked(batch);
  if (isRefused(bytes)) return bytes;
  const wrongKeys: RecordError[] = [];
  const wrongTimes: RecordError[] = [];
  let maxTimestamp: number = NO_TIMESTAMP;
  let isConsecutive = true;
  try {
    cursor.begin(bytes, recordCount);
    while (cursor.next()) {
      const batchIndex = cursor.index;
      const timestamp = isStamped ? batch.maxTimestamp : baseTimestamp + cursor.timestampDelta;
      if (timestamp > maxTimestamp) maxTimestamp = timestamp;
      if (cursor.offsetDelta !== batchIndex) isConsecutive = false;
      if (config.compact && cursor.keyLength < 0)
        wrongKeys.push({ batchIndex, message: 'a record of a compacted topic needs a key' });
      else if (hasCreateTime && timestamp !== NO_TIMESTAMP) {
        if (now - timestamp > config.timestampBeforeMaxMs || timestamp - now > config.timestampAfterMaxMs)
          wrongTimes.push({ batchIndex, message: `timestamp ${timestamp} is out of range at ${now}` });
      } else if (isStamped)
        wrongTimes.push({ batchIndex, message: 'only the broker may stamp records with LogAppendTime' });
    }
  } catch (failure) {
    if (!(failure instanceof MalformedMessage)) throw failure;
    return refuse(ErrorCode.INVALID_RECORD, failure.message);
  }
  if (wrongKeys.length + wrongTimes.length > 0) return refuseRecords(wrongKeys, wrongTimes, recordCount);

  const codec = codecFor(batch, config);
  if (!isConsecutive || codec !== batch.compression) {
    const rewritten = isConsecutive ? bytes : renumbered(bytes, recordCount);
    const level = config.compressionLevels[codec];
    const parts = { bytes: rewritten, count: recordCount, codec, level, maxTimestamp: batch.maxTimestamp };
    const stored = RecordBatch.at(rewriteBatch(batch, parts), 0) as RecordBatch;
    if (hasCreateTime) stored.setCreateTime(maxTimestamp as Timestamp);
    return flawOfSize(stored, config) ?? stored;
  }
  if (hasCreateTime) batch.setCreateTime(maxTimestamp as Timestamp);
  return batch;
}

function unpacked(batch: RecordBatch): Buffer | AppendRefused {
  try {
    return batch.unpack();
  } catch (failure) {
    if (!(failure instanceof MalformedMessage)) throw failure;
    return refuse(ErrorCode.UNKNOWN_SERVER_ERROR, failure.message); // Kafka's answer: CORRUPT_MESSAGE would be sent again
  }
}

function refuseRecords(wrongKeys: RecordError[], wrongTimes: RecordError[], count: number): AppendRefused {
  const recordErrors = [...wrongKeys, ...wrongTimes].sort((a, b) => a.batchIndex - b.batchIndex);
  const error = wrongTimes.length > 0 ? ErrorCode.INVALID_TIMESTAMP : ErrorCode.INVALID_RECORD;
  return { ...refuse(error, `${errorName(error)}: ${recordErrors.length} of ${count} records`), recordErrors };
}

function refuse(error: AppendRefused['error'], message: string): AppendRefused {
  return { error, message, recordErrors: [] };
}
