// ConsumerGroupDescribe: the response for a consumer group.
import { ErrorCode, type Uuid } from '@milepost/core';
import type { GroupConfig } from '../model/config.ts';
import { emptyDescription, withNames } from '../model/described.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { DescribedConsumerGroup } from './commands.ts';
import { type ConsumerGroup, topicsIn } from './state.ts';
import { assignorOf } from './target-assignment.ts';

export function describeConsumers(
  group: ConsumerGroup,
  catalog: TopicCatalog,
  config: GroupConfig,
): DescribedConsumerGroup {
  const named = (partitions: Iterable<readonly [Uuid, readonly number[]]>) => withNames(partitions, catalog);
  return {
    ...emptyDescription(group.groupId, ErrorCode.NONE, null),
    state: group.state,
    groupEpoch: group.data.groupEpoch,
    assignmentEpoch: group.data.targetEpoch,
    assignor: assignorOf(group, config),
    members: group.data.members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch: member.memberEpoch,
      isClassic: member.classic !== null,
      clientId: member.clientId,
      clientHost: member.clientHost,
      topicNames: member.topicNames,
      topicRegex: member.topicRegex,
      assignment: named([...topicsIn(member.assigned), ...topicsIn(member.revoking)]),
      targetAssignment: named(Object.entries(member.target) as [Uuid, readonly number[]][]),
    })),
  };
}
