// ShareGroupDescribe, version 1 (KIP-932).
import type { DescribedShareGroup } from '@milepost/coordinators';
import { ShareGroupDescribe } from '@milepost/wire';
import { DESCRIBE_GROUP, DESCRIBE_TOPIC } from '../security/needs.ts';
import { assigned, describedGroups } from './described-groups.ts';
import { handler } from './handler.ts';

export const shareGroupDescribe = handler(
  ShareGroupDescribe,
  [DESCRIBE_GROUP, DESCRIBE_TOPIC],
  async (request, context) => ({
    groups: await describedGroups(request, context, {
      describe: (groupIds) => context.services.groups.describeShareGroups(groupIds),
      topicsOf: ({ members }) => members.flatMap(({ assignment }) => assignment.map(({ topic }) => topic)),
      members: ({ members }) => members.map(described),
    }),
  }),
);

const described = ({ topicNames, assignment, ...member }: DescribedShareGroup['members'][number]) => ({
  ...member,
  subscribedTopicNames: [...topicNames],
  assignment: assigned(assignment),
});
