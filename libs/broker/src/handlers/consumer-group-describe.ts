// ConsumerGroupDescribe, versions 0 and 1 (KIP-848). v1 distinguishes the members of the two protocols in a group that
// is being migrated.
import { type DescribedConsumerGroup } from '@milepost/coordinators';
import { ErrorCode } from '@milepost/core';
import { ConsumerGroupDescribe } from '@milepost/wire';
import { authorizedOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

type Described = DescribedConsumerGroup['members'][number];

export const consumerGroupDescribe = handler(ConsumerGroupDescribe, async (request, { services, count }) => {
  const groups = await services.groups.describeConsumers(request.groupIds);
  return {
    groups: groups.map((group) => {
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
        authorizedOperations: authorizedOperations('group', isAsked),
      };
    }),
  };
});

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
