// Verifies with a transaction's coordinator the partitions that a producer is about to write to, or to commit offsets in. If
// the coordinator is another broker, it receives AddPartitionsToTxn (Kafka's AddPartitionsToTxnManager).
import { type BrokerId, ErrorCode, NO_BROKER } from '@milepost/core';
import type { TransactionCoordinator } from '@milepost/coordinators';
import { type ClusterImage, TRANSACTION_STATE_TOPIC } from '@milepost/metadata';
import { PeerUnreachable } from '@milepost/peer';
import { AddPartitionsToTxn } from '@milepost/wire';
import { coordinatorOf } from '../groups/led-shards.ts';
import type { Peers } from './peers.ts';
import type { PartitionsToVerify, TransactionVerifier } from './ports.ts';

export interface CoordinatedVerifierDeps {
  readonly brokerId: BrokerId;
  readonly image: () => ClusterImage;
  readonly coordinator: TransactionCoordinator;
  readonly peers: Pick<Peers, 'request'>;
}

export class CoordinatedVerifier implements TransactionVerifier {
  readonly #deps: CoordinatedVerifierDeps;

  constructor(deps: CoordinatedVerifierDeps) {
    this.#deps = deps;
  }

  async verify(asked: PartitionsToVerify): Promise<readonly ErrorCode[]> {
    const { brokerId, image, coordinator } = this.#deps;
    const shard = coordinator.shardOf(asked.transactionalId);
    const id = coordinatorOf(image(), TRANSACTION_STATE_TOPIC, shard)?.id ?? NO_BROKER;
    if (id === brokerId) return this.#verifyHere(asked);
    return id === NO_BROKER ? asked.partitions.map(() => ErrorCode.COORDINATOR_NOT_AVAILABLE) : this.#ask(id, asked);
  }

  async #verifyHere({ addsPartitions, partitions: asked, ...producer }: PartitionsToVerify) {
    const { coordinator } = this.#deps;
    const partitions = asked.map(({ topic, index }) => ({ topic, partition: index }));
    if (!addsPartitions) return coordinator.verifyPartitions({ ...producer, partitions });
    const error = await coordinator.addPartitions({ ...producer, partitions, clientVersion: 2 });
    return partitions.map(() => error);
  }

  async #ask(coordinator: BrokerId, { addsPartitions, partitions, ...producer }: PartitionsToVerify) {
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, of]) => ({
      name,
      partitions: of.map(({ index }) => index),
    }));
    const transactions = [{ ...producer, verifyOnly: !addsPartitions, topics }];
    try {
      const response = await this.#deps.peers.request(coordinator, AddPartitionsToTxn, { transactions });
      const errors = new Map(
        response.resultsByTransaction[0]?.topicResults.map(({ name, resultsByPartition }) => [
          name,
          new Map(resultsByPartition.map((one) => [one.partitionIndex, one.partitionErrorCode])),
        ]),
      );
      return partitions.map(({ topic, index }) => errors.get(topic)?.get(index) ?? ErrorCode.UNKNOWN_SERVER_ERROR);
    } catch (failure) {
      if (!(failure instanceof PeerUnreachable)) throw failure;
      return partitions.map(() => ErrorCode.NETWORK_EXCEPTION);
    }
  }
}
