// DescribeGroups: the response for a classic group. Subscriptions are included only while it is Stable, as in Kafka. Consumer
// groups have a separate request.
import { ErrorCode } from '@milepost/core';
import type { DescribedGroup } from './model/commands.ts';
import type { Group } from './group.ts';
import { NO_ASSIGNMENT } from './classic/state.ts';

export function describe(groupId: string, group: Group | undefined): DescribedGroup {
  if (group?.kind !== 'classic')
    return {
      ...undescribed(groupId, ErrorCode.GROUP_ID_NOT_FOUND),
      errorMessage: group ? `Group ${groupId} is not a classic group.` : `Group ${groupId} not found.`,
      state: 'Dead',
    };
  const chosen = group.state === 'Stable' ? group.protocolName : null;
  return {
    ...undescribed(groupId, ErrorCode.NONE),
    state: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: chosen ?? '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: member.protocols.find(({ name }) => name === chosen)?.metadata ?? NO_ASSIGNMENT,
      assignment: member.assignment,
    })),
  };
}

export const undescribed = (groupId: string, error: ErrorCode): DescribedGroup => ({
  error,
  errorMessage: null,
  groupId,
  state: '',
  protocolType: '',
  protocolData: '',
  members: [],
});
