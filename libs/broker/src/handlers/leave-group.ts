// LeaveGroup, versions 0 to 5. Up to v2 one member, whose error is the response's; from v3 several, each with its own.
import { ErrorCode } from '@milepost/core';
import { LeaveGroup } from '@milepost/wire';
import { READ_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_MEMBERS = 3;

export const leaveGroup = handler(
  LeaveGroup,
  [READ_GROUP],
  async (request, { services, apiVersion, permissions, count }) => {
    const refused = permissions.refusal(READ_GROUP, request.groupId);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, members: [] };
    }
    const hasMembers = apiVersion >= FIRST_VERSION_WITH_MEMBERS;
    const members = hasMembers
      ? request.members.map(({ memberId, groupInstanceId, reason }) => ({
          memberId,
          instanceId: groupInstanceId,
          reason,
        }))
      : [{ memberId: request.memberId, instanceId: null, reason: null }];
    const left = await services.groups.leave({ groupId: request.groupId, members });
    const ofFirst = left.members[0]?.error ?? ErrorCode.NONE;
    const errorCode = left.error === ErrorCode.NONE && !hasMembers ? ofFirst : left.error;
    count(errorCode);
    return {
      errorCode,
      members: left.members.map(({ memberId, instanceId, error }) => ({
        memberId,
        groupInstanceId: instanceId,
        errorCode: error,
      })),
    };
  },
);
