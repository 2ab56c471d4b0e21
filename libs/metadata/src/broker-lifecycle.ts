// What a broker's coming and going changes for the cluster, each in one commit: it registers, it is fenced, it restarts. Pure
// functions from the image to changes, after KRaft's ClusterControlManager.
import { type BrokerId, LeaderEpoch, NO_BROKER } from '@milepost/core';
import { applied } from './applied.ts';
import type { BrokerRegistration, MetadataChange } from './changes.ts';
import {
  changedPartition,
  eachPartition,
  type Electorate,
  leadersFound,
  ledByOthers,
  reassignmentsCompleted,
} from './election.ts';
import { type ClusterImage, isAlive } from './image.ts';
import { silentBrokers } from './lost-commits.ts';

/**
 * It serves from now on, and leads what had no leader without it, unless others may remember one. Where there is no controller,
 * it is the controller.
 */
export function registered(electorate: Electorate, broker: BrokerRegistration): MetadataChange[] {
  const { image } = electorate;
  return [
    { type: 'broker-registered', broker },
    ...(silentBrokers(image).some((id) => id !== broker.id) ? [] : leadersFound(electorate, broker.id)),
    // A controller that restarts has forgotten what it had seen of the others.
    ...(hasController(image) && image.controller.id !== broker.id ? [] : [electedController(image, broker.id)]),
  ];
}

/** It is gone, or about to go: its partitions are led by others from now on, where others are in sync. Leaders take it out of the ISRs. */
export function fenced(electorate: Electorate, id: BrokerId): MetadataChange[] {
  const broker = electorate.image.brokers.get(id);
  return [...(broker && !broker.isFenced ? [fencing(id, true)] : []), ...ledByOthers(electorate, id)];
}

/** As `fenced`, by itself, at a clean stop: a controller resigns, so that nobody waits for its lease to end. */
export function left(electorate: Electorate, id: BrokerId): MetadataChange[] {
  const { controller } = electorate.image;
  const resignation = controller.id === id ? [electedController(electorate.image, NO_BROKER)] : [];
  return [...fenced(electorate, id), ...resignation];
}

/** It was fenced and holds its lease again. */
export const unfenced = (electorate: Electorate, id: BrokerId): MetadataChange[] =>
  electorate.image.brokers.get(id)?.isFenced ? [fencing(id, false), ...leadersFound(electorate, id)] : [];

/**
 * A broker that was not fenced has begun a new life, and serves nothing before it registers. Others that are in sync lead its
 * partitions. It remains in the ISRs: the others may be dead, and not declared gone yet. What nobody else can lead remains
 * its own: in a new epoch where there are other replicas, as they may have fetched what a power cut took from its log.
 */
export function restarted(image: ClusterImage, id: BrokerId): MetadataChange[] {
  if (!isAlive(image, id) || image.brokers.size === 1) return [];
  const moves = new Map(
    ledByOthers({ image, isUncleanAllowed: () => false }, id).flatMap((change) =>
      change.type === 'partition-changed' && change.partition.leader !== NO_BROKER
        ? [[`${change.id} ${change.partition.index}`, change]]
        : [],
    ),
  );
  const changes: MetadataChange[] = [fencing(id, true), ...moves.values()];
  for (const topic of image.topics.values())
    for (const partition of topic.partitions) {
      if (partition.leader !== id || partition.replicas.length === 1) continue;
      if (moves.has(`${topic.id} ${partition.index}`)) continue;
      const leaderEpoch = LeaderEpoch(partition.leaderEpoch + 1);
      const partitionEpoch = partition.partitionEpoch + 1;
      changes.push({
        type: 'partition-changed',
        id: topic.id,
        partition: { ...partition, leaderEpoch, partitionEpoch },
      });
    }
  return changes;
}

/**
 * A broker starts without the logs that it had: it leaves every ISR that has another member, alive or not, since that one
 * has what is lost here (KIP-966). A partition whose other members are all down has no leader until one is back.
 */
export function logsLost(image: ClusterImage, id: BrokerId): MetadataChange[] {
  const isEligible = (one: BrokerId): boolean => one !== id && isAlive(image, one);
  return eachPartition(image, (partition) => {
    const isr = partition.isr.filter((one) => one !== id);
    const isElsewhere = partition.isr.includes(id) && isr.length > 0;
    return isElsewhere ? changedPartition(partition, { isr }, isEligible) : undefined;
  });
}

/** Everything that the controller has to do now; nothing where all is well. */
export function controllerDuties(electorate: Electorate, isGone: (id: BrokerId) => boolean): MetadataChange[] {
  const changes: MetadataChange[] = [];
  let { image } = electorate;
  const add = (more: readonly MetadataChange[]): void => {
    if (more.length === 0) return;
    changes.push(...more);
    image = applied(image, more);
  };
  const gone = [...image.brokers.keys()].filter(isGone);
  // All of them are fenced first: none of them is elected in place of another.
  add(gone.flatMap((id) => (isAlive(image, id) ? [fencing(id, true)] : [])));
  if (silentBrokers(image).length > 0) return changes; // others may remember other leaders
  for (const id of gone) add(ledByOthers({ ...electorate, image }, id));
  add(leadersFound({ ...electorate, image }));
  add(reassignmentsCompleted(image));
  return changes;
}

/**
 * The change that makes a candidate the controller, where the present one is gone. `knownEpoch`: the epoch in which the candidate
 * knows itself to be the controller; in another one it would be elected without knowing (the response to its election was lost).
 */
export function controllerElection(
  image: ClusterImage,
  candidate: BrokerId,
  knownEpoch: number | undefined,
  isGone: (id: BrokerId) => boolean,
): MetadataChange[] {
  const { id, epoch } = image.controller;
  const isVacant = !hasController(image) || isGone(id) || (id === candidate && epoch !== knownEpoch);
  return isVacant && isAlive(image, candidate) ? [electedController(image, candidate)] : [];
}

const hasController = (image: ClusterImage): boolean => isAlive(image, image.controller.id);

const electedController = ({ controller }: ClusterImage, id: BrokerId): MetadataChange => ({
  type: 'controller-elected',
  id,
  epoch: controller.epoch + 1,
});

const fencing = (id: BrokerId, isFenced: boolean): MetadataChange => ({ type: 'broker-fencing-changed', id, isFenced });
