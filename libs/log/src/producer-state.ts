// The last batches of each idempotent producer (KIP-98), which decide whether a batch is new, a duplicate or out of
// order.
//
// Promises: a batch that repeats one of the producer's last five gets the offset of the original; a gap, an old epoch, a
// write that breaks an open transaction and one that opens a transaction without verification are refused. Without state
// (expired, never seen) any sequence is accepted, and so is a later one where the state may lack batches. Live appends and
// replay change it through the same `apply`.
import { ErrorCode, NO_OFFSET, Offset, Timestamp } from '@milepost/core';
import {
  type EndMarker,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  type RecordBatch,
  readEndMarker,
  sequenceAfter,
} from '@milepost/records';
import { type EndedTransaction, OpenTransactions } from './open-transactions.ts';
import type { ActiveProducer, AppendRefused } from './outcomes.ts';
import type { TransactionMarker } from './transaction-marker.ts';
import { type Verification, Verifications } from './verifications.ts';

/** A producer has at most this many requests in flight; older batches cannot be repeated. */
export const REMEMBERED_BATCHES = 5;

export interface RememberedBatch {
  readonly lastSequence: number;
  readonly lastOffset: Offset;
  readonly offsetDelta: number;
  readonly timestamp: Timestamp;
}

export interface Producer {
  epoch: number;
  coordinatorEpoch: number;
  lastTimestamp: Timestamp;
  /** NO_OFFSET while no transaction is open. */
  transactionStart: Offset;
  /** Those of this epoch, oldest first. */
  batches: RememberedBatch[];
  /** Later batches of the producer may have been in the log: see `markIncomplete`. */
  isIncomplete: boolean;
  /** On the monotonic clock: a wall clock that jumps a day ahead must not make duplicates. */
  lastSeenMs: number;
}

export type SequenceVerdict =
  | { readonly kind: 'next' }
  | { readonly kind: 'duplicate'; readonly of: RememberedBatch }
  | { readonly kind: 'refused'; readonly refused: AppendRefused };

const MOST_EPOCH = 2 ** 15 - 1;
/** The limit of refused first batches. Beyond it the oldest is dropped, and its producer's next batch accepted. */
const MOST_MISSED = 10_000;

const NEXT: SequenceVerdict = { kind: 'next' };

export class ProducerState {
  readonly #producers = new Map<bigint, Producer>();
  /** Of producers without state, by id: the batch that must precede all others. */
  readonly #missed = new Map<bigint, { readonly epoch: number; readonly sequence: number }>();
  readonly #transactions = new OpenTransactions();
  readonly #verifications = new Verifications();

  get size(): number {
    return this.#producers.size;
  }
  entries(): Iterable<readonly [bigint, Producer]> {
    return this.#producers;
  }

  /** Compares the batch with its producer's sequence. Changes nothing. */
  check(batch: RecordBatch): SequenceVerdict {
    const { producerId, producerEpoch, baseSequence, lastSequence } = batch;
    if (producerId === NO_PRODUCER_ID) return NEXT;
    const producer = this.#producers.get(producerId);
    if (producer === undefined) return this.#flawOfVerification(batch, producer) ?? this.#firstOf(batch);
    if (producerEpoch < producer.epoch) return { kind: 'refused', refused: oldEpoch(batch, producer) };
    const isNewEpoch = producerEpoch > producer.epoch;
    const duplicate = isNewEpoch
      ? undefined
      : producer.batches.find((known) => known.lastSequence === lastSequence && firstSequence(known) === baseSequence);
    if (duplicate !== undefined) return { kind: 'duplicate', of: duplicate };
    const unverified = this.#flawOfVerification(batch, producer);
    if (unverified !== undefined) return unverified;
    const expected = isNewEpoch ? 0 : nextSequence(producer);
    if (baseSequence !== expected) {
      if (producer.isIncomplete && (isNewEpoch || isAhead(baseSequence, expected))) return this.#firstOf(batch);
      return refuse(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        `producer ${producerId} epoch ${producerEpoch}: sequence ${baseSequence}, expected ${expected}`,
      );
    }
    if (producer.transactionStart !== NO_OFFSET && !batch.isTransactional)
      return refuse(ErrorCode.INVALID_TXN_STATE, `producer ${producerId} has a transaction open`);
    return NEXT;
  }

