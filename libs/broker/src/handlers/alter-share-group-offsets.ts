// AlterShareGroupOffsets, version 0 (KIP-932): where a group without members continues. What was in flight is forgotten.
import { ErrorCode, ZERO_UUID } from '@milepost/core';
import { AlterShareGroupOffsets } from '@milepost/wire';
import { READ_GROUP, READ_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

export const alterShareGroupOffsets = handler(
  AlterShareGroupOffsets,
  [READ_GROUP, READ_TOPIC],
  async ({ groupId, topics }, { services, permissions, count }) => {
    const refused = permissions.refusal(READ_GROUP, groupId);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, responses: [] };
    }
    const known = services.image().topics;
    const errors = topics.map(({ topicName }) => {
      if (permissions.refusal(READ_TOPIC, topicName)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
      return known.has(topicName) ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    });
    const accepted = topics.filter((_topic, at) => errors[at] === ErrorCode.NONE);
    const {
      error,
      message,
      topics: altered,
    } = await services.groups.alterShareOffsets({
      groupId,
      topics: accepted.map(({ topicName, partitions }) => ({
        name: topicName,
        partitions: partitions.map(({ partitionIndex, startOffset }) => ({ partition: partitionIndex, startOffset })),
      })),
    });
    count(error);
    if (error !== ErrorCode.NONE) return { errorCode: error, errorMessage: message, responses: [] };
    const failed = topics.flatMap(({ topicName, partitions }, at) => {
      const errorCode = errors[at] ?? ErrorCode.NONE;
      if (errorCode === ErrorCode.NONE) return [];
      count(errorCode);
      const refusals = partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode }));
      return [{ topicName, topicId: known.get(topicName)?.id ?? ZERO_UUID, partitions: refusals }];
    });
    return {
      responses: [
        ...failed,
        ...altered.map(({ name, topicId, partitions }) => ({
          topicName: name,
          topicId,
          partitions: partitions.map(({ partition, error: errorCode }) => {
            count(errorCode);
            return { partitionIndex: partition, errorCode };
          }),
        })),
      ],
    };
  },
);
