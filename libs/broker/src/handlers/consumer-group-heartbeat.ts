// ConsumerGroupHeartbeat, versions 0 and 1 (KIP-848). Since v1 members choose their own ids and may subscribe by regular
// expression.
import { ConsumerGroupHeartbeat } from '@milepost/wire';
import { DESCRIBE_TOPIC, READ_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_OWN_IDS = 1;

export const consumerGroupHeartbeat = handler(
  ConsumerGroupHeartbeat,
  [READ_GROUP, DESCRIBE_TOPIC],
  async (request, { services, apiVersion, clientId, peer, permissions, count }) => {
    const topics = request.subscribedTopicNames ?? [];
    const refused =
      permissions.refusal(READ_GROUP, request.groupId) ??
      topics.map((topic) => permissions.refusal(DESCRIBE_TOPIC, topic)).find(Boolean);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, assignment: null };
    }
    const { error, assignment, ...answer } = await services.groups.consumerHeartbeat({
      groupId: request.groupId,
      memberId: request.memberId,
      memberEpoch: request.memberEpoch,
      instanceId: request.instanceId,
      rackId: request.rackId,
      clientId,
      clientHost: peer.host,
      rebalanceTimeoutMs: request.rebalanceTimeoutMs,
      topicNames: request.subscribedTopicNames,
      topicRegex: request.subscribedTopicRegex,
      assignor: request.serverAssignor,
      owned: request.topicPartitions,
      requiresMemberId: apiVersion >= FIRST_VERSION_WITH_OWN_IDS,
    });
    count(error);
    const topicPartitions = assignment?.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }));
    return { errorCode: error, ...answer, assignment: topicPartitions ? { topicPartitions } : null };
  },
);