  /**
   * Of a batch that would begin its producer's transaction here. Undefined: the transaction is ongoing, and the batch
   * belongs to it.
   */
  beginVerification(
    batch: RecordBatch,
    addsPartition: boolean,
    nowMs: number,
  ): Verification | AppendRefused | undefined {
    const producer = this.#producers.get(batch.producerId);
    if (producer !== undefined && batch.producerEpoch < producer.epoch) return oldEpoch(batch, producer);
    return isOngoing(batch, producer) ? undefined : this.#verifications.begin(batch, addsPartition, nowMs);
  }

  /** Why a coordinator may not end a transaction in the producer's name with this marker (KIP-360, KIP-890, KIP-1228). */
  flawOfMarker({
    producerId,
    producerEpoch,
    coordinatorEpoch,
    transactionVersion,
  }: TransactionMarker): AppendRefused | undefined {
    const producer = this.#producers.get(producerId);
    if (producer === undefined) return undefined;
    const { epoch } = producer;
    // From version 2 on each transaction ends in an epoch of its own. The same epoch again is the same marker again, unless
    // a transaction has begun in it; at the largest epoch there is none after it.
    const hasOwnEpoch = transactionVersion >= 2;
    const isRepeated = producerEpoch === epoch && (producer.transactionStart === NO_OFFSET || epoch === MOST_EPOCH);
    const isOld = hasOwnEpoch ? producerEpoch <= epoch && !isRepeated : producerEpoch < epoch;
    if (isOld) {
      const message = `producer ${producerId} has epoch ${epoch}, the marker of transaction version ${transactionVersion} ${producerEpoch}`;
      return { error: ErrorCode.INVALID_PRODUCER_EPOCH, message, recordErrors: [] };
    }
    if (coordinatorEpoch >= producer.coordinatorEpoch) return undefined;
    const message = `producer ${producerId}: marker of coordinator epoch ${coordinatorEpoch}, expected ${producer.coordinatorEpoch} or later`;
    return { error: ErrorCode.TRANSACTION_COORDINATOR_FENCED, message, recordErrors: [] };
  }

  /** The producer's transaction that has no marker here yet. */
  ongoingTransaction(producerId: bigint): { readonly producerEpoch: number; readonly firstOffset: Offset } | undefined {
    const producer = this.#producers.get(producerId);
    if (producer === undefined || producer.transactionStart === NO_OFFSET) return undefined;
    return { producerEpoch: producer.epoch, firstOffset: producer.transactionStart };
  }

  /** A transaction that ended before the snapshot was written, in the order of markers. */
  noteUncommitted(ended: EndedTransaction): void {
    this.#transactions.noteUncommitted(ended);
  }

  /** The first offset whose transaction is not final, exclusive for read_committed. Undefined: all are final. */
  firstUnstable(highWatermark: Offset): Offset | undefined {
    return this.#transactions.firstUnstable(highWatermark);
  }

