// ShareGroupDescribe: the response for a share group.
import { ErrorCode, type Uuid } from '@milepost/core';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { DescribedShareGroup } from './commands.ts';
import { SIMPLE_ASSIGNOR } from './simple-assignor.ts';
import type { ShareGroup } from './state.ts';

export const describeShareGroup = (
  { groupId, state, data }: ShareGroup,
  catalog: TopicCatalog,
): DescribedShareGroup => ({
  ...undescribedShareGroup(groupId, ErrorCode.NONE, null),
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
    assignment: Object.entries(assigned).flatMap(([id, partitions]) => {
      const topic = catalog.withId(id as Uuid);
      return topic ? [{ topicId: topic.id, topic: topic.name, partitions }] : [];
    }),
  })),
});

export const undescribedShareGroup = (
  groupId: string,
  error: ErrorCode,
  errorMessage: string | null,
): DescribedShareGroup => ({
  error,
  errorMessage,
  groupId,
  state: '',
  groupEpoch: 0,
  assignmentEpoch: 0,
  assignor: '',
  members: [],
});
