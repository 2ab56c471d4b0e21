// ConsumerGroupDescribe, versions 0 and 1 (KIP-848). v1 distinguishes the members of the two protocols in a group that
// is being migrated.
import { type DescribedConsumerGroup } from '@milepost/coordinators';
import { ErrorCode } from '@milepost/core';
import { ConsumerGroupDescribe, OPERATIONS_NOT_ASKED } from '@milepost/wire';
import { DESCRIBE_GROUP, DESCRIBE_TOPIC } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { groupOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

type Described = DescribedConsumerGroup['members'][number];

export const consumerGroupDescribe = handler(
  ConsumerGroupDescribe,
  [DESCRIBE_GROUP, DESCRIBE_TOPIC],
  async (request, context) => {
    const { services, permissions, count } = context;
    const refusals = request.groupIds.map((groupId) => permissions.refusal(DESCRIBE_GROUP, groupId));
    const groups = await services.groups.describeConsumers(request.groupIds.filter((_id, at) => !refusals[at]));
    return {
      groups: [
        ...request.groupIds.flatMap((groupId, at) => {
          const refused = refusals[at];
          return refused ? [unseen(groupId, refused.error, null, context)] : [];
        }),
        ...groups.map((group) => {
          if (!topicsOf(group).every((topic) => permissions.allows(DESCRIBE_TOPIC, topic)))
            return unseen(group.groupId, ErrorCode.TOPIC_AUTHORIZATION_FAILED, HIDDEN_TOPICS, context);
          count(group.error);
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

/** That its members have, or are to get. */
const topicsOf = ({ members }: DescribedConsumerGroup): string[] =>
  members.flatMap(({ assignment, targetAssignment }) => [...assignment, ...targetAssignment].map(({ topic }) => topic));

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

const described = (member: Described) => ({
  memberId: member.memberId,
  instanceId: member.instanceId,
  rackId: member.rackId,
  memberEpoch: member.memberEpoch,
  clientId: member.clientId,
  clientHost: member.clientHost,
  subscribedTopicNames: [...member.topicNames],
  subscribedTopicRegex: member.topicRegex ?? '', // Kafka: not null
  assignment: assigned(member.assignment),
  targetAssignment: assigned(member.targetAssignment),
  memberType: member.isClassic ? CLASSIC_MEMBER : CONSUMER_MEMBER,
});

const assigned = (topics: Described['assignment']) => ({
  topicPartitions: topics.map(({ topicId, topic, partitions }) => ({
    topicId,
    topicName: topic,
    partitions: [...partitions],
  })),
});
