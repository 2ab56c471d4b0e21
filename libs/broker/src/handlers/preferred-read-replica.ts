// KIP-392: the in-sync follower in a consumer's rack that the leader sends it to, by Kafka's RackAwareReplicaSelector. The
// leader itself where it is in that rack; else the follower that has most, of those the one that was caught up last.
import type { BrokerId } from '@milepost/core';
import { isAlive } from '@milepost/metadata';
import type { Partition } from '@milepost/replication';
import type { FetchRequest } from '@milepost/wire';
import type { AskedPartition } from '../fetch-sessions/fetch-session.ts';
import type { Context } from '../services.ts';

/** Undefined: read on here. */
export function preferredReadReplica(
  partition: Partition,
  { fetchOffset }: AskedPartition,
  { rackId }: FetchRequest,
  { services }: Context,
): BrokerId | undefined {
  if (rackId === '' || !services.settings.replication.isRackAware || !partition.isLeader) return undefined;
  if (services.config.rack === rackId) return undefined;
  const image = services.image();
  const near = partition
    .readReplicas(fetchOffset)
    .filter(({ brokerId }) => isAlive(image, brokerId) && image.brokers.get(brokerId)?.rack === rackId);
  const [best] = near.toSorted((a, b) => b.logEndOffset - a.logEndOffset || b.lastCaughtUpMs - a.lastCaughtUpMs);
  return best?.brokerId;
}
