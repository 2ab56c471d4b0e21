// Producers whose transaction has no record in this log yet, while the coordinator is asked whether the partition is part of
// it (KIP-890, part 1). Without that a late batch would open a transaction that nobody ends.
//
// Promises: a transaction begins here only with a verification that was begun after the producer's last marker here. The
// response to an older request proves nothing: the transaction that it is about may have ended meanwhile.
import { ErrorCode } from '@milepost/core';
import type { RecordBatch } from '@milepost/records';
import type { AppendRefused } from './outcomes.ts';

/** Of one producer in one epoch. */
export class Verification {
  readonly producerEpoch: number;
  /** The partition was added by the produce itself (transaction version 2): its epoch has no earlier transaction. */
  readonly addsPartition: boolean;
  readonly beganMs: number;
  /** No batch behind it may come first: where its own verification failed, it is sent again. */
  lowestSequence: number;
  #isConfirmed = false;

  constructor(batch: RecordBatch, addsPartition: boolean, nowMs: number) {
    this.producerEpoch = batch.producerEpoch;
    this.lowestSequence = batch.baseSequence;
    this.addsPartition = addsPartition;
    this.beganMs = nowMs;
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /** The coordinator says that the partition is part of the transaction. */
  confirm(): void {
    this.#isConfirmed = true;
  }
}

export class Verifications {
  readonly #byProducer = new Map<bigint, Verification>();

  /** Requests of one producer in one epoch share one; that of an old epoch is good for nothing. */
  begin(batch: RecordBatch, addsPartition: boolean, nowMs: number): Verification {
    const { producerId, producerEpoch, baseSequence } = batch;
    const known = this.#byProducer.get(producerId);
    if (known?.producerEpoch === producerEpoch) {
      known.lowestSequence = Math.min(known.lowestSequence, baseSequence);
      return known;
    }
    const begun = new Verification(batch, addsPartition, nowMs);
    if (known === undefined || known.producerEpoch < producerEpoch) this.#byProducer.set(producerId, begun);
    return begun;
  }

  /** Of a batch that would begin its producer's transaction here. `hasBatches`: the log remembers batches of the producer. */
  flawOf(batch: RecordBatch, hasBatches: boolean): AppendRefused | undefined {
    const { producerId, producerEpoch, baseSequence } = batch;
    const known = this.#byProducer.get(producerId);
    if (known === undefined || known.producerEpoch !== producerEpoch || !known.isConfirmed) {
      const message = `producer ${producerId} epoch ${producerEpoch}: the partition is in no ongoing transaction of it`;
      return { error: ErrorCode.INVALID_TXN_STATE, message, recordErrors: [] };
    }
    const most = known.addsPartition && !hasBatches ? 0 : known.lowestSequence;
    if (baseSequence <= most) return undefined;
    const message = `producer ${producerId} epoch ${producerEpoch}: sequence ${baseSequence} begins a transaction, expected ${most}`;
    return { error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, message, recordErrors: [] };
  }

  /** The batch is in the log: the transaction has begun, or it has ended. */
  appended({ producerId, producerEpoch, isControl }: RecordBatch): void {
    const known = this.#byProducer.get(producerId);
    if (known === undefined) return;
    // With transaction version 2 the marker has the epoch of the next transaction, which may be under verification already.
    const isOfNext = isControl && known.addsPartition && known.producerEpoch === producerEpoch;
    if (!isOfNext) this.#byProducer.delete(producerId);
  }

  expire(nowMs: number, expirationMs: number): void {
    for (const [producerId, { beganMs }] of this.#byProducer)
      if (nowMs - beganMs >= expirationMs) this.#byProducer.delete(producerId);
  }
}
