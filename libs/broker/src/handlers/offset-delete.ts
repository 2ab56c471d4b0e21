// OffsetDelete, version 0: deletes a group's offsets of topics that it is not subscribed to. A partition that does not
// exist is UNKNOWN_TOPIC_OR_PARTITION; the others are deleted.
import { ErrorCode } from '@milepost/core';
import { OffsetDelete } from '@milepost/wire';
import { DELETE_GROUP, READ_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

export const offsetDelete = handler(
  OffsetDelete,
  [DELETE_GROUP, READ_TOPIC],
  async ({ groupId, topics }, { services, permissions, count }) => {
    const refused = permissions.refusal(DELETE_GROUP, groupId);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, topics: [] };
    }
    const refusals = topics.map(({ name }) => permissions.refusal(READ_TOPIC, name));
    const image = services.image();
    const isKnown = (topic: string, index: number): boolean => !!image.topics.get(topic)?.partitions[index];
    const known = topics.map(({ name, partitions }, place) => ({
      name,
      partitions: partitions
        .map(({ partitionIndex }) => partitionIndex)
        .filter((index) => !refusals[place] && isKnown(name, index)),
    }));
    const deleted = await services.groups.deleteOffsets({ groupId, topics: known });
    if (deleted.error !== ErrorCode.NONE) {
      count(deleted.error);
      return { errorCode: deleted.error, topics: [] };
    }
    return {
      errorCode: ErrorCode.NONE,
      topics: topics.map(({ name, partitions }, place) => {
        const errors = new Map(deleted.topics[place]?.partitions.map(({ partition, error }) => [partition, error]));
        const answered = partitions.map(({ partitionIndex }) => {
          const errorCode =
            refusals[place]?.error ?? errors.get(partitionIndex) ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
          count(errorCode);
          return { partitionIndex, errorCode };
        });
        return { name, partitions: answered };
      }),
    };
  },
);
