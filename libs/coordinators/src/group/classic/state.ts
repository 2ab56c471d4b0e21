// A classic group in memory: its members, its state within a rebalance, and the pending requests. A command changes a draft
// of it, which becomes the group when the command's events are durable (turn.ts).
import { ErrorCode, invariant, type Timestamp } from '@milepost/core';
import type { GroupProtocol, JoinResult, SyncResult } from '../model/commands.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../model/context.ts';
import { topicsIn } from './subscription.ts';

/**
 * Empty -> PreparingRebalance (members join) -> CompletingRebalance (the leader assigns) -> Stable. From Stable and
 * CompletingRebalance back to PreparingRebalance; from PreparingRebalance to Empty when no member is left.
 */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable';

export const NO_ASSIGNMENT = Buffer.alloc(0);

export interface Member {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly GroupProtocol[];
  assignment: Buffer;
  /** Its assignment in the last complete generation: it may still work with that until it joins again. */
  readonly held: Buffer;
  /** Has not had a response with a generation yet: it does not heartbeat, and it expires while it waits. */
  isNew: boolean;
  /** Complete the pending JoinGroup and SyncGroup. */
  join: ((result: JoinResult) => void) | undefined;
  sync: ((result: SyncResult) => void) | undefined;
}

export class ClassicGroup {
  readonly kind = 'classic';
  readonly groupId: string;
  state: GroupState = 'Empty';
  stateSince: Timestamp;
  generation = 0;
  /** Null: the group never had a member, only offsets (a "simple" group). */
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  members = new Map<string, Member>();
  #instances = new Map<string, string>();
  /** Member ids that were issued with MEMBER_ID_REQUIRED and not used yet (KIP-394). */
  pendingMembers = new Set<string>();
  /** Members of this generation that have not sent SyncGroup. */
  pendingSync = new Set<string>();
  /** The rebalance started from Empty: it lasts its initial delay, even if all members have joined. */
  isInitialRebalance = false;
  newMemberAdded = false;
  /** Topics that the consumers of the last generation read; undefined: unknown. */
  subscribedTopics: ReadonlySet<string> | undefined;

  constructor(groupId: string, now: Timestamp) {
    this.groupId = groupId;
    this.stateSince = now;
  }

  /** A copy that shares nothing that a command changes. */
  draft(): ClassicGroup {
    const copy = Object.assign(new ClassicGroup(this.groupId, this.stateSince), this);
    copy.replaceMembers([...this.members.values()].map((member) => ({ ...member })));
    copy.pendingMembers = new Set(this.pendingMembers);
    copy.pendingSync = new Set(this.pendingSync);
    return copy;
  }

  /** It has no member, and no issued member id. */
  get isDeserted(): boolean {
    return this.state === 'Empty' && this.pendingMembers.size === 0;
  }

  replaceMembers(members: readonly Member[]): void {
    this.members = new Map(members.map((member) => [member.memberId, member]));
    this.#instances = new Map(
      members.flatMap(({ instanceId, memberId }) => (instanceId === null ? [] : [[instanceId, memberId] as const])),
    );
  }

  add(member: Member, protocolType: string): void {
    if (this.members.size === 0) this.protocolType = protocolType;
    this.leaderId ??= member.memberId;
    this.members.set(member.memberId, member);
    if (member.instanceId !== null) this.#instances.set(member.instanceId, member.memberId);
    this.pendingMembers.delete(member.memberId);
  }

  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member && member.instanceId !== null) this.#instances.delete(member.instanceId);
    this.members.delete(memberId);
    this.pendingMembers.delete(memberId);
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null;
  }

  memberOfInstance(instanceId: string): Member | undefined {
    return this.members.get(this.#instances.get(instanceId) ?? '');
  }

  /** NONE, UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID where another member has the instance id. */
  checkMember(memberId: string, instanceId: string | null): ErrorCode {
    if (instanceId !== null) {
      const owner = this.#instances.get(instanceId);
      if (owner === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
      if (owner !== memberId) return ErrorCode.FENCED_INSTANCE_ID;
    }
    return this.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
  }

  get waitingToJoin(): number {
    return [...this.members.values()].filter((member) => member.join).length;
  }

  get allHaveJoined(): boolean {
    return this.pendingMembers.size === 0 && this.waitingToJoin === this.members.size;
  }

  /** The longest of its members. */
  get rebalanceTimeoutMs(): number {
    return [...this.members.values()].reduce((longest, member) => Math.max(longest, member.rebalanceTimeoutMs), 0);
  }

  /** Whether such a member could join: it has the same type, and a protocol that all members support. */
  supports(protocolType: string, protocols: readonly GroupProtocol[]): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.length > 0;
    const common = this.#commonProtocols();
    return this.protocolType === protocolType && protocols.some(({ name }) => common.has(name));
  }

  /** Each member votes for the first of its protocols that all support. The protocol with the most votes wins. */
  chooseProtocol(): string {
    const common = this.#commonProtocols();
    const votes = new Map<string, number>();
    for (const { protocols } of this.members.values()) {
      const vote = protocols.find(({ name }) => common.has(name));
      invariant(vote, () => `group ${this.groupId}: a member shares no protocol with the others`);
      votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1);
    }
    const [winner] = [...votes].toSorted(([, a], [, b]) => b - a);
    invariant(winner, () => `group ${this.groupId}: a protocol is chosen without members`);
    return winner[0];
  }

  learnSubscriptions(): void {
    const subscriptions = [...this.members.values()].flatMap(
      ({ protocols }) => protocols.find(({ name }) => name === this.protocolName)?.metadata ?? [],
    );
    this.subscribedTopics = this.protocolType === CONSUMER_PROTOCOL_TYPE ? topicsIn(subscriptions) : undefined;
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  #commonProtocols(): Set<string> {
    const [first, ...others] = [...this.members.values()].map(({ protocols }) => new Set(protocols.map((p) => p.name)));
    return new Set([...(first ?? [])].filter((name) => others.every((names) => names.has(name))));
  }
}
