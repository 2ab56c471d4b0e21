// DescribeGroups, versions 0 to 6. A group that does not exist is Dead; v6 adds GROUP_ID_NOT_FOUND (KIP-1043).
import { ErrorCode } from '@milepost/core';
import { DescribeGroups } from '@milepost/wire';
import { authorizedOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_NOT_FOUND = 6;

export const describeGroups = handler(DescribeGroups, async (request, { services, apiVersion, count }) => {
  const groups = await services.groups.describe(request.groups);
  return {
    groups: groups.map((group) => {
      const isMissing = group.error === ErrorCode.GROUP_ID_NOT_FOUND;
      const errorCode = isMissing && apiVersion < FIRST_VERSION_WITH_NOT_FOUND ? ErrorCode.NONE : group.error;
      count(errorCode);
      const isAsked = request.includeAuthorizedOperations && errorCode === ErrorCode.NONE;
      return {
        errorCode,
        errorMessage: group.errorMessage,
        groupId: group.groupId,
        groupState: group.state,
        protocolType: group.protocolType,
        protocolData: group.protocolData,
        members: group.members.map((member) => ({
          memberId: member.memberId,
          groupInstanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          memberMetadata: member.metadata,
          memberAssignment: member.assignment,
        })),
        authorizedOperations: authorizedOperations('group', isAsked),
      };
    }),
  };
});
