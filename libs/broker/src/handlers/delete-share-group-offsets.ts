// DeleteShareGroupOffsets, version 0 (KIP-932): a group without members forgets topics.
import { ErrorCode, ZERO_UUID } from '@milepost/core';
import { DeleteShareGroupOffsets } from '@milepost/wire';
import { DELETE_GROUP, READ_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';

export const deleteShareGroupOffsets = handler(
  DeleteShareGroupOffsets,
  [DELETE_GROUP, READ_TOPIC],
  async ({ groupId, topics }, { services, permissions, count }) => {
    const refused = permissions.refusal(DELETE_GROUP, groupId);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, responses: [] };
    }
    const refusals = topics.map(({ topicName }) => permissions.refusal(READ_TOPIC, topicName));
    const accepted = topics.filter((_topic, at) => !refusals[at]).map(({ topicName }) => topicName);
    const deleted = await services.groups.deleteShareOffsets({ groupId, topics: accepted });
    count(deleted.error);
    if (deleted.error !== ErrorCode.NONE)
      return { errorCode: deleted.error, errorMessage: deleted.message, responses: [] };
    const failed = topics.flatMap(({ topicName }, at) => {
      const refusal = refusals[at];
      if (!refusal) return [];
      count(refusal.error);
      return [{ topicName, topicId: ZERO_UUID, errorCode: refusal.error, errorMessage: refusal.message }];
    });
    return {
      responses: [
        ...failed,
        ...deleted.topics.map(({ name, topicId, error, message }) => {
          count(error);
          return { topicName: name, topicId, errorCode: error, errorMessage: message };
        }),
      ],
    };
  },
);
