// LeaveGroup: members leave, or an administrator removes static members by their instance id.
import { ErrorCode } from '@milepost/core';
import type { LeaveCommand, LeaveResult } from '../model/commands.ts';
import { rebalance } from './rebalance.ts';
import type { ClassicTurn } from './turn.ts';

export function leave(turn: ClassicTurn, command: LeaveCommand, respond: (result: LeaveResult) => void): void {
  const members = command.members.map(({ memberId, instanceId }) => {
    const error = leaveOne(turn, memberId, instanceId);
    return { memberId, instanceId, error };
  });
  turn.after(() => respond({ error: ErrorCode.NONE, members }));
  const someLeft = members.some(({ error }) => error === ErrorCode.NONE);
  if (someLeft && turn.group.state !== 'Empty') rebalance(turn, 'member_left');
}

/** The response where there is no group. */
export function leaveNothing(command: LeaveCommand): LeaveResult {
  const members = command.members.map(({ memberId, instanceId }) => ({
    memberId,
    instanceId,
    error: ErrorCode.UNKNOWN_MEMBER_ID,
  }));
  return { error: ErrorCode.NONE, members };
}

function leaveOne(turn: ClassicTurn, memberId: string, instanceId: string | null): ErrorCode {
  const { group } = turn;
  if (memberId === '') {
    const owner = instanceId === null ? undefined : group.memberOfInstance(instanceId);
    if (!owner) return ErrorCode.UNKNOWN_MEMBER_ID;
    turn.remove(owner.memberId);
    return ErrorCode.NONE;
  }
  const error = group.pendingMembers.has(memberId) ? ErrorCode.NONE : group.checkMember(memberId, instanceId);
  if (error === ErrorCode.NONE) turn.remove(memberId);
  return error;
}
