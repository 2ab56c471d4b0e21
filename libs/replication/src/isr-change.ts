// Changes of in-sync replicas, decided on the true image by compare-and-set (KIP-497): on the leader epoch, the partition
// epoch, and the broker epoch of every member that is added (KIP-903). Pure.
import type { BrokerId, LeaderEpoch, Uuid } from '@milepost/core';
import { type ClusterImage, isAlive, type MetadataChange, type PartitionState } from '@milepost/metadata';

export interface IsrMember {
  readonly id: BrokerId;
  /** Of the life that the leader has seen fetching; -1: it does not know one. */
  readonly brokerEpoch: number;
}

/** The ISR that a leader wants, and what it knew when it chose it. */
export interface IsrProposal {
  readonly topic: string;
  readonly topicId: Uuid;
  readonly index: number;
  readonly leaderEpoch: LeaderEpoch;
  readonly partitionEpoch: number;
  readonly members: readonly IsrMember[];
}

export const partitionOf = (
  { topicsById }: ClusterImage,
  { topicId, index }: IsrProposal,
): PartitionState | undefined => topicsById.get(topicId)?.partitions[index];

/** Of the proposals of the broker `leader`; those that do not fit the image are left out. */
export function decideIsrChanges(
  image: ClusterImage,
  leader: BrokerId,
  proposals: readonly IsrProposal[],
): MetadataChange[] {
  return proposals.flatMap((proposal): MetadataChange[] => {
    const state = partitionOf(image, proposal);
    if (!state || !isCurrent(state, leader, proposal) || !isEligible(image, state, proposal)) return [];
    const isr = proposal.members.map(({ id }) => id);
    const partition = { ...state, isr, partitionEpoch: state.partitionEpoch + 1 };
    return [{ type: 'partition-changed', id: proposal.topicId, partition }];
  });
}

const isCurrent = (state: PartitionState, leader: BrokerId, proposal: IsrProposal): boolean =>
  state.leader === leader &&
  state.leaderEpoch === proposal.leaderEpoch &&
  state.partitionEpoch === proposal.partitionEpoch;

/** A member that was in sync need not be alive: if it has to leave, its leader proposes that. */
const isEligible = (
  image: ClusterImage,
  { replicas, isr, leader }: PartitionState,
  { members }: IsrProposal,
): boolean =>
  members.some(({ id }) => id === leader) &&
  members.every((member) => replicas.includes(member.id) && (isr.includes(member.id) || mayJoin(image, member)));

const mayJoin = (image: ClusterImage, { id, brokerEpoch }: IsrMember): boolean =>
  isAlive(image, id) && (brokerEpoch === -1 || image.brokers.get(id)?.epoch === brokerEpoch);
