// Decides which batches a log accepts, as Apache Kafka does, and in which form they are stored: recompressed where the
// topic names a codec, with consecutive offset deltas, and with the largest timestamp of the records in the header.
//
// Every record is checked, also those of compressed batches (docs/decisions/0009-compressed-batches-are-unpacked.md).
import { ErrorCode, errorName, MalformedMessage, NO_TIMESTAMP, type Timestamp } from '@milepost/core';
import {
  atOnce,
  type Codec,
  inSteps,
  NO_PRODUCER_ID,
  packsQuickly,
  RecordBatch,
  RecordCursor,
  renumbered,
  rewriteBatch,
  rewriteBatchInSteps,
  type RewrittenRecords,
  STEP_RECORDS,
  type Stepping,
  UNPACKED_LIMIT_BYTES,
  UnpacksToMore,
} from '@milepost/records';
import type { LogConfig } from './log-config.ts';
import type { AppendRefused, RecordError } from './outcomes.ts';
import { type SteppingHost, steppingOn } from './stepping.ts';

/**
 * The one batch that a client may send at a time, in the form to store, or the reason for the refusal. `undefined`: it
 * unpacks to more than `unpackBytes`, or packing it anew takes long; it should be validated in steps.
 */
export function validateAppend(records: Buffer, config: LogConfig, now: number): RecordBatch | AppendRefused;
export function validateAppend(
  records: Buffer,
  config: LogConfig,
  now: number,
  unpackBytes?: number,
): RecordBatch | AppendRefused | undefined;
export function validateAppend(
  records: Buffer,
  config: LogConfig,
  now: number,
  unpackBytes = UNPACKED_LIMIT_BYTES,
): RecordBatch | AppendRefused | undefined {
  const batch = batchOf(records, config);
  if (isRefused(batch)) return batch;
  const isLimited = unpackBytes < UNPACKED_LIMIT_BYTES;
  if (isLimited && batch.sizeBytes > unpackBytes) return undefined; // also one that is not packed
  try {
    const check = new RecordsCheck(batch, batch.unpack(unpackBytes), config, now);
    while (check.step());
    return isLimited && check.takesLong ? undefined : check.outcome();
  } catch (failure) {
    if (failure instanceof UnpacksToMore && isLimited) return undefined;
    return refusalOf(failure);
  }
}

/** Like `validateAppend`, for a large batch: other work runs between the steps. */
export async function validateInSteps(
  records: Buffer,
  config: LogConfig,
  host: SteppingHost,
): Promise<RecordBatch | AppendRefused> {
  const batch = batchOf(records, config);
  if (isRefused(batch)) return batch;
  const stepping = steppingOn(host);
  try {
    const check = new RecordsCheck(batch, await batch.unpackInSteps(stepping), config, host.clock.now());
    while (check.step()) await stepping.nextTurn();
    return await check.outcomeInSteps(stepping);
  } catch (failure) {
    return refusalOf(failure);
  }
}

function batchOf(records: Buffer, config: LogConfig): RecordBatch | AppendRefused {
  const batch = onlyBatch(records);
  return isRefused(batch) ? batch : (flawOfHeader(batch, config) ?? batch);
}

function refusalOf(failure: unknown): AppendRefused {
  if (!(failure instanceof MalformedMessage)) throw failure;
  // Kafka too returns an unknown error for a batch that cannot be unpacked: the client would resend on CORRUPT_MESSAGE.
  const error = failure instanceof MalformedRecord ? ErrorCode.INVALID_RECORD : ErrorCode.UNKNOWN_SERVER_ERROR;
  return refuse(error, failure.message);
}

export const isRefused = (outcome: object): outcome is AppendRefused => 'recordErrors' in outcome;

const MAGIC_AT = 16;
/** The shortest batch of any format, less its first 12 bytes. */
const LEAST_LENGTH = 14;

/** Trailing bytes that are not a whole batch are ignored, as in Kafka. */
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

/** A refusal names at most this many bad records: a batch may hold millions. */
const MOST_RECORD_ERRORS = 1_000;

/** Checks all records of a batch, in steps. @throws MalformedRecord */
class RecordsCheck {
  readonly #batch: RecordBatch;
  readonly #bytes: Buffer;
  readonly #config: LogConfig;
  readonly #now: number;
  readonly #cursor = new RecordCursor();
  readonly #errors: RecordError[] = [];
  #wrongKeys = 0;
  #wrongTimes = 0;
  #maxTimestamp: number = NO_TIMESTAMP;
  #isConsecutive = true;

  constructor(batch: RecordBatch, bytes: Buffer, config: LogConfig, now: number) {
    this.#batch = batch;
    this.#bytes = bytes;
    this.#config = config;
    this.#now = now;
    this.#cursor.begin(bytes, batch.recordCount);
  }