  /**
   * The disk refused a batch that was next. Later batches of its producer must not be taken for the first ones: with no
   * state, or an incomplete one, they would be accepted.
   */
  missed({ producerId, producerEpoch, baseSequence }: RecordBatch): void {
    if (producerId === NO_PRODUCER_ID || this.#producers.get(producerId)?.isIncomplete === false) return;
    if (this.#missed.get(producerId)?.epoch === producerEpoch) return;
    for (const oldest of this.#missed.keys()) {
      if (this.#missed.size < MOST_MISSED) break;
      this.#missed.delete(oldest);
    }
    this.#missed.set(producerId, { epoch: producerEpoch, sequence: baseSequence });
  }

  /** The batch is in the log. Returns the transaction that it ends: that of a marker, if its producer has written here. */
  apply(batch: RecordBatch, nowMs: number): EndedTransaction | undefined {
    const { producerId } = batch;
    if (producerId === NO_PRODUCER_ID) return undefined;
    this.#missed.delete(producerId);
    if (batch.isTransactional) this.#verifications.appended(batch);
    const producer = this.#producers.get(producerId) ?? this.#added(producerId, batch.producerEpoch);
    if (batch.producerEpoch !== producer.epoch) {
      producer.epoch = batch.producerEpoch;
      producer.batches = [];
      producer.isIncomplete = false;
    }
    producer.lastSeenMs = nowMs;
    producer.lastTimestamp = batch.maxTimestamp;
    if (batch.isControl) return this.#endTransaction(producer, batch);
    remember(producer, batch);
    if (batch.isTransactional && producer.transactionStart === NO_OFFSET) {
      producer.transactionStart = batch.baseOffset;
      this.#transactions.begin({ producerId, firstOffset: batch.baseOffset });
    }
    return undefined;
  }

  /**
   * Batches are missing here, and their producers are unknown: they were deleted and their snapshot is damaged, or they
   * are damaged themselves. Their producers continue after them, and must not be refused for a gap that is ours; their
   * remembered batches are still recognized as duplicates. This ends with a producer's next batch.
   */
  markIncomplete(): void {
    for (const producer of this.#producers.values()) producer.isIncomplete = true;
  }

  /**
   * Applies one entry of a snapshot: a batch of the producer, oldest first. An entry without a batch after others:
   * incomplete.
   */
  restore(
    producerId: bigint,
    line: Pick<Producer, 'epoch' | 'coordinatorEpoch' | 'lastTimestamp' | 'transactionStart'>,
    batch: RememberedBatch | undefined,
    nowMs: number,
  ): void {
    const known = this.#producers.get(producerId);
    const isKnown = known !== undefined && known.epoch === line.epoch;
    const batches = isKnown ? known.batches : [];
    if (batch !== undefined) batches.push(batch);
    const isIncomplete = isKnown && batch === undefined;
    if (line.transactionStart !== NO_OFFSET && known?.transactionStart !== line.transactionStart)
      this.#transactions.begin({ producerId, firstOffset: line.transactionStart });
    this.#producers.set(producerId, { ...line, batches, isIncomplete, lastSeenMs: nowMs });
  }

  /** Recognizes the batches from which a producer's current last sequence or last epoch would be recovered. */
  lastBatches(): (batch: RecordBatch) => boolean {
    const last = new Map(
      Array.from(this.#producers, ([id, { batches, epoch }]) => [id, { offset: batches.at(-1)?.lastOffset, epoch }]),
    );
    return (batch) => {
      const known = last.get(batch.producerId);
      if (known === undefined) return false;
      if (known.offset !== undefined) return batch.lastOffset === known.offset;
      return batch.isControl && batch.producerEpoch === known.epoch;
    };
  }

  /** Removes producers that have been silent for that long and have no transaction open. */
  expire(nowMs: number, expirationMs: number): void {
    this.#verifications.expire(nowMs, expirationMs);
    for (const [producerId, producer] of this.#producers)
      if (nowMs - producer.lastSeenMs >= expirationMs && producer.transactionStart === NO_OFFSET)
        this.#producers.delete(producerId);
  }

  active(): ActiveProducer[] {
    return Array.from(this.#producers, ([producerId, producer]) => ({
      producerId,
      producerEpoch: producer.epoch,
      lastSequence: producer.batches.at(-1)?.lastSequence ?? NO_SEQUENCE,
      lastTimestamp: producer.lastTimestamp,
      coordinatorEpoch: producer.coordinatorEpoch,
      currentTransactionStart: producer.transactionStart,
    }));
  }

  #flawOfVerification(batch: RecordBatch, producer: Producer | undefined): SequenceVerdict | undefined {
    if (!batch.isTransactional || isOngoing(batch, producer)) return undefined;
    const refused = this.#verifications.flawOf(batch, producer !== undefined && producer.batches.length > 0);
    return refused && { kind: 'refused', refused };
  }

  #endTransaction(producer: Producer, batch: RecordBatch): EndedTransaction | undefined {
    const { producerId, lastOffset } = batch;
    const marker = markerIn(batch);
    if (marker !== undefined) producer.coordinatorEpoch = marker.coordinatorEpoch;
    const firstOffset = producer.transactionStart;
    producer.transactionStart = NO_OFFSET;
    if (firstOffset === NO_OFFSET) return undefined;
    return this.#transactions.end({ producerId, firstOffset }, lastOffset, marker?.end === 'abort');
  }

  #firstOf({ producerId, producerEpoch, baseSequence }: RecordBatch): SequenceVerdict {
    const missed = this.#missed.get(producerId);
    if (missed?.epoch !== producerEpoch || missed.sequence === baseSequence) return NEXT;
    return refuse(
      ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
      `producer ${producerId} epoch ${producerEpoch}: sequence ${baseSequence}, expected ${missed.sequence}, which the disk refused`,
    );
  }

  #added(producerId: bigint, epoch: number): Producer {
    const producer: Producer = {
      epoch,
      coordinatorEpoch: -1,
      lastTimestamp: Timestamp(-1),
      transactionStart: NO_OFFSET,
      batches: [],
      isIncomplete: false,
      lastSeenMs: 0,
    };
    this.#producers.set(producerId, producer);
    return producer;
  }
}

