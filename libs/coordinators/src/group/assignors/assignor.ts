// Server-side assignors (KIP-848): pure functions that assign partitions to members. They are sticky: they keep as much of the
// previous assignment as they can. As in Kafka 4, none of them considers racks.
import type { Uuid } from '@milepost/core';

/** Partitions by topic. Topics without partitions are absent. */
export type Partitions = Readonly<Record<Uuid, readonly number[]>>;

export interface MemberToAssign {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Subscribed topics that exist. */
  readonly topics: readonly Uuid[];
  /** Its previous target. */
  readonly target: Partitions;
}

/** Assigns each partition (`0 <= partition < partitionsOf(topic)`) of each topic that has a subscriber. */
export type Assignor = (
  members: readonly MemberToAssign[],
  partitionsOf: (topic: Uuid) => number,
) => ReadonlyMap<string, Partitions>;

export type AssignorName = 'uniform' | 'range';
