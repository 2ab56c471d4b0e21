// Who leads a partition, and who is in its ISR, after something has happened: a broker is gone or back, replicas are
// reassigned, an administrator asks for an election. Pure functions from the image to changes, after Kafka's
// PartitionChangeBuilder and ReplicationControlManager.
//
// Promises: a leader is elected from the ISR only, and from elsewhere only where the topic allows an unclean election. Each
// new leader has a new leader epoch, each change a new partition epoch. An ISR never becomes empty.
import { type BrokerId, LeaderEpoch, NO_BROKER } from '@milepost/core';
import type { MetadataChange } from './changes.ts';
import { type ClusterImage, isAlive } from './image.ts';
import type { PartitionState, TopicState } from './topic-state.ts';

/** What an election may rely on. */
export interface Electorate {
  readonly image: ClusterImage;
  /** unclean.leader.election.enable, as it applies to a topic. */
  readonly isUncleanAllowed: (topic: TopicState) => boolean;
}

/** `keep`: the leader stays where it can. `preferred`: the first replica leads where it can. `unclean`: any replica may. */
export type ElectionKind = 'keep' | 'preferred' | 'unclean';

type Wanted = Partial<Pick<PartitionState, 'replicas' | 'isr' | 'addingReplicas' | 'removingReplicas'>>;

/** The partition after `wanted`, with the leader that it then has; undefined where nothing changes. */
export function changedPartition(
  partition: PartitionState,
  wanted: Wanted,
  isEligible: (id: BrokerId) => boolean,
  kind: ElectionKind = 'keep',
): PartitionState | undefined {
  const state = completed({ ...partition, ...wanted });
  const { leader, isr } = elected(state, isEligible, kind);
  const isDropped = partition.replicas.some((id) => !state.replicas.includes(id));
  // Kafka: a replica that has left must notice, by an epoch that is over.
  const isNewEpoch = leader !== partition.leader || isDropped;
  const { addingReplicas = [], removingReplicas = [], ...rest } = state;
  const changed: PartitionState = {
    ...rest,
    isr,
    leader,
    leaderEpoch: isNewEpoch ? LeaderEpoch(partition.leaderEpoch + 1) : partition.leaderEpoch,
    partitionEpoch: partition.partitionEpoch + 1,
    ...(addingReplicas.length > 0 && { addingReplicas }),
    ...(removingReplicas.length > 0 && { removingReplicas }),
  };
  return isSame(partition, changed) ? undefined : changed;
}

/**
 * A reassignment is complete once every new replica is in the ISR, and the ISR holds a replica that stays. Where there will be
 * fewer replicas than before, all that stay must be in it, or its completion would shrink the ISR.
 */
function completed(state: PartitionState): PartitionState {
  const { replicas, isr, addingReplicas: adding = [], removingReplicas: removing = [] } = state;
  if (adding.length + removing.length === 0) return state;
  const inSync = isr.filter((id) => !removing.includes(id));
  const staying = replicas.filter((id) => !removing.includes(id));
  const awaited = adding.length < removing.length ? staying : adding;
  if (inSync.length === 0 || !awaited.every((id) => inSync.includes(id))) return state;
  return { ...state, replicas: staying, isr: inSync, addingReplicas: [], removingReplicas: [] };
}

function elected(
  { replicas, isr, leader }: PartitionState,
  isEligible: (id: BrokerId) => boolean,
  kind: ElectionKind,
): Pick<PartitionState, 'leader' | 'isr'> {
  const isCandidate = (id: BrokerId | undefined): id is BrokerId =>
    id !== undefined && isr.includes(id) && isEligible(id);
  if (kind === 'preferred' && isCandidate(replicas[0])) return { leader: replicas[0], isr };
  if (replicas.includes(leader) && isCandidate(leader)) return { leader, isr };
  const clean = replicas.find(isCandidate);
  if (clean !== undefined) return { leader: clean, isr };
  const unclean = kind === 'unclean' ? replicas.find(isEligible) : undefined;
  // The others may have what this one lacks: they are in sync again once they have truncated to it.
  return unclean === undefined ? { leader: NO_BROKER, isr } : { leader: unclean, isr: [unclean] };
}

