// What a transaction's coordinator says of partitions that a producer is about to write to, or to commit offsets in.
import { ErrorCode } from '@milepost/core';
import type { TransactionCoordinator } from '@milepost/coordinators';
import type { PartitionsToVerify, TransactionVerifier } from './ports.ts';

export class CoordinatedVerifier implements TransactionVerifier {
  readonly #coordinator: TransactionCoordinator;

  constructor(coordinator: TransactionCoordinator) {
    this.#coordinator = coordinator;
  }

  async verify({ addsPartitions, partitions: asked, ...producer }: PartitionsToVerify): Promise<readonly ErrorCode[]> {
    const partitions = asked.map(({ topic, index }) => ({ topic, partition: index }));
    if (!addsPartitions) return this.#coordinator.verifyPartitions({ ...producer, partitions });
    const error = await this.#coordinator.addPartitions({ ...producer, partitions, clientVersion: 2 });
    return partitions.map(() => error);
  }
}
