// What a broker remembers and its database has lost: the database failed over to a standby that lacked the last commits.
// Brokers have acted on those: a leader has acknowledged records without the members that had left its ISR. Pure functions.
import type { BrokerId } from '@milepost/core';
import type { MetadataChange } from './changes.ts';
import type { BrokerState } from './broker-state.ts';
import { aliveBrokers, type ClusterImage } from './image.ts';
import { isLater } from './topic-state.ts';
import { historyOf } from './origin.ts';

/**
 * Brings the leaders, ISRs and replicas of the topics that the image still has, and the controller, to their later state in
 * `known`: the newest image that a broker has of the history before. Once every broker has committed this, the database has
 * what any of them remembers. Topics that were lost are not restored (docs/decisions/0017-a-database-that-went-back.md).
 */
export function lostCommits(image: ClusterImage, known: ClusterImage): MetadataChange[] {
  const changes: MetadataChange[] = [];
  // They may lead partitions: others take them for gone, and elect leaders, only if they are registered.
  for (const broker of known.brokers.values())
    if (!image.brokers.has(broker.id)) changes.push(...registeredAsFenced(broker));
  for (const { id, partitions } of image.topics.values()) {
    const before = known.topicsById.get(id)?.partitions;
    for (const stored of partitions) {
      const partition = before?.[stored.index];
      if (partition && isLater(partition, stored)) changes.push({ type: 'partition-restored', id, partition });
    }
  }
  if (known.controller.epoch > image.controller.epoch)
    changes.push({ type: 'controller-elected', ...known.controller });
  return changes;
}

/** Those that are not known to be gone, and have not restored yet what they remember: nobody is elected without them. */
export const silentBrokers = (image: ClusterImage): BrokerId[] =>
  aliveBrokers(image).flatMap(({ id, history }) =>
    history === null || history === historyOf(image.origin) ? [] : [id],
  );

function registeredAsFenced(state: BrokerState): MetadataChange[] {
  const { epoch: _, isFenced: __, history: ___, ...broker } = state;
  return [
    { type: 'broker-registered', broker },
    { type: 'broker-fencing-changed', id: broker.id, isFenced: true },
  ];
}
