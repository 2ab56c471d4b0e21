// OffsetCommit, versions 2 to 10. The response is sent when the group store has the offsets. A partition that does not
// exist is UNKNOWN_TOPIC_OR_PARTITION, an unknown topic id (v10) UNKNOWN_TOPIC_ID; the others are committed.
import { ErrorCode, ZERO_UUID } from '@milepost/core';
import { OffsetCommit, type OffsetCommitRequest } from '@milepost/wire';
import type { Context } from '../services.ts';
import { READ_GROUP, READ_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_NEW_ERRORS = 9;
const FIRST_VERSION_WITH_IDS = 10;

type Topic = OffsetCommitRequest['topics'][number];

export const offsetCommit = handler(OffsetCommit, [READ_GROUP, READ_TOPIC], async (request, context) => {
  const { services, apiVersion, permissions, count } = context;
  const refused = permissions.refusal(READ_GROUP, request.groupId);
  if (refused) return { topics: request.topics.map((topic) => allRefused(topic, refused.error, context)) };
  services.offsetsTopic.ensure(services.image(), services.controller.topics);
  const topics = request.topics.map((topic) => lookUp(topic, context));
  const committed = await services.groups.commitOffsets({
    groupId: request.groupId,
    generation: request.generationIdOrMemberEpoch,
    memberId: request.memberId,
    instanceId: request.groupInstanceId,
    retentionTimeMs: request.retentionTimeMs,
    knowsGroupIdNotFound: apiVersion >= FIRST_VERSION_WITH_NEW_ERRORS,
    topics: topics.map(({ name, topicId, known }) => ({
      name,
      topicId,
      partitions: known.map((one) => ({
        partition: one.partitionIndex,
        offset: one.committedOffset,
        leaderEpoch: one.committedLeaderEpoch,
        metadata: one.committedMetadata,
      })),
    })),
  });
  return {
    topics: topics.map(({ asked, unknownError, known }, place) => {
      const errors = new Map(committed.topics[place]?.partitions.map(({ partition, error }) => [partition, error]));
      const partitions = asked.partitions.map((one) => {
        const errorCode = known.includes(one) ? (errors.get(one.partitionIndex) ?? ErrorCode.NONE) : unknownError;
        count(errorCode);
        return { partitionIndex: one.partitionIndex, errorCode };
      });
      return { name: asked.name, topicId: asked.topicId, partitions };
    }),
  };
});

function allRefused({ name, topicId, partitions }: Topic, errorCode: ErrorCode, { count }: Context) {
  const refused = partitions.map(({ partitionIndex }) => {
    count(errorCode);
    return { partitionIndex, errorCode };
  });
  return { name, topicId, partitions: refused };
}

function lookUp(asked: Topic, { services, apiVersion, permissions }: Context) {
  const image = services.image();
  const byId = apiVersion >= FIRST_VERSION_WITH_IDS;
  const topic = byId ? image.topicsById.get(asked.topicId) : image.topics.get(asked.name);
  const name = topic?.name ?? asked.name;
  const unknownError = byId && !topic ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  const refused = byId && !topic ? undefined : permissions.refusal(READ_TOPIC, name);
  return {
    asked,
    name,
    topicId: topic?.id ?? ZERO_UUID,
    known: topic && !refused ? asked.partitions.filter((one) => topic.partitions[one.partitionIndex]) : [],
    unknownError: refused?.error ?? unknownError,
  };
}
