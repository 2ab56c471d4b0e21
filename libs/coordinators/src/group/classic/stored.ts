// The durable part of a classic group, as JSON, and how it becomes the group's state. Both are the same for a rebalance that
// was just stored and for a group that is loaded after a restart.
import { invariant, Timestamp } from '@milepost/core';
import type { StoredGroup } from '../model/store.ts';
import type { ClassicGroup, Member } from './state.ts';

/** Bytes are base64: the column is JSON. */
export interface ClassicState {
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  readonly stateSince: number;
  readonly members: readonly MemberState[];
}

interface MemberState {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[];
  readonly assignment: string;
}

/** The group with these assignments. */
export function stableGroup(
  group: ClassicGroup,
  now: Timestamp,
  assignmentOf: (member: Member) => Buffer,
): StoredGroup {
  const { groupId, generation, protocolType, protocolName, leaderId } = group;
  const members = [...group.members.values()].map((member): MemberState => {
    const { memberId, instanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = member;
    return {
      memberId,
      instanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      protocols: member.protocols.map(({ name, metadata }) => ({ name, metadata: metadata.toString('base64') })),
      assignment: assignmentOf(member).toString('base64'),
    };
  });
  const state: ClassicState = { protocolType, protocolName, leaderId, stateSince: now, members };
  return { groupId, kind: 'classic', generation, state };
}

/** The group as it was last stored; undefined in the midst of a rebalance, which is not stored. */
export const settledGroup = (group: ClassicGroup): StoredGroup | undefined =>
  group.state === 'Stable' || group.state === 'Empty'
    ? stableGroup(group, group.stateSince, ({ assignment }) => assignment)
    : undefined;

/** The group without members, in the next generation. */
export function emptyGroup(group: ClassicGroup, now: Timestamp): StoredGroup {
  const state: ClassicState = {
    protocolType: group.protocolType,
    protocolName: null,
    leaderId: null,
    stateSince: now,
    members: [],
  };
  return { groupId: group.groupId, kind: 'classic', generation: group.generation + 1, state };
}

/** Sets `group` to what was stored: a group without pending requests. */
export function applyStored(group: ClassicGroup, stored: StoredGroup): void {
  invariant(stored.kind === 'classic', () => `group ${stored.groupId} is stored as ${stored.kind}, not as classic`);
  const state = stored.state as ClassicState;
  group.generation = stored.generation;
  group.protocolType = state.protocolType;
  group.protocolName = state.protocolName;
  group.leaderId = state.leaderId;
  group.stateSince = Timestamp(state.stateSince);
  group.state = state.members.length > 0 ? 'Stable' : 'Empty';
  group.replaceMembers(state.members.map(revived));
  group.learnSubscriptions();
}

function revived(stored: MemberState): Member {
  const assignment = Buffer.from(stored.assignment, 'base64');
  return {
    ...stored,
    protocols: stored.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata, 'base64') })),
    assignment,
    held: assignment,
    isNew: false,
    join: undefined,
    sync: undefined,
  };
}
