// Changes leaders, replicas, brokers and quotas. They are decided on the true image, and the response is sent when they are
// applied.
import type { BrokerId } from '@milepost/core';
import type { ClusterImage, MetadataChange } from '@milepost/metadata';
import type { CommitQueue } from './commit-queue.ts';
import type { Refusal } from '../refusal.ts';
import { decideReassignment, electionRefusal, type NewReplicas, unregistered } from './leader-decisions.ts';
import { decideQuotas, type QuotaWish } from '../quotas/quota-decisions.ts';

export interface ClusterAdminDeps {
  readonly brokerId: BrokerId;
  readonly queue: CommitQueue;
  /** The newest image that this broker knows. */
  readonly image: () => ClusterImage;
}

export interface NamedPartition {
  readonly topic: string;
  readonly partition: number;
}

export class ClusterAdmin {
  readonly #deps: ClusterAdminDeps;

  constructor(deps: ClusterAdminDeps) {
    this.#deps = deps;
  }

  /** For each partition, why no leader was elected: leaders never change, as no data moves between brokers. */
  elect(electionType: number, partitions: readonly NamedPartition[]): Refusal[] {
    return partitions.map((one) => electionRefusal(this.#deps.image(), electionType, one));
  }

  /** In the order of the requests; undefined where it is done. All of them or none. */
  reassign(wishes: readonly NewReplicas[], allowReplicationFactorChange: boolean): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run((image) => {
      const decisions = wishes.map((wish) => decideReassignment(image, wish, allowReplicationFactorChange));
      return {
        changes: decisions.flatMap((decision) => (decision && 'type' in decision ? [decision] : [])),
        outcome: (failure) =>
          decisions.map((decision) => (decision && 'error' in decision ? decision : decision && failure)),
      };
    });
  }

  /** Undefined: the broker is unregistered. */
  unregister(id: BrokerId): Promise<Refusal | undefined> {
    return this.#deps.queue.run((image) => {
      const decided = unregistered(image, id, this.#deps.brokerId);
      const isRefused = 'error' in decided;
      return {
        changes: isRefused ? [] : decided,
        outcome: (failure) => (isRefused ? decided : failure),
      };
    });
  }

  /** In the order of the requests; undefined where it is done, or would be. */
  alterQuotas(wishes: readonly QuotaWish[], validateOnly: boolean): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run(({ clientQuotas }) => {
      const decisions = decideQuotas(clientQuotas, wishes);
      const changes = decisions.filter((decision): decision is MetadataChange => 'type' in decision);
      return {
        changes: validateOnly ? [] : changes,
        outcome: (failure) => decisions.map((decision) => ('error' in decision ? decision : failure)),
      };
    });
  }
}
