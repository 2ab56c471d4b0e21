// ShareGroupHeartbeat, version 1 (KIP-932): a member of a share group joins, stays alive, changes or leaves.
import { ErrorCode } from '@milepost/core';
import { ShareGroupHeartbeat } from '@milepost/wire';
import { DESCRIBE_TOPIC, READ_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';
import { isMemberId } from './share-acknowledgements.ts';

export const shareGroupHeartbeat = handler(
  ShareGroupHeartbeat,
  [READ_GROUP, DESCRIBE_TOPIC],
  async (request, { services, clientId, peer, permissions, count }) => {
    const refuse = (errorCode: ErrorCode, errorMessage: string | null = null) => {
      count(errorCode);
      return { errorCode, errorMessage };
    };
    const refused = permissions.refusal(READ_GROUP, request.groupId);
    if (refused) return refuse(refused.error);
    if (!isMemberId(request.memberId)) return refuse(ErrorCode.INVALID_REQUEST, 'Invalid member id in the request.');
    const topics = request.subscribedTopicNames ?? [];
    const hidden = topics.map((topic) => permissions.refusal(DESCRIBE_TOPIC, topic)).find(Boolean);
    if (hidden) return refuse(hidden.error);
    const { error, assignment, ...answer } = await services.groups.shareHeartbeat({
      groupId: request.groupId,
      memberId: request.memberId,
      memberEpoch: request.memberEpoch,
      rackId: request.rackId,
      clientId,
      clientHost: peer.host,
      topicNames: request.subscribedTopicNames,
    });
    count(error);
    const topicPartitions = assignment?.map(({ topicId, partitions }) => ({ topicId, partitions: [...partitions] }));
    return { errorCode: error, ...answer, assignment: topicPartitions ? { topicPartitions } : null };
  },
);
