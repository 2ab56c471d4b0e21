// What a coordinator knows of one transactional id: its producer, and the state of its current or last transaction.
//
// The states are those of Apache Kafka's TransactionState, under the names that DescribeTransactions shows:
//
//   Empty ──────────▶ Ongoing ──▶ PrepareCommit ──▶ CompleteCommit
//     ▲                  │                              │
//     │                  └──────▶ PrepareAbort ───▶ CompleteAbort
//     └── a new producer (InitProducerId) ◀─────────────┘
//
// A complete transaction may be followed by the next one, with or without a new producer. From transaction version 2 on
// (KIP-890) an abort may also come where no transaction is open. Kafka's transient states Dead and PrepareEpochFence do not
// exist here: an id that expires is deleted, and fencing stores PrepareAbort at once.
import { NO_TIMESTAMP, type Timestamp, type TopicPartition } from '@milepost/core';

export const TRANSACTION_STATES = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
] as const;
export type TransactionState = (typeof TRANSACTION_STATES)[number];

/** `transaction.version` (KIP-890). From 2 on each transaction has a producer epoch of its own. */
export type TransactionVersion = 0 | 1 | 2;

export interface Transaction {
  readonly transactionalId: string;
  readonly producerId: bigint;
  /** The producer id before the last change. By it a request is recognized that is repeated after a change of producer id. */
  readonly previousProducerId: bigint;
  /** The id that replaces the producer's when this transaction completes, because its epochs are exhausted. */
  readonly nextProducerId: bigint;
  readonly producerEpoch: number;
  /** The epoch before the last bump, where the producer itself requested it: its request may be repeated (KIP-360). */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  /** While completing: those that still lack the marker may be fewer. */
  readonly partitions: readonly TopicPartition[];
  /** When the first partition was added; -1: no transaction yet. */
  readonly startedAt: Timestamp;
  readonly updatedAt: Timestamp;
  /** The version that the client of this transaction speaks. */
  readonly clientVersion: TransactionVersion;
}

export const NO_PRODUCER_ID = -1n;
export const NO_PRODUCER_EPOCH = -1;

const LAST_EPOCH = 2 ** 15 - 1;
/** No client is given the very last epoch: it is left for fencing the client. */
export const LAST_CLIENT_EPOCH = LAST_EPOCH - 1;

export const isEpochExhausted = (epoch: number): boolean => epoch >= LAST_CLIENT_EPOCH;

/** Whether an epoch per transaction is given out in this version. */
export const bumpsEpochs = (version: TransactionVersion): boolean => version >= 2;

/** Markers are being written. */
export const isCompleting = ({ state }: Transaction): boolean => state === 'PrepareCommit' || state === 'PrepareAbort';

/** Of a transactional id that has never been used; not stored. */
export const unusedTransaction = (transactionalId: string, producerId: bigint, now: Timestamp): Transaction => ({
  transactionalId,
  producerId,
  previousProducerId: NO_PRODUCER_ID,
  nextProducerId: NO_PRODUCER_ID,
  producerEpoch: NO_PRODUCER_EPOCH,
  lastProducerEpoch: NO_PRODUCER_EPOCH,
  timeoutMs: 0,
  state: 'Empty',
  partitions: [],
  startedAt: NO_TIMESTAMP,
  updatedAt: now,
  clientVersion: 0,
});

/** The state after a change at that time. */
export const changed = (
  before: Transaction,
  updatedAt: Timestamp,
  changes: Partial<Omit<Transaction, 'transactionalId' | 'previousProducerId' | 'updatedAt'>>,
): Transaction => ({ ...before, previousProducerId: before.producerId, updatedAt, ...changes });

export const epochAfter = (epoch: number): number => Math.min(epoch + 1, LAST_EPOCH);
