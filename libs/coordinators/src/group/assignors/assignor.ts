// Server-side assignors (KIP-848): who is to have which partitions. Pure functions; what they keep from the assignment
// before is what makes them sticky. As in Kafka 4, none of them looks at racks.
import type { Uuid } from '@milepost/core';

/** Partitions by topic. Topics without any are absent. */
export type Partitions = Readonly<Record<Uuid, readonly number[]>>;

export interface MemberToAssign {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Those that exist. */
  readonly topics: readonly Uuid[];
  /** What it was to have until now. */
  readonly target: Partitions;
}

/** A partition for each of a topic's `0 <= partition < partitionsOf(topic)`, as far as someone subscribes to it. */
export type Assignor = (
  members: readonly MemberToAssign[],
  partitionsOf: (topic: Uuid) => number,
) => ReadonlyMap<string, Partitions>;

export type AssignorName = 'uniform' | 'range';
