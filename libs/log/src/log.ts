// One partition on one disk. (Its public face; the body follows.)
import type { LeaderEpoch, Offset, Uuid } from '@milepost/core';
import type { LogConfig } from './log-config.ts';
import type { ActiveProducer, AppendOutcome, EpochEnd, ReadOutcome, TimestampedOffset } from './outcomes.ts';

export interface ReadOptions {
  readonly maxBytes: number;
  /** Exclusive: nothing at or beyond it is answered. */
  readonly upTo: Offset;
  /** The first batch is answered even when it is larger than `maxBytes` (KIP-74). */
  readonly atLeastOneBatch: boolean;
}

export declare class Log {
  readonly topic: string;
  readonly partition: number;
  readonly topicId: Uuid;
  readonly lostTail: boolean;
  config: LogConfig;
  get logStartOffset(): Offset;
  get logEndOffset(): Offset;
  get flushedOffset(): Offset;
  get failed(): boolean;
  get sizeBytes(): number;
  get latestEpoch(): LeaderEpoch;
  append(records: Buffer, leaderEpoch: LeaderEpoch): AppendOutcome;
  sync(): Promise<void>;
  read(from: Offset, options: ReadOptions): ReadOutcome;
  offsetForTimestamp(target: number, upTo: Offset): TimestampedOffset | undefined;
  maxTimestamp(upTo: Offset): TimestampedOffset | undefined;
  endOffsetForEpoch(epoch: LeaderEpoch): EpochEnd | undefined;
  epochAt(offset: Offset): LeaderEpoch;
  deleteRecordsBefore(offset: Offset): Promise<Offset>;
  applyRetention(now: number): Promise<number>;
  truncateTo(offset: Offset): Promise<void>;
  activeProducers(): ActiveProducer[];
}
