// A group of the consumer protocol (KIP-848). Its state is plain, immutable data, stored as it is; each command makes the next
// one. Everything else in this class is computed from it.
//
// Group epoch: counts the changes that need a new assignment. Target epoch: the group epoch of the current target assignment.
// Member epoch: the target epoch that the member has reached.
import { isDeepStrictEqual } from 'node:util';
import { invariant, type Uuid } from '@milepost/core';
import type { StoredGroup } from '../model/store.ts';
import type { Partitions } from '../assignors/assignor.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../model/context.ts';
import type { GroupConfig } from '../model/config.ts';
import type { ClassicFace } from './embedded-protocol.ts';

/** Partitions by topic, each with the member epoch in which it was assigned. */
export type Assigned = Readonly<Record<Uuid, Readonly<Record<number, number>>>>;

/**
 * stable: has its target of its epoch. unrevoked: must give up partitions and has not confirmed that yet. unreleased: waits
 * for partitions that other members still hold.
 */
export type MemberState = 'stable' | 'unrevoked' | 'unreleased';

export interface ConsumerMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly topicNames: readonly string[];
  /** '' and null: none. */
  readonly topicRegex: string | null;
  readonly assignor: string | null;
  /** For a member of the classic protocol; null: the consumer protocol. */
  readonly classic: ClassicFace | null;
  /** STATIC_MEMBER_LEFT: it has left for a while and keeps its place. */
  readonly memberEpoch: number;
  readonly previousEpoch: number;
  readonly state: MemberState;
  readonly assigned: Assigned;
  /** Revoked, and not yet given up. */
  readonly revoking: Assigned;
  readonly target: Partitions;
}

export interface ConsumerState {
  readonly groupEpoch: number;
  readonly targetEpoch: number;
  /** 0: never. */
  readonly targetAt: number;
  /** A hash of the subscribed topics as of the group epoch. */
  readonly topicsHash: string;
  readonly members: readonly ConsumerMember[];
  readonly regexes: readonly ResolvedRegex[];
}

export interface ResolvedRegex {
  readonly regex: string;
  readonly topics: readonly string[];
}

export const LEAVE = -1;
export const STATIC_MEMBER_LEFT = -2;

const NOBODY: ConsumerState = { groupEpoch: 0, targetEpoch: 0, targetAt: 0, topicsHash: '', members: [], regexes: [] };

export type ConsumerGroupState = 'Empty' | 'Assigning' | 'Reconciling' | 'Stable';

export class ConsumerGroup {
  readonly kind = 'consumer';
  readonly protocolType = CONSUMER_PROTOCOL_TYPE;
  readonly groupId: string;
  readonly data: ConsumerState;
  readonly members: ReadonlyMap<string, ConsumerMember>;
  #owners: ReadonlyMap<Uuid, ReadonlyMap<number, string>> | undefined;
  #subscribed: ReadonlySet<string> | undefined;

  constructor(groupId: string, data: ConsumerState = NOBODY) {
    this.groupId = groupId;
    this.data = data;
    this.members = new Map(data.members.map((member) => [member.memberId, member]));
  }

  with(changes: Partial<ConsumerState>): ConsumerGroup {
    return new ConsumerGroup(this.groupId, { ...this.data, ...changes });
  }

  /** Adds the member, or replaces the one with that id. */
  put(member: ConsumerMember, inPlaceOf = member.memberId): ConsumerGroup {
    const { members } = this.data;
    if (isDeepStrictEqual(this.members.get(inPlaceOf), member)) return this;
    const others = members.map((each) => (each.memberId === inPlaceOf ? member : each));
    return this.with({ members: this.members.has(inPlaceOf) ? others : [...members, member] });
  }

  get stored(): StoredGroup {
    return { groupId: this.groupId, kind: 'consumer', generation: this.data.groupEpoch, state: this.data };
  }

