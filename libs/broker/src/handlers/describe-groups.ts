// DescribeGroups, versions 0 to 6. A group that does not exist is Dead; v6 adds GROUP_ID_NOT_FOUND (KIP-1043).
import { ErrorCode } from '@milepost/core';
import { DescribeGroups, OPERATIONS_NOT_ASKED } from '@milepost/wire';
import { DESCRIBE_GROUP } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { groupOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_NOT_FOUND = 6;

export const describeGroups = handler(DescribeGroups, [DESCRIBE_GROUP], async (request, context) => {
  const { services, apiVersion, permissions, count } = context;
  const refusals = request.groups.map((groupId) => permissions.refusal(DESCRIBE_GROUP, groupId));
  const groups = await services.groups.describe(request.groups.filter((_id, at) => !refusals[at]));
  return {
    groups: [
      ...request.groups.flatMap((groupId, at) => {
        const refused = refusals[at];
        return refused ? [unseen(groupId, refused.error, context)] : [];
      }),
      ...groups.map((group) => {
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
          authorizedOperations: groupOperations(context, group.groupId, isAsked),
        };
      }),
    ],
  };
});

function unseen(groupId: string, errorCode: ErrorCode, { count }: Context) {
  count(errorCode);
  return {
    errorCode,
    errorMessage: null,
    groupId,
    groupState: '',
    protocolType: '',
    protocolData: '',
    members: [],
    authorizedOperations: OPERATIONS_NOT_ASKED,
  };
}
