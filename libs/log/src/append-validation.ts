// What may enter a log, as Apache Kafka judges it. Records are parsed only where the rule is about single records: keys on
// a compacted topic, timestamps out of range. Everything else is read from the batch's header.
import { ErrorCode, errorName, MalformedMessage, NO_TIMESTAMP } from '@milepost/core';
import { type LogRecord, NO_PRODUCER_ID, RecordBatch } from '@milepost/records';
import type { LogConfig } from './log-config.ts';
import type { AppendRefused, RecordError } from './outcomes.ts';

/** The one batch that a client may send at a time, or why not. */
export function validateAppend(records: Buffer, config: LogConfig, now: number): RecordBatch | AppendRefused {
  const batch = RecordBatch.at(records, 0);
  if (batch === undefined) return refuse(ErrorCode.CORRUPT_MESSAGE, `no whole batch in ${records.length} bytes`);
  if (batch.magic !== 2) return refuse(ErrorCode.INVALID_RECORD, `magic ${batch.magic}, expected 2`);
  if (batch.sizeBytes !== records.length)
    return refuse(ErrorCode.INVALID_RECORD, `${records.length - batch.sizeBytes} bytes after the batch, expected none`);
  return flawOfHeader(batch, config) ?? flawOfRecords(batch, config, now) ?? batch;
}

export const isRefused = (outcome: object): outcome is AppendRefused => 'recordErrors' in outcome;

function flawOfHeader(batch: RecordBatch, config: LogConfig): AppendRefused | undefined {
  const { sizeBytes, recordCount, lastOffsetDelta } = batch;
  if (batch.baseOffset !== 0) return refuse(ErrorCode.INVALID_RECORD, `base offset ${batch.baseOffset}, expected 0`);
  if (sizeBytes > config.maxMessageBytes)
    return refuse(
      ErrorCode.MESSAGE_TOO_LARGE,
      `batch of ${sizeBytes} bytes, max.message.bytes ${config.maxMessageBytes}`,
    );
  if (sizeBytes > config.segmentBytes)
    return refuse(ErrorCode.RECORD_LIST_TOO_LARGE, `batch of ${sizeBytes} bytes, segment.bytes ${config.segmentBytes}`);
  if (!batch.isIntact())
    return refuse(ErrorCode.CORRUPT_MESSAGE, `crc ${batch.crc.toString(16)} does not fit the bytes`);
  if (recordCount <= 0 || recordCount !== lastOffsetDelta + 1)
    return refuse(ErrorCode.INVALID_RECORD, `${recordCount} records, last offset delta ${lastOffsetDelta}`);
  if (batch.isControl) return refuse(ErrorCode.INVALID_RECORD, 'clients may not write control batches');
  if (batch.producerId !== NO_PRODUCER_ID && batch.baseSequence < 0)
    return refuse(ErrorCode.INVALID_RECORD, `sequence ${batch.baseSequence} of producer ${batch.producerId}`);
  if (batch.compression === undefined)
    return refuse(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, `compression code ${batch.attributes & 7}`);
  if (batch.timestampType === 'LogAppendTime')
    return refuse(ErrorCode.INVALID_TIMESTAMP, 'only the broker may stamp records with LogAppendTime');
  return undefined;
}

function flawOfRecords(batch: RecordBatch, config: LogConfig, now: number): AppendRefused | undefined {
  const isStampedByClient = config.timestampType === 'CreateTime';
  const mayBeLate = isStampedByClient && batch.maxTimestamp > now + config.timestampAfterMaxMs;
  const mayBeEarly = isStampedByClient && now - config.timestampBeforeMaxMs > 0;
  if (!config.compact && !mayBeLate && !mayBeEarly) return undefined;

  const wrongTimes: RecordError[] = [];
  const wrongKeys: RecordError[] = [];
  let batchIndex = 0;
  try {
    for (const record of batch.records()) {
      if (config.compact && record.key === null)
        wrongKeys.push({ batchIndex, message: 'a record of a compacted topic needs a key' });
      else if (isStampedByClient && !isInTime(record, config, now))
        wrongTimes.push({ batchIndex, message: `timestamp ${record.timestamp} is out of range at ${now}` });
      batchIndex++;
    }
  } catch (failure) {
    if (!(failure instanceof MalformedMessage)) throw failure;
    return refuse(ErrorCode.INVALID_RECORD, failure.message);
  }
  const recordErrors = [...wrongKeys, ...wrongTimes].sort((a, b) => a.batchIndex - b.batchIndex);
  if (recordErrors.length > 0) {
    const error = wrongTimes.length > 0 ? ErrorCode.INVALID_TIMESTAMP : ErrorCode.INVALID_RECORD;
    return { ...refuse(error, `${errorName(error)}: ${recordErrors.length} of ${batchIndex} records`), recordErrors };
  }
  // The header claims a timestamp that no record has: it would mislead every search by time.
  return mayBeLate
    ? refuse(ErrorCode.INVALID_TIMESTAMP, `max timestamp ${batch.maxTimestamp} of no record`)
    : undefined;
}

function isInTime({ timestamp }: LogRecord, config: LogConfig, now: number): boolean {
  if (timestamp === NO_TIMESTAMP) return true;
  return now - timestamp <= config.timestampBeforeMaxMs && timestamp - now <= config.timestampAfterMaxMs;
}

function refuse(error: AppendRefused['error'], message: string): AppendRefused {
  return { error, message, recordErrors: [] };
}
