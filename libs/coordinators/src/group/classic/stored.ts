// What of a classic group is durable, as JSON, and how it becomes the group's state: the same way when a rebalance has
// just been persisted and when a coordinator reads it after a restart.
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

/** The group once its members have what `assignmentOf` says. */
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

/** The group as it was stored last; undefined in the midst of a rebalance, which is not. */
export const settledGroup = (group: ClassicGroup): StoredGroup | undefined =>
  group.state === 'Stable' || group.state === 'Empty'
    ? stableGroup(group, group.stateSince, ({ assignment }) => assignment)
    : undefined;

/** The group that everybody has left, one generation on. */
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

/** Makes `group` what was stored: a group at rest, in which nobody waits for an answer. */
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
