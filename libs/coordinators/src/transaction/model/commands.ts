// Requests to a transaction coordinator and its responses, free of wire types: the broker's handlers translate.
import type { ErrorCode, Timestamp, TopicPartition } from '@milepost/core';
import type { TransactionState, TransactionVersion } from './transaction.ts';

export interface ProducerIdAndEpoch {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

export interface InitProducerIdCommand {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  /** What the producer already has and wants to continue with (KIP-360). */
  readonly expected: ProducerIdAndEpoch | undefined;
}

/** -1 and -1 with an error. */
export interface InitProducerIdResult extends ProducerIdAndEpoch {
  readonly error: ErrorCode;
}

export interface AddPartitionsCommand extends ProducerIdAndEpoch {
  readonly transactionalId: string;
  readonly partitions: readonly TopicPartition[];
  readonly clientVersion: TransactionVersion;
  /** The client's connection: connections that were opened later have larger numbers. */
  readonly connection?: number;
}

export interface VerifyPartitionsCommand extends ProducerIdAndEpoch {
  readonly transactionalId: string;
  readonly partitions: readonly TopicPartition[];
}

export interface EndTransactionCommand extends ProducerIdAndEpoch {
  readonly transactionalId: string;
  readonly isCommit: boolean;
  readonly clientVersion: TransactionVersion;
  /** As in AddPartitionsCommand. */
  readonly connection?: number;
}

/** From transaction version 2 on, the id and epoch of the next transaction; else -1 and -1. */
export interface EndTransactionResult extends ProducerIdAndEpoch {
  readonly error: ErrorCode;
}

export interface DescribedTransaction extends ProducerIdAndEpoch {
  readonly error: ErrorCode;
  readonly transactionalId: string;
  /** '' with an error. */
  readonly state: TransactionState | '';
  readonly timeoutMs: number;
  readonly startedAt: Timestamp;
  /** While completing: only those that lack the marker. */
  readonly partitions: readonly TopicPartition[];
}

export interface ListTransactionsCommand {
  /** Empty: all. */
  readonly states: readonly string[];
  /** Empty: all. */
  readonly producerIds: readonly bigint[];
  /** Only those that have run for longer; -1: all. */
  readonly durationMs: number;
  /** A regular expression for whole transactional ids; null or '': all. */
  readonly idPattern: string | null;
}

export interface ListTransactionsResult {
  readonly error: ErrorCode;
  readonly unknownStates: readonly string[];
  readonly transactions: readonly {
    readonly transactionalId: string;
    readonly producerId: bigint;
    readonly state: TransactionState;
  }[];
}
