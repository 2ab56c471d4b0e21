// A share group (KIP-932): its members, and the partitions that each of them reads. A partition may have several readers, so
// no member ever waits until another one gives a partition up. The state is plain, immutable data, stored as it is; what
// is in flight belongs to the leaders of the partitions (../../share).
//
// Group epoch: counts the changes that need a new assignment. Target epoch: the group epoch of the current targets.
import type { Uuid } from '@milepost/core';
import type { Partitions } from '../assignors/assignor.ts';
import type { StoredGroup } from '../model/store.ts';

export interface ShareMember {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly topicNames: readonly string[];
  readonly memberEpoch: number;
  readonly previousEpoch: number;
  readonly assigned: Partitions;
  readonly target: Partitions;
}

export interface ShareState {
  readonly groupEpoch: number;
  readonly targetEpoch: number;
  /** 0: never. */
  readonly targetAt: number;
  /** What the assignment depends on, as of the group epoch. */
  readonly topicsHash: string;
  readonly members: readonly ShareMember[];
  /** The partitions that have a row for what is in flight: only these are assigned. */
  readonly initialized: Partitions;
}

export type ShareGroupState = 'Empty' | 'Stable';

const NOBODY: ShareState = { groupEpoch: 0, targetEpoch: 0, targetAt: 0, topicsHash: '', members: [], initialized: {} };

export class ShareGroup {
  readonly kind = 'share';
  readonly protocolType = 'share';
  readonly groupId: string;
  readonly data: ShareState;
  readonly members: ReadonlyMap<string, ShareMember>;

  constructor(groupId: string, data: ShareState = NOBODY) {
    this.groupId = groupId;
    this.data = data;
    this.members = new Map(data.members.map((member) => [member.memberId, member]));
  }

  with(changes: Partial<ShareState>): ShareGroup {
    return new ShareGroup(this.groupId, { ...this.data, ...changes });
  }

  /** Adds the member, or replaces the one with that id. */
  put(member: ShareMember): ShareGroup {
    const { members } = this.data;
    if (!this.members.has(member.memberId)) return this.with({ members: [...members, member] });
    return this.with({ members: members.map((each) => (each.memberId === member.memberId ? member : each)) });
  }

  get generation(): number {
    return this.data.groupEpoch;
  }

  get stored(): StoredGroup {
    return { groupId: this.groupId, kind: 'share', generation: this.data.groupEpoch, state: this.data };
  }

  get state(): ShareGroupState {
    return this.isDeserted ? 'Empty' : 'Stable';
  }

  get isDeserted(): boolean {
    return this.data.members.length === 0;
  }

  isSubscribedTo(topic: string): boolean {
    return this.data.members.some(({ topicNames }) => topicNames.includes(topic));
  }

  /** Of all members, sorted. */
  get topicNames(): readonly string[] {
    return [...new Set(this.data.members.flatMap(({ topicNames }) => topicNames))].toSorted();
  }
}

/** By topic, with the partitions in order; topics without partitions are left out. */
export const withPartitions = (known: Partitions, topicId: Uuid, more: readonly number[]): Partitions => ({
  ...known,
  [topicId]: [...new Set([...(known[topicId] ?? []), ...more])].toSorted((a, b) => a - b),
});
