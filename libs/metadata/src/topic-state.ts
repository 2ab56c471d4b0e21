// A topic of an image: its partitions with their replicas, leaders and epochs, and what was configured for it.
import type { BrokerId, LeaderEpoch, Uuid } from '@milepost/core';

export interface PartitionState {
  readonly index: number;
  readonly replicas: readonly BrokerId[];
  readonly isr: readonly BrokerId[];
  /** NO_BROKER while there is no leader. */
  readonly leader: BrokerId;
  readonly leaderEpoch: LeaderEpoch;
  /** Grows with every change of this row: the compare in compare-and-set. */
  readonly partitionEpoch: number;
  /** While replicas are reassigned: those of `replicas` that are new, and those that leave in the end. Else absent. */
  readonly addingReplicas?: readonly BrokerId[];
  readonly removingReplicas?: readonly BrokerId[];
}

/** Of two states of one partition in one history. */
export const isLater = (one: PartitionState, other: PartitionState): boolean =>
  one.leaderEpoch > other.leaderEpoch ||
  (one.leaderEpoch === other.leaderEpoch && one.partitionEpoch > other.partitionEpoch);

export type Configs = Readonly<Record<string, string>>;

export interface TopicState {
  readonly id: Uuid;
  readonly name: string;
  /** Only what was set for this topic, by Kafka's property names. */
  readonly configs: Configs;
  /** By index, without gaps. */
  readonly partitions: readonly PartitionState[];
}
