// The producers of one log: the last batches of each, and the snapshots of them beside the segments.
import type { Host, Offset } from '@milepost/core';
import { NO_PRODUCER_ID, type RecordBatch } from '@milepost/records';
import type { DeletedFiles } from './deleted-files.ts';
import type { EndedTransaction } from './open-transactions.ts';
import type { ActiveProducer, AppendRefused } from './outcomes.ts';
import { type RecoveredProducers, recoverProducers } from './producer-recovery.ts';
import { ProducerState, type SequenceVerdict } from './producer-state.ts';
import type { Segment } from './segment.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import type { TransactionMarker } from './transaction-marker.ts';
import type { Verification } from './verifications.ts';

/** Beyond all that a cluster issues in its life, and far from the end of 63 bits. */
const MOST_ISSUED = 2n ** 62n;

export class LogProducers {
  readonly #host: Host;
  readonly #folder: string;
  readonly #deletedFiles: DeletedFiles;
  #state: ProducerState;
  #snapshots: SnapshotFiles;

  constructor(host: Host, folder: string, deletedFiles: DeletedFiles, found: RecoveredProducers) {
    this.#host = host;
    this.#folder = folder;
    this.#deletedFiles = deletedFiles;
    this.#state = found.producers;
    this.#snapshots = this.#snapshotsOf(found);
  }

  check(batch: RecordBatch): SequenceVerdict {
    return this.#state.check(batch);
  }
  apply(batch: RecordBatch, nowMs: number): EndedTransaction | undefined {
    return this.#state.apply(batch, nowMs);
  }
  beginVerification(batch: RecordBatch, addsPartition: boolean): Verification | AppendRefused | undefined {
    return this.#state.beginVerification(batch, addsPartition, this.#host.clock.monotonic());
  }
  flawOfMarker(marker: TransactionMarker): AppendRefused | undefined {
    return this.#state.flawOfMarker(marker);
  }
  ongoingTransaction(producerId: bigint): ReturnType<ProducerState['ongoingTransaction']> {
    return this.#state.ongoingTransaction(producerId);
  }
  firstUnstable(highWatermark: Offset): Offset | undefined {
    return this.#state.firstUnstable(highWatermark);
  }
  /** The disk refused the batch. */
  missed(batch: RecordBatch): void {
    this.#state.missed(batch);
  }
  expire(nowMs: number, expirationMs: number): void {
    this.#state.expire(nowMs, expirationMs);
  }
  lastBatches(): (batch: RecordBatch) => boolean {
    return this.#state.lastBatches();
  }
  active(): ActiveProducer[] {
    return this.#state.active();
  }
  /** -1 for none. Ids that no broker can have issued do not count: a client made them up. */
  largestId(): bigint {
    let largest = NO_PRODUCER_ID;
    for (const [id] of this.#state.entries()) if (id > largest && id < MOST_ISSUED) largest = id;
    return largest;
  }

  /** A snapshot as of this offset, to be synced. @throws DiskFailed */
  writeSnapshot(offset: Offset): { sync(): Promise<void> }[] {
    return this.#snapshots.write(offset, this.#state);
  }

  /** Removes the snapshot together with the segment that began there. */
  forgetSnapshot(offset: Offset): void {
    this.#snapshots.forget(offset);
  }

  /** Forgets every producer, and removes their snapshots. */
  forgetAll(): void {
    this.#snapshots.forgetAll();
    this.#state = new ProducerState();
  }

  /** After a truncation: rebuilds the producers as of the new end. @throws DiskFailed */
  async recover(segments: readonly Segment[], highWatermark: Offset): Promise<void> {
    const found = await recoverProducers(this.#host, this.#folder, segments, { highWatermark });
    this.#state = found.producers;
    this.#snapshots = this.#snapshotsOf(found);
  }

  #snapshotsOf({ snapshots }: RecoveredProducers): SnapshotFiles {
    return new SnapshotFiles(this.#host.disk, this.#folder, this.#deletedFiles, snapshots);
  }
}
