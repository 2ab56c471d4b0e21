// Decides on changes of leaders and replicas, by Kafka's rules: pure functions from the image and a request to a change
// or a refusal. No data moves between brokers: a leader stays, new replicas are refused, and any other change is made.
import { type BrokerId, ErrorCode, NO_BROKER } from '@milepost/core';
import type { ClusterImage, MetadataChange, PartitionState } from '@milepost/metadata';
import { ElectionType } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';

export interface NewReplicas {
  readonly topic: string;
  readonly partition: number;
  /** Null: cancel the reassignment in progress. */
  readonly replicas: readonly BrokerId[] | null;
}

export function electionRefusal(
  image: ClusterImage,
  electionType: number,
  { topic, partition }: Omit<NewReplicas, 'replicas'>,
): Refusal {
  const state = image.topics.get(topic)?.partitions[partition];
  if (!state) return unknown(topic, partition);
  const isPreferred = electionType === ElectionType.PREFERRED;
  const hasWanted = isPreferred ? state.leader === state.replicas[0] : state.leader !== NO_BROKER;
  if (hasWanted) return refusal(ErrorCode.ELECTION_NOT_NEEDED, `${topic}-${partition} has that leader`);
  return isPreferred
    ? refusal(
        ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
        `broker ${state.replicas[0]} has no copy of ${topic}-${partition}`,
      )
    : refusal(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, `no other broker has a copy of ${topic}-${partition}`);
}

/** Undefined where there is nothing to change. */
export function decideReassignment(
  image: ClusterImage,
  { topic, partition, replicas }: NewReplicas,
  allowReplicationFactorChange: boolean,
): MetadataChange | Refusal | undefined {
  const state = image.topics.get(topic);
  const current = state?.partitions[partition];
  if (!state || !current) return unknown(topic, partition);
  if (!replicas) return refusal(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, `${topic}-${partition} is not being reassigned`);
  const problem = replicasProblem(image, replicas, current);
  if (problem) return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `${topic}-${partition}: ${problem}`);
  if (!allowReplicationFactorChange && replicas.length !== current.replicas.length)
    return refusal(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `${topic}-${partition}: expected ${current.replicas.length} replicas, seen ${replicas.length}`,
    );
  if (replicas.join() === current.replicas.join()) return undefined;
  const isr = current.isr.filter((id) => replicas.includes(id));
  const changed = { ...current, replicas, isr, partitionEpoch: current.partitionEpoch + 1 };
  return { type: 'partition-changed', id: state.id, partition: changed };
}

/** All changes that unregister a broker. */
export function unregistered(image: ClusterImage, id: BrokerId, own: BrokerId): readonly MetadataChange[] | Refusal {
  if (!image.brokers.has(id)) return refusal(ErrorCode.BROKER_ID_NOT_REGISTERED, `broker ${id} is not registered`);
  if (id === own)
    return refusal(
      ErrorCode.INVALID_REQUEST,
      `broker ${id} is running: stop it, and send the request to another broker`,
    );
  const changes: MetadataChange[] = [{ type: 'broker-removed', id }];
  for (const topic of image.topics.values())
    for (const partition of topic.partitions)
      if (partition.isr.includes(id) || partition.leader === id)
        changes.push({ type: 'partition-changed', id: topic.id, partition: without(partition, id) });
  return changes;
}

/** The last in-sync replica remains in the list, as in Kafka: it is the one that has everything. */
function without(partition: PartitionState, id: BrokerId): PartitionState {
  const rest = partition.isr.filter((one) => one !== id);
  return {
    ...partition,
    isr: rest.length > 0 ? rest : partition.isr,
    leader: partition.leader === id ? NO_BROKER : partition.leader,
    partitionEpoch: partition.partitionEpoch + 1,
  };
}

function replicasProblem(
  image: ClusterImage,
  replicas: readonly BrokerId[],
  { replicas: current, leader }: PartitionState,
): string | undefined {
  if (replicas.length === 0) return 'a partition needs a replica';
  const absent = replicas.find((id) => !image.brokers.has(id));
  if (absent !== undefined) return `there is no broker ${absent}`;
  if (new Set(replicas).size < replicas.length) return `a broker is named twice: ${replicas.join(', ')}`;
  const added = replicas.find((id) => !current.includes(id));
  if (added !== undefined) return `broker ${added} has no copy of it, and none can be made: data stays where it is`;
  return replicas.includes(leader) ? undefined : `its leader, ${leader}, must stay`;
}

const unknown = (topic: string, partition: number): Refusal =>
  refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no partition ${topic}-${partition}`);
