// ConsumerGroupDescribe, versions 0 and 1 (KIP-848). v1 distinguishes the members of the two protocols in a group that
// is being migrated.
import { type DescribedConsumerGroup } from '@milepost/coordinators';
import { ConsumerGroupDescribe } from '@milepost/wire';
import { DESCRIBE_GROUP, DESCRIBE_TOPIC } from '../security/needs.ts';
import { assigned, describedGroups } from './described-groups.ts';
import { handler } from './handler.ts';

const CLASSIC_MEMBER = 0;
const CONSUMER_MEMBER = 1;

type Described = DescribedConsumerGroup['members'][number];

export const consumerGroupDescribe = handler(
  ConsumerGroupDescribe,
  [DESCRIBE_GROUP, DESCRIBE_TOPIC],
  async (request, context) => ({
    groups: await describedGroups(request, context, {
      describe: (groupIds) => context.services.groups.describeConsumers(groupIds),
      topicsOf,
      members: ({ members }) => members.map(described),
    }),
  }),
);

/** That its members have, or are to get. */
const topicsOf = ({ members }: DescribedConsumerGroup): string[] =>
  members.flatMap(({ assignment, targetAssignment }) => [...assignment, ...targetAssignment].map(({ topic }) => topic));

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