const isSame = (one: PartitionState, other: PartitionState): boolean =>
  one.leader === other.leader &&
  one.isr.join() === other.isr.join() &&
  one.replicas.join() === other.replicas.join() &&
  (one.addingReplicas ?? []).join() === (other.addingReplicas ?? []).join() &&
  (one.removingReplicas ?? []).join() === (other.removingReplicas ?? []).join();

/**
 * A broker is gone, or about to go: its partitions get other leaders from their ISRs. It remains in the ISRs, with everything
 * that they have, until a leader takes it out (docs/decisions/0045-a-leader-takes-others-out-of-the-isr.md).
 */
export function ledByOthers(electorate: Electorate, gone: BrokerId): MetadataChange[] {
  const { image } = electorate;
  const isEligible = (id: BrokerId): boolean => id !== gone && isAlive(image, id);
  return eachPartition(image, (partition, topic) => {
    if (partition.leader !== gone) return undefined;
    return changedPartition(partition, {}, isEligible, electorate.isUncleanAllowed(topic) ? 'unclean' : 'keep');
  });
}

/** A broker is gone for good: it leaves the ISRs too, where another member is alive. */
export function withoutBroker(electorate: Electorate, gone: BrokerId): MetadataChange[] {
  const { image } = electorate;
  const isEligible = (id: BrokerId): boolean => id !== gone && isAlive(image, id);
  return eachPartition(image, (partition, topic) => {
    const { isr, leader } = partition;
    if (leader !== gone && !isr.includes(gone)) return undefined;
    const rest = isr.filter((id) => id !== gone);
    const kind = electorate.isUncleanAllowed(topic) ? 'unclean' : 'keep';
    return changedPartition(partition, rest.some(isEligible) ? { isr: rest } : {}, isEligible, kind);
  });
}

/** Partitions that have no leader and could have one. `returning`: a broker that is about to be unfenced. */
export function leadersFound({ image, isUncleanAllowed }: Electorate, returning?: BrokerId): MetadataChange[] {
  const isEligible = (id: BrokerId): boolean => id === returning || isAlive(image, id);
  return eachPartition(image, (partition, topic) => {
    if (partition.leader !== NO_BROKER) return undefined;
    return changedPartition(partition, {}, isEligible, isUncleanAllowed(topic) ? 'unclean' : 'keep');
  });
}

/** Reassignments whose new replicas are in the ISR. */
export function reassignmentsCompleted(image: ClusterImage): MetadataChange[] {
  return eachPartition(image, (partition) => {
    const { addingReplicas = [], removingReplicas = [] } = partition;
    if (addingReplicas.length + removingReplicas.length === 0) return undefined;
    const state = completed(partition);
    return state === partition ? undefined : changedPartition(partition, {}, (id) => isAlive(image, id));
  });
}

/** The first `most` partitions whose preferred leader could lead, and does not. */
export function preferredLeaders(image: ClusterImage, most: number): MetadataChange[] {
  let left = most;
  return eachPartition(image, (partition) => {
    const preferred = partition.replicas[0];
    if (left === 0 || partition.leader === preferred) return undefined;
    const changed = changedPartition(partition, {}, (id) => isAlive(image, id), 'preferred');
    if (changed?.leader !== preferred) return undefined;
    left--;
    return changed;
  });
}

/** A change for each partition that `change` has one for. */
export function eachPartition(
  { topics }: ClusterImage,
  change: (partition: PartitionState, topic: TopicState) => PartitionState | undefined,
): MetadataChange[] {
  const changes: MetadataChange[] = [];
  for (const topic of topics.values())
    for (const one of topic.partitions) {
      const partition = change(one, topic);
      if (partition) changes.push({ type: 'partition-changed', id: topic.id, partition });
    }
  return changes;
}
