// The response to a description of groups: of consumer groups (KIP-848) and of share groups (KIP-932).
import type { DescribedConsumerGroup, DescribedShareGroup } from '@milepost/coordinators';
import { ErrorCode } from '@milepost/core';
import { OPERATIONS_NOT_ASKED } from '@milepost/wire';
import { DESCRIBE_GROUP, DESCRIBE_TOPIC } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { groupOperations } from './authorized-operations.ts';

interface Asked {
  readonly groupIds: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

interface Kind<Group extends DescribedConsumerGroup | DescribedShareGroup, Member> {
  readonly describe: (groupIds: string[]) => Promise<readonly Group[]>;
  /** Who may not describe all of these topics sees nothing of the group. */
  readonly topicsOf: (group: Group) => readonly string[];
  readonly members: (group: Group) => Member[];
}

export async function describedGroups<Group extends DescribedConsumerGroup | DescribedShareGroup, Member>(
  { groupIds, includeAuthorizedOperations }: Asked,
  context: Context,
  { describe, topicsOf, members }: Kind<Group, Member>,
) {
  const { permissions, count } = context;
  const refusals = groupIds.map((groupId) => permissions.refusal(DESCRIBE_GROUP, groupId));
  const groups = await describe(groupIds.filter((_id, at) => !refusals[at]));
  return [
    ...groupIds.flatMap((groupId, at) => {
      const refused = refusals[at];
      return refused ? [unseen(groupId, refused.error, null, context)] : [];
    }),
    ...groups.map((group) => {
      if (!topicsOf(group).every((topic) => permissions.allows(DESCRIBE_TOPIC, topic)))
        return unseen(group.groupId, ErrorCode.TOPIC_AUTHORIZATION_FAILED, HIDDEN_TOPICS, context);
      count(group.error);
      const isAsked = includeAuthorizedOperations && group.error === ErrorCode.NONE;
      return {
        errorCode: group.error,
        errorMessage: group.errorMessage,
        groupId: group.groupId,
        groupState: group.state,
        groupEpoch: group.groupEpoch,
        assignmentEpoch: group.assignmentEpoch,
        assignorName: group.assignor,
        members: members(group),
        authorizedOperations: groupOperations(context, group.groupId, isAsked),
      };
    }),
  ];
}

export const assigned = (topics: DescribedShareGroup['members'][number]['assignment']) => ({
  topicPartitions: topics.map(({ topicId, topic, partitions }) => ({
    topicId,
    topicName: topic,
    partitions: [...partitions],
  })),
});

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
