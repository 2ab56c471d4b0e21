// Leaving a consumer group: for good (-1), or for a while (-2). A static member that leaves for a while keeps its partitions
// until its session ends. LeaveGroup, which administrators send to remove static members, works here as well.
import { ErrorCode } from '@milepost/core';
import type { LeaveCommand, LeaveResult } from '../model/commands.ts';
import type { RebalanceReason } from '../model/rebalance-reason.ts';
import { identified, isRefusal, refusedHeartbeat } from './admission.ts';
import type { ConsumerHeartbeatCommand, ConsumerHeartbeatResult, RespondToHeartbeat } from './commands.ts';
import { assignedSince, type ConsumerMember, partitionsIn, STATIC_MEMBER_LEFT } from './state.ts';
import type { ConsumerTurn } from './turn.ts';

export function leaveByHeartbeat(
  turn: ConsumerTurn,
  command: ConsumerHeartbeatCommand,
  respond: RespondToHeartbeat,
): void {
  const result = left(turn, command);
  turn.after(() => respond(result));
}

function left(turn: ConsumerTurn, command: ConsumerHeartbeatCommand): ConsumerHeartbeatResult {
  const { memberId, instanceId, memberEpoch } = command;
  const member = identified(turn.group, memberId, instanceId);
  if (isRefusal(member)) return refusedHeartbeat(member);
  if (memberEpoch === STATIC_MEMBER_LEFT) turn.group = turn.group.put(away(member));
  else remove(turn, [memberId], 'member_left');
  return { ...refusedHeartbeat({ error: ErrorCode.NONE, message: null }), memberId, memberEpoch };
}

export function leaveByRequest(
  turn: ConsumerTurn,
  command: LeaveCommand,
  respond: (result: LeaveResult) => void,
): void {
  const { group } = turn;
  const leaving = command.members.map(({ memberId, instanceId }) => {
    // An administrator sends only the instance id.
    const owner = memberId === '' && instanceId !== null ? group.memberOfInstance(instanceId) : undefined;
    return { memberId, instanceId, found: owner ?? identified(group, memberId, instanceId) };
  });
  const members = leaving.map(({ memberId, instanceId, found }) => {
    return { memberId, instanceId, error: isRefusal(found) ? found.error : ErrorCode.NONE };
  });
  const gone = leaving.flatMap(({ found }) => (isRefusal(found) ? [] : found.memberId));
  if (gone.length > 0) remove(turn, gone, 'member_left');
  turn.after(() => respond({ error: ErrorCode.NONE, members }));
}

export function remove(turn: ConsumerTurn, memberIds: readonly string[], reason: RebalanceReason): void {
  const members = turn.group.data.members.filter(({ memberId }) => !memberIds.includes(memberId));
  turn.group = turn.group.with({ members });
  turn.removal = reason;
  for (const memberId of memberIds) turn.after(() => turn.timers.endSession(memberId));
}

/** The epochs of its partitions start again at 0, because its replacement joins with epoch 0. */
function away(member: ConsumerMember): ConsumerMember {
  const assigned = assignedSince(partitionsIn(member.assigned), 0);
  return { ...member, memberEpoch: STATIC_MEMBER_LEFT, assigned, revoking: {} };
}
