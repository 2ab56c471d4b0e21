// Changes leaders, replicas, brokers and quotas. They are decided on the true image, and the response is sent when they are
// applied.
import type { BrokerId } from '@milepost/core';
import type { ClusterImage, Electorate, MetadataChange, TopicState } from '@milepost/metadata';
import type { CommitQueue } from './commit-queue.ts';
import type { Refusal } from '../refusal.ts';
import {
  decideElection,
  decideReassignment,
  type NamedPartition,
  type NewReplicas,
  type PartitionMove,
  unregistered,
} from './leader-decisions.ts';
import { decideQuotas, type QuotaWish } from '../quotas/quota-decisions.ts';

export interface ClusterAdminDeps {
  readonly queue: CommitQueue;
  /** unclean.leader.election.enable of a topic in an image. */
  readonly isUncleanAllowed: (topic: TopicState, image: ClusterImage) => boolean;
}

export class ClusterAdmin {
  readonly #deps: ClusterAdminDeps;

  constructor(deps: ClusterAdminDeps) {
    this.#deps = deps;
  }

  /** In the order of the requests; undefined where a leader was elected. */
  elect(electionType: number, partitions: readonly NamedPartition[]): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run((image) => {
      const decisions = partitions.map((one) => decideElection(image, electionType, one));
      return {
        changes: onceEach(decisions.filter((decision) => 'type' in decision)),
        outcome: (failure) => decisions.map((decision) => ('error' in decision ? decision : failure)),
      };
    });
  }

  /** In the order of the requests; undefined where it is done. All of them or none. */
  reassign(wishes: readonly NewReplicas[], allowReplicationFactorChange: boolean): Promise<(Refusal | undefined)[]> {
    return this.#deps.queue.run((image) => {
      const electorate = this.#electorate(image);
      const decisions = wishes.map((wish) => decideReassignment(electorate, wish, allowReplicationFactorChange));
      return {
        changes: onceEach(decisions.flatMap((decision) => (decision && 'type' in decision ? [decision] : []))),
        outcome: (failure) =>
          decisions.map((decision) => (decision && 'error' in decision ? decision : decision && failure)),
      };
    });
  }

  /** Undefined: the broker is unregistered. */
  unregister(id: BrokerId): Promise<Refusal | undefined> {
    return this.#deps.queue.run((image) => {
      const decided = unregistered(this.#electorate(image), id);
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

  #electorate(image: ClusterImage): Electorate {
    return { image, isUncleanAllowed: (topic) => this.#deps.isUncleanAllowed(topic, image) };
  }
}

/** Of changes of the same partition the first: a request may name a partition twice. */
function onceEach(changes: readonly PartitionMove[]): PartitionMove[] {
  const seen = new Set<string>();
  return changes.filter(({ id, partition }) => {
    const key = `${id} ${partition.index}`;
    return !seen.has(key) && seen.add(key);
  });
}
