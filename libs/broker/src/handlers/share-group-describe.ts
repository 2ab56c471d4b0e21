// ShareGroupDescribe, version 1 (KIP-932).
import type { DescribedShareGroup } from '@milepost/coordinators';
import { ErrorCode } from '@milepost/core';
import { OPERATIONS_NOT_ASKED, ShareGroupDescribe } from '@milepost/wire';
import { DESCRIBE_GROUP, DESCRIBE_TOPIC } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { groupOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

export const shareGroupDescribe = handler(
  ShareGroupDescribe,
  [DESCRIBE_GROUP, DESCRIBE_TOPIC],
  async (request, context) => {
    const { services, permissions } = context;
    const refusals = request.groupIds.map((groupId) => permissions.refusal(DESCRIBE_GROUP, groupId));
    const groups = await services.groups.describeShareGroups(request.groupIds.filter((_id, at) => !refusals[at]));
    return {
      groups: [
        ...request.groupIds.flatMap((groupId, at) => {
          const refused = refusals[at];
          return refused ? [unseen(groupId, refused.error, null, context)] : [];
        }),
        ...groups.map((group) => {
          const topics = group.members.flatMap(({ assignment }) => assignment.map(({ topic }) => topic));
          if (!topics.every((topic) => permissions.allows(DESCRIBE_TOPIC, topic)))
            return unseen(group.groupId, ErrorCode.TOPIC_AUTHORIZATION_FAILED, HIDDEN_TOPICS, context);
          context.count(group.error);
          const isAsked = request.includeAuthorizedOperations && group.error === ErrorCode.NONE;
          return {
            errorCode: group.error,
            errorMessage: group.errorMessage,
            groupId: group.groupId,
            groupState: group.state,
            groupEpoch: group.groupEpoch,
            assignmentEpoch: group.assignmentEpoch,
            assignorName: group.assignor,
            members: group.members.map(described),
            authorizedOperations: groupOperations(context, group.groupId, isAsked),
          };
        }),
      ],
    };
  },
);

const HIDDEN_TOPICS = 'The group has described topic(s) that the client is not authorized to describe.';

function unseen(groupId: string, errorCode: ErrorCode, errorMessage: string | null, { count }: Context) {
  count(errorCode);
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
    authorizedOperations: OPERATIONS_NOT_ASKED,
  };
}

const described = ({ topicNames, assignment, ...member }: DescribedShareGroup['members'][number]) => ({
  ...member,
  subscribedTopicNames: [...topicNames],
  assignment: {
    topicPartitions: assignment.map(({ topicId, topic, partitions }) => ({
      topicId,
      topicName: topic,
      partitions: [...partitions],
    })),
  },
});
