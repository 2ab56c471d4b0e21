// Heartbeat: extends the session and reports a rebalance. It changes nothing else, so it does not wait in the group's queue:
// members of a group whose store is away stay alive.
import { ErrorCode } from '@milepost/core';
import type { HeartbeatCommand } from '../model/commands.ts';
import type { ClassicGroup } from './state.ts';

/** NONE and REBALANCE_IN_PROGRESS: the member is alive. */
export function heartbeat(group: ClassicGroup | undefined, command: HeartbeatCommand): ErrorCode {
  if (!group) return ErrorCode.UNKNOWN_MEMBER_ID;
  const error = group.checkMember(command.memberId, command.instanceId);
  if (error !== ErrorCode.NONE) return error;
  if (command.generation !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
