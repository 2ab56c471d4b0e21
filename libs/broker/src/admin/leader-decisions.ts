// What administrators may do to leaders and replicas, by Kafka's rules: pure functions from the image and a request to changes
// or a refusal. Which replica leads after a change is decided in libs/metadata (election.ts).
import { type BrokerId, ErrorCode, NO_BROKER } from '@milepost/core';
import {
  changedPartition,
  type ClusterImage,
  type Electorate,
  isAlive,
  type MetadataChange,
  type PartitionState,
  withoutBroker,
} from '@milepost/metadata';
import { ElectionType } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';

export interface NamedPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface NewReplicas extends NamedPartition {
  /** Null: cancel the reassignment in progress. */
  readonly replicas: readonly BrokerId[] | null;
}

export type PartitionMove = Extract<MetadataChange, { type: 'partition-changed' }>;

/** `electionType`: one of ElectionType. */
export function decideElection(
  image: ClusterImage,
  electionType: number,
  { topic, partition }: NamedPartition,
): PartitionMove | Refusal {
  const found = image.topics.get(topic);
  const state = found?.partitions[partition];
  if (!found || !state) return unknown(topic, partition);
  const isPreferred = electionType === ElectionType.PREFERRED;
  const hasWanted = isPreferred ? state.leader === state.replicas[0] : state.leader !== NO_BROKER;
  if (hasWanted) return refusal(ErrorCode.ELECTION_NOT_NEEDED, `${topic}-${partition} has that leader`);
  const changed = changedPartition(state, {}, (id) => isAlive(image, id), isPreferred ? 'preferred' : 'unclean');
  if (changed) return { type: 'partition-changed', id: found.id, partition: changed };
  return isPreferred
    ? refusal(
        ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
        `broker ${state.replicas[0]} is not alive, or not in sync with ${topic}-${partition}`,
      )
    : refusal(ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE, `no broker that has ${topic}-${partition} is alive`);
}

/** Undefined where there is nothing to change. */
export function decideReassignment(
  { image, isUncleanAllowed }: Electorate,
  { topic, partition, replicas }: NewReplicas,
  allowReplicationFactorChange: boolean,
): PartitionMove | Refusal | undefined {
  const found = image.topics.get(topic);
  const state = found?.partitions[partition];
  if (!found || !state) return unknown(topic, partition);
  const name = `${topic}-${partition}`;
  const isEligible = (id: BrokerId): boolean => isAlive(image, id);
  const asChange = (changed: PartitionState | undefined): PartitionMove | undefined =>
    changed && { type: 'partition-changed', id: found.id, partition: changed };
  if (!replicas) {
    const former = beforeReassignment(state);
    if (!former) return refusal(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, `${name} is not being reassigned`);
    const isr = state.isr.filter((id) => former.includes(id));
    if (isr.length === 0 && !isUncleanAllowed(found))
      return refusal(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Unable to revert partition assignment for ${topic}:${partition} because it would require an unclean leader election.`,
      );
    const kind = isr.length === 0 ? 'unclean' : 'keep';
    const wanted = { replicas: former, isr, addingReplicas: [], removingReplicas: [] };
    return asChange(changedPartition(state, wanted, isEligible, kind));
  }
  const problem = replicasProblem(image, replicas);
  if (problem) return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  const current = beforeReassignment(state) ?? state.replicas;
  if (!allowReplicationFactorChange && replicas.length !== current.length)
    return refusal(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `${name}: expected ${current.length} replicas, seen ${replicas.length}`,
    );
  const removingReplicas = state.replicas.filter((id) => !replicas.includes(id)).toSorted((a, b) => a - b);
  // A replica that an earlier reassignment is still adding has not got the data only because this one wants it too.
  const addingReplicas = replicas.filter((id) => !current.includes(id)).toSorted((a, b) => a - b);
  const wanted = { replicas: [...replicas, ...removingReplicas], addingReplicas, removingReplicas };
  return asChange(changedPartition(state, wanted, isEligible));
}

/** The replicas that a cancellation would restore; undefined where no reassignment is in progress. */
function beforeReassignment({
  replicas,
  addingReplicas = [],
  removingReplicas = [],
}: PartitionState): BrokerId[] | undefined {
  if (addingReplicas.length + removingReplicas.length === 0) return undefined;
  return replicas.filter((id) => !addingReplicas.includes(id));
}

/** All changes that unregister a broker. */
export function unregistered(electorate: Electorate, id: BrokerId): readonly MetadataChange[] | Refusal {
  const { image } = electorate;
  if (!image.brokers.has(id)) return refusal(ErrorCode.BROKER_ID_NOT_REGISTERED, `broker ${id} is not registered`);
  if (isAlive(image, id))
    return refusal(
      ErrorCode.INVALID_REQUEST,
      `broker ${id} is running: stop it, and send the request to another broker`,
    );
  return [...withoutBroker(electorate, id), { type: 'broker-removed', id }];
}

function replicasProblem(image: ClusterImage, replicas: readonly BrokerId[]): string | undefined {
  if (replicas.length === 0) return 'The manual partition assignment includes an empty replica list.';
  const absent = replicas.find((id) => !image.brokers.has(id));
  if (absent !== undefined)
    return `The manual partition assignment includes broker ${absent}, but no such broker is registered.`;
  const twice = replicas.find((id, place) => replicas.indexOf(id) < place);
  if (twice === undefined) return undefined;
  return `The manual partition assignment includes the broker ${twice} more than once.`;
}

const unknown = (topic: string, partition: number): Refusal =>
  refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no partition ${topic}-${partition}`);