/** Where the remembered batch began. */
export const firstOffset = (batch: RememberedBatch): Offset => Offset(batch.lastOffset - batch.offsetDelta);

function firstSequence({ lastSequence, offsetDelta }: RememberedBatch): number {
  return lastSequence >= offsetDelta ? lastSequence - offsetDelta : lastSequence - offsetDelta + 2 ** 31;
}

/** After a marker that raised the epoch there is no batch yet: sequences restart. */
function nextSequence(producer: Producer): number {
  const last = producer.batches.at(-1);
  return last === undefined ? 0 : sequenceAfter(last.lastSequence, 1);
}

/** Sequences form a circle of 2^31; ahead means less than half of it. */
const isAhead = (sequence: number, expected: number): boolean => (sequence - expected + 2 ** 31) % 2 ** 31 < 2 ** 30;

function remember(producer: Producer, batch: RecordBatch): void {
  producer.isIncomplete = false;
  if (producer.batches.length === REMEMBERED_BATCHES) producer.batches.shift();
  producer.batches.push({
    lastSequence: batch.lastSequence,
    lastOffset: batch.lastOffset,
    offsetDelta: batch.lastOffsetDelta,
    timestamp: batch.maxTimestamp,
  });
}

/** Undefined where the cleaner has emptied it, with all that its transaction wrote. */
function markerIn(batch: RecordBatch): EndMarker | undefined {
  for (const record of batch.records()) return readEndMarker(record);
  return undefined;
}

/** An older epoch's transaction may have ended without this log knowing it yet. */
const isOngoing = ({ producerEpoch }: RecordBatch, producer: Producer | undefined): boolean =>
  producer !== undefined && producer.transactionStart !== NO_OFFSET && producer.epoch === producerEpoch;

const oldEpoch = ({ producerId, producerEpoch }: RecordBatch, { epoch }: Producer): AppendRefused => ({
  error: ErrorCode.INVALID_PRODUCER_EPOCH,
  message: `producer ${producerId} has epoch ${epoch}, the batch ${producerEpoch}`,
  recordErrors: [],
});

function refuse(error: AppendRefused['error'], message: string): SequenceVerdict {
  return { kind: 'refused', refused: { error, message, recordErrors: [] } };
}