  /** False: there are no more records. */
  step(): boolean {
    const cursor = this.#cursor;
    const { baseTimestamp, maxTimestamp } = this.#batch;
    const isStamped = this.#batch.timestampType === 'LogAppendTime';
    const { compact, timestampBeforeMaxMs, timestampAfterMaxMs } = this.#config;
    const hasCreateTime = this.#config.timestampType === 'CreateTime';
    const earliest = this.#now - timestampBeforeMaxMs;
    const latest = this.#now + timestampAfterMaxMs;
    try {
      for (let left = STEP_RECORDS; left > 0; left--) {
        if (!cursor.next()) return false;
        const timestamp = isStamped ? maxTimestamp : baseTimestamp + cursor.timestampDelta;
        if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
        if (cursor.offsetDelta !== cursor.index) this.#isConsecutive = false;
        if (compact && cursor.keyLength < 0) this.#wrongKey();
        else if (hasCreateTime && timestamp !== NO_TIMESTAMP) {
          if (timestamp < earliest || timestamp > latest)
            this.#wrongTime(`timestamp ${timestamp} is out of range at ${this.#now}`);
        } else if (isStamped) this.#wrongTime('only the broker may stamp records with LogAppendTime');
      }
      return true;
    } catch (failure) {
      throw failure instanceof MalformedMessage ? new MalformedRecord(failure.message) : failure;
    }
  }

  /** Whether `outcome` would hold the event loop for long. Call after the last step. */
  get takesLong(): boolean {
    const rewriting = this.#rewriting();
    if (rewriting === undefined || this.#isRefused) return false;
    const { count, bytes } = rewriting;
    return (!this.#isConsecutive && count > STEP_RECORDS) || !packsQuickly(bytes.length, rewriting);
  }

  /** Call after the last step. */
  outcome(): RecordBatch | AppendRefused {
    if (this.#isRefused) return this.#refusal();
    const rewriting = this.#rewriting();
    if (rewriting === undefined) return this.#fitting(this.#batch);
    const bytes = this.#isConsecutive ? this.#bytes : atOnce(renumbered(this.#bytes, rewriting.count));
    return this.#fitting(RecordBatch.at(rewriteBatch(this.#batch, { ...rewriting, bytes }), 0) as RecordBatch);
  }

  /** Like `outcome`, without holding the event loop. */
  async outcomeInSteps(stepping: Stepping): Promise<RecordBatch | AppendRefused> {
    const rewriting = this.#rewriting();
    if (rewriting === undefined || this.#isRefused) return this.outcome();
    const bytes = this.#isConsecutive ? this.#bytes : await inSteps(renumbered(this.#bytes, rewriting.count), stepping);
    const { maxMessageBytes } = this.#config;
    const packed = await rewriteBatchInSteps(this.#batch, { ...rewriting, bytes }, maxMessageBytes, stepping);
    return packed
      ? this.#fitting(RecordBatch.at(packed, 0) as RecordBatch)
      : refuse(
          ErrorCode.MESSAGE_TOO_LARGE,
          `records of ${bytes.length} bytes as ${rewriting.codec}: a batch of more than max.message.bytes ${maxMessageBytes}`,
        );
  }

  get #isRefused(): boolean {
    return this.#wrongKeys + this.#wrongTimes > 0;
  }

  /** How the records are stored; undefined: as they came. */
  #rewriting(): RewrittenRecords | undefined {
    const batch = this.#batch;
    const codec = codecFor(batch, this.#config);
    if (this.#isConsecutive && codec === batch.compression) return undefined;
    const { recordCount: count, maxTimestamp } = batch;
    return { bytes: this.#bytes, count, codec, level: this.#config.compressionLevels[codec], maxTimestamp };
  }

  #fitting(stored: RecordBatch): RecordBatch | AppendRefused {
    const { segmentBytes, timestampType } = this.#config;
    if (timestampType === 'CreateTime') stored.setCreateTime(this.#maxTimestamp as Timestamp);
    const tooLarge = stored === this.#batch ? undefined : flawOfSize(stored, this.#config);
    if (tooLarge !== undefined) return tooLarge;
    return stored.sizeBytes > segmentBytes
      ? refuse(ErrorCode.RECORD_LIST_TOO_LARGE, `batch of ${stored.sizeBytes} bytes, segment.bytes ${segmentBytes}`)
      : stored;
  }

  #wrongKey(): void {
    this.#wrongKeys++;
    this.#note('a record of a compacted topic needs a key');
  }

  #wrongTime(message: string): void {
    this.#wrongTimes++;
    this.#note(message);
  }

  #note(message: string): void {
    if (this.#errors.length < MOST_RECORD_ERRORS) this.#errors.push({ batchIndex: this.#cursor.index, message });
  }

  #refusal(): AppendRefused {
    const error = this.#wrongTimes > 0 ? ErrorCode.INVALID_TIMESTAMP : ErrorCode.INVALID_RECORD;
    const message = `${errorName(error)}: ${this.#wrongKeys + this.#wrongTimes} of ${this.#batch.recordCount} records`;
    return { ...refuse(error, message), recordErrors: this.#errors };
  }
}

/** The bytes could be unpacked, but are not records. */
class MalformedRecord extends MalformedMessage {}

function refuse(error: AppendRefused['error'], message: string): AppendRefused {
  return { error, message, recordErrors: [] };
}
