// The brokers of each partition. Pure: the same brokers and the same start give the same placement.
//
// Replicas go round the racks first and round the brokers of each rack within; each partition begins one rack further, and
// each full round of the racks one broker further. With racks a (1 2), b (3 4), c (5 6) and two replicas, from 0:
//   0: 1 3    1: 3 5    2: 5 1    3: 2 4    4: 4 6    5: 6 2
import { type BrokerId, invariant, LeaderEpoch } from '@milepost/core';
import type { BrokerState } from './broker-state.ts';
import type { PartitionState } from './topic-state.ts';

export interface PlacementRequest {
  /** The brokers that may get replicas. */
  readonly brokers: readonly Pick<BrokerState, 'id' | 'rack'>[];
  readonly partitions: number;
  /** At most the number of brokers. The caller refuses a larger one with INVALID_REPLICATION_FACTOR. */
  readonly replicationFactor: number;
  /** The place to begin at, any whole number from 0. A random one spreads topics over the brokers. */
  readonly start: number;
  /** Index of the first partition; more than 0 when partitions are added. */
  readonly firstIndex?: number;
}

/** New partitions, led by their first replica, all replicas in sync. */
export function placePartitions(request: PlacementRequest): PartitionState[] {
  const { brokers, partitions, replicationFactor, start, firstIndex = 0 } = request;
  invariant(replicationFactor >= 1 && replicationFactor <= brokers.length, () => {
    return `${replicationFactor} replicas on ${brokers.length} brokers`;
  });
  const racks = racksOf(brokers);
  return Array.from({ length: partitions }, (_, place) => {
    const replicas = stripe(racks, replicationFactor, start + place);
    return partitionOn(firstIndex + place, replicas);
  });
}

/** A new partition on the given brokers: the first leads, all are in sync. */
export function partitionOn(index: number, replicas: readonly BrokerId[]): PartitionState {
  const leader = replicas[0];
  invariant(leader !== undefined, () => `partition ${index} has no replica`);
  return { index, replicas, isr: replicas, leader, leaderEpoch: LeaderEpoch(0), partitionEpoch: 0 };
}

/** Brokers without a rack share one. */
function racksOf(brokers: PlacementRequest['brokers']): BrokerId[][] {
  const racks = new Map<string, BrokerId[]>();
  for (const { id, rack } of brokers.toSorted((a, b) => a.id - b.id)) {
    const mates = racks.get(rack ?? '');
    if (mates) mates.push(id);
    else racks.set(rack ?? '', [id]);
  }
  return [...racks.keys()].toSorted().map((rack) => racks.get(rack) ?? []);
}

function stripe(racks: readonly (readonly BrokerId[])[], count: number, step: number): BrokerId[] {
  const chosen: BrokerId[] = [];
  const turn = Math.floor(step / racks.length);
  for (let round = 0; chosen.length < count; round++)
    for (let place = 0; place < racks.length && chosen.length < count; place++) {
      const rack = racks[(step + place) % racks.length] ?? [];
      const broker = round < rack.length ? rack[(turn + round) % rack.length] : undefined;
      if (broker !== undefined) chosen.push(broker);
    }
  return chosen;
}
