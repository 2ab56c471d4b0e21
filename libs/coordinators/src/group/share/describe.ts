// ShareGroupDescribe: the response for a share group.
import { ErrorCode, type Uuid } from '@milepost/core';
import { emptyDescription, withNames } from '../model/described.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { DescribedShareGroup } from './commands.ts';
import { SIMPLE_ASSIGNOR } from './simple-assignor.ts';
import type { ShareGroup } from './state.ts';

export const describeShareGroup = (
  { groupId, state, data }: ShareGroup,
  catalog: TopicCatalog,
): DescribedShareGroup => ({
  ...emptyDescription(groupId, ErrorCode.NONE, null),
  state,
  groupEpoch: data.groupEpoch,
  assignmentEpoch: data.targetEpoch,
  assignor: SIMPLE_ASSIGNOR,
  members: data.members.map(({ memberId, rackId, memberEpoch, clientId, clientHost, topicNames, assigned }) => ({
    memberId,
    rackId,
    memberEpoch,
    clientId,
    clientHost,
    topicNames,
    assignment: withNames(Object.entries(assigned) as [Uuid, readonly number[]][], catalog),
  })),
});
