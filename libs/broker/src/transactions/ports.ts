// What handlers need of the coordinators of transactions and of groups when records of a transaction are written and when it
// ends.
import type { Address, BrokerId, ErrorCode } from '@milepost/core';
import type { TransactionMarker } from '@milepost/log';
import type { BrokerState } from '@milepost/metadata';
import type { PeerConnection } from '@milepost/peer';

export interface NamedPartition {
  readonly topic: string;
  readonly index: number;
}

export interface PartitionsToVerify {
  readonly transactionalId: string;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly partitions: readonly NamedPartition[];
  /** Transaction version 2: partitions that are not part of the ongoing transaction are added to it, and begin one if need be. */
  readonly addsPartitions: boolean;
}

export interface TransactionVerifier {
  /**
   * Whether each partition is part of the producer's ongoing transaction (KIP-890). Resolves with an error code for each, in
   * their order, as AddPartitionsToTxn would respond; NETWORK_EXCEPTION where the coordinator cannot be reached.
   */
  verify(asked: PartitionsToVerify): Promise<readonly ErrorCode[]>;
}

export interface TransactionalOffsets {
  /**
   * A transaction has ended: offsets that it committed in this shard of groups become real, or are dropped. Resolves when
   * that is stored.
   */
  transactionEnded(shard: number, marker: TransactionMarker): Promise<ErrorCode>;
}

/** How other brokers are reached. */
export interface BrokerConnections {
  addressOf(broker: BrokerState): Address;
  /** Made on first use. @throws PeerUnreachable while the broker is not registered. */
  connectTo(broker: BrokerId, options: { readonly clientId: string; readonly timeoutMs: number }): PeerConnection;
}