  get state(): ConsumerGroupState {
    const { groupEpoch, targetEpoch, members } = this.data;
    if (members.length === 0) return 'Empty';
    if (groupEpoch > targetEpoch) return 'Assigning';
    return members.every((member) => isReconciled(member, targetEpoch)) ? 'Stable' : 'Reconciling';
  }

  get isDeserted(): boolean {
    return this.data.members.length === 0;
  }

  member(memberId: string): ConsumerMember {
    const member = this.members.get(memberId);
    invariant(member, () => `group ${this.groupId} has no member ${memberId}`);
    return member;
  }

  memberOfInstance(instanceId: string): ConsumerMember | undefined {
    return this.data.members.find((member) => member.instanceId === instanceId);
  }

  /** The protocols that all members of the classic protocol support; undefined: there is no such member. */
  commonClassicProtocols(): ReadonlySet<string> | undefined {
    const [first, ...others] = this.data.members.flatMap(({ classic }) =>
      classic ? [new Set(classic.protocols.map(({ name }) => name))] : [],
    );
    return first && new Set([...first].filter((name) => others.every((names) => names.has(name))));
  }

  /** The member that has the partition, or has not confirmed that it gave it up. */
  ownerOf(topic: Uuid, partition: number): string | undefined {
    this.#owners ??= ownersIn(this.data.members);
    return this.#owners.get(topic)?.get(partition);
  }

  isSubscribedTo(topic: string): boolean {
    this.#subscribed ??= new Set(this.data.members.flatMap((member) => this.topicsOf(member)));
    return this.#subscribed.has(topic);
  }

  /** By name and by regular expression. The topics may not exist. */
  topicsOf({ topicNames, topicRegex }: ConsumerMember): readonly string[] {
    const matched = topicRegex && this.data.regexes.find(({ regex }) => regex === topicRegex)?.topics;
    return matched ? [...new Set([...topicNames, ...matched])] : topicNames;
  }
}

/** In the classic protocol the member chooses it, in the consumer protocol the broker. */
export const sessionTimeoutOf = ({ classic }: ConsumerMember, config: GroupConfig): number =>
  classic?.sessionTimeoutMs ?? config.consumerSessionTimeoutMs;

export const isReconciled = ({ state, memberEpoch }: ConsumerMember, targetEpoch: number): boolean =>
  state === 'stable' && memberEpoch === targetEpoch;

function ownersIn(members: readonly ConsumerMember[]): ReadonlyMap<Uuid, ReadonlyMap<number, string>> {
  const owners = new Map<Uuid, Map<number, string>>();
  for (const { memberId, assigned, revoking } of members)
    for (const [topic, partitions] of [...topicsIn(assigned), ...topicsIn(revoking)]) {
      const ofTopic = owners.get(topic) ?? new Map<number, string>();
      owners.set(topic, ofTopic);
      for (const partition of partitions) ofTopic.set(partition, memberId);
    }
  return owners;
}

export function topicsIn(assigned: Assigned): (readonly [Uuid, number[]])[] {
  return Object.entries(assigned).map(([topic, epochs]) => [topic as Uuid, Object.keys(epochs).map(Number)]);
}

export const partitionsIn = (assigned: Assigned): Partitions => Object.fromEntries(topicsIn(assigned));

export const has = (assigned: Assigned, topic: Uuid, partition: number): boolean =>
  assigned[topic]?.[partition] !== undefined;

/** All partitions as assigned in that epoch. */
export const assignedSince = (partitions: Partitions, epoch: number): Assigned =>
  Object.fromEntries(
    Object.entries(partitions).map(([topic, some]) => [topic, Object.fromEntries(some.map((each) => [each, epoch]))]),
  );

/** Groups that were stored before members of the classic protocol could be in them have no `classic` field. */
export const revivedConsumers = (state: ConsumerState): ConsumerState => ({
  ...state,
  members: state.members.map((member) => (member.classic === undefined ? { ...member, classic: null } : member)),
});

export const emptyConsumerGroup = (groupId: string, epoch: number): ConsumerGroup =>
  new ConsumerGroup(groupId, { ...NOBODY, groupEpoch: epoch, targetEpoch: epoch });
