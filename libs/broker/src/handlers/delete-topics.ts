// DeleteTopics, versions 1 to 6: by name, from v6 by name or id. The response is sent when the topic is gone and its
// folders are renamed. Neither or both of name and id, or one topic twice: INVALID_REQUEST. delete.topic.enable=false:
// TOPIC_DELETION_DISABLED (before v3 INVALID_REQUEST). The group offsets of a deleted topic are deleted as well.
import { ErrorCode, type Uuid, ZERO_UUID } from '@milepost/core';
import type { TopicState } from '@milepost/metadata';
import { DeleteTopics, type DeleteTopicsRequest } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';
import { namedTwice } from './named-twice.ts';

const FIRST_VERSION_KNOWING_DISABLED = 3;
const FIRST_VERSION_WITH_IDS = 6;
/**
 * From this version on, a request beyond controller_mutation_rate is refused. Before it, the request is done and the
 * client throttled (KIP-599).
 */
const FIRST_STRICT_VERSION = 5;

interface Asked {
  readonly name: string | null;
  readonly topicId: Uuid;
}

export const deleteTopics = handler(DeleteTopics, async (request, context) => {
  const asked = askedTopics(request, context);
  const found = asked.map((one) => find(one, context));
  // A topic named by its id and by its name is the same topic.
  const keys = found.map((outcome, place) => ('id' in outcome ? outcome.id : keyOf(asked[place] as Asked)));
  const twice = namedTwice<string>(keys);
  const once = found.filter((outcome): outcome is TopicState => 'id' in outcome && !twice.has(outcome.id));
  const { services, apiVersion } = context;
  const quota = services.clients.quotas.mutations(context.quotaClient, apiVersion >= FIRST_STRICT_VERSION);
  const outcomes = await services.controller.topics.delete(once, quota);
  context.throttle(quota.throttleTimeMs);
  const answered = new Set<string>();
  return {
    responses: asked.flatMap((one, place) => {
      const outcome = found[place] as TopicState | Refusal;
      const key = keys[place] as string;
      if (answered.has(key)) return []; // Kafka returns one result for a topic named twice
      answered.add(key);
      const refused = twice.has(key) ? NAMED_TWICE : 'error' in outcome ? outcome : outcomes[once.indexOf(outcome)];
      if (refused) context.count(refused.error);
      return {
        name: 'name' in outcome ? outcome.name : one.name,
        topicId: 'id' in outcome ? outcome.id : one.topicId,
        errorCode: refused?.error ?? ErrorCode.NONE,
        errorMessage: refused?.message ?? null,
      };
    }),
  };
});

const keyOf = ({ name, topicId }: Asked): string => `${name ?? ''} ${topicId}`;

const NAMED_TWICE = refusal(ErrorCode.INVALID_REQUEST, 'the topic is named twice');

function askedTopics({ topics, topicNames }: DeleteTopicsRequest, { apiVersion }: Context): readonly Asked[] {
  return apiVersion >= FIRST_VERSION_WITH_IDS ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}

function find({ name, topicId }: Asked, { services, apiVersion }: Context): TopicState | Refusal {
  if (!services.settings.deleteTopics) {
    const knows = apiVersion >= FIRST_VERSION_KNOWING_DISABLED;
    const error = knows ? ErrorCode.TOPIC_DELETION_DISABLED : ErrorCode.INVALID_REQUEST;
    return refusal(error, 'delete.topic.enable is false');
  }
  if ((name === null) === (topicId === ZERO_UUID))
    return refusal(ErrorCode.INVALID_REQUEST, 'a topic is named by its name or by its id');
  const image = services.image();
  if (name === null)
    return image.topicsById.get(topicId) ?? refusal(ErrorCode.UNKNOWN_TOPIC_ID, `no topic has the id ${topicId}`);
  return image.topics.get(name) ?? refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
}
