// DeleteTopics, versions 1 to 6: by name, from v6 by name or id. The response is sent when the topic is gone and its
// folders are renamed. Neither or both of name and id, or one topic twice: INVALID_REQUEST. delete.topic.enable=false:
// TOPIC_DELETION_DISABLED (before v3 INVALID_REQUEST). The group offsets of a deleted topic are deleted as well.
import { ErrorCode, type Uuid, ZERO_UUID } from '@milepost/core';
import type { TopicState } from '@milepost/metadata';
import { DeleteTopics, type DeleteTopicsRequest } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';
import type { Context } from '../services.ts';
import { DELETE_ON_CLUSTER, DELETE_TOPIC, DESCRIBE_TOPIC } from '../security/needs.ts';
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

export const deleteTopics = handler(
  DeleteTopics,
  [DELETE_ON_CLUSTER, DELETE_TOPIC, DESCRIBE_TOPIC],
  async (request, context) => {
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
          name: 'name' in outcome ? outcome.name : nameShown(one, context),
          topicId: 'id' in outcome ? outcome.id : one.topicId,
          errorCode: refused?.error ?? ErrorCode.NONE,
          errorMessage: refused?.message ?? null,
        };
      }),
    };
  },
);

const keyOf = ({ name, topicId }: Asked): string => `${name ?? ''} ${topicId}`;

const NAMED_TWICE = refusal(ErrorCode.INVALID_REQUEST, 'the topic is named twice');

function askedTopics({ topics, topicNames }: DeleteTopicsRequest, { apiVersion }: Context): readonly Asked[] {
  return apiVersion >= FIRST_VERSION_WITH_IDS ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
}

function find({ name, topicId }: Asked, { services, apiVersion, permissions }: Context): TopicState | Refusal {
  if (!services.settings.deleteTopics) {
    const knows = apiVersion >= FIRST_VERSION_KNOWING_DISABLED;
    const error = knows ? ErrorCode.TOPIC_DELETION_DISABLED : ErrorCode.INVALID_REQUEST;
    return refusal(error, 'delete.topic.enable is false');
  }
  if ((name === null) === (topicId === ZERO_UUID))
    return refusal(ErrorCode.INVALID_REQUEST, 'a topic is named by its name or by its id');
  const image = services.image();
  const byId = name === null ? image.topicsById.get(topicId) : undefined;
  const named = name ?? byId?.name;
  if (named === undefined) return refusal(ErrorCode.UNKNOWN_TOPIC_ID, `no topic has the id ${topicId}`);
  const mayDeleteAll = permissions.allows(DELETE_ON_CLUSTER);
  // By its name, a topic that the client may not see is neither there nor missing.
  const unseen = mayDeleteAll || byId ? undefined : permissions.refusal(DESCRIBE_TOPIC, named);
  if (unseen) return unseen;
  const topic = byId ?? image.topics.get(named);
  if (!topic) return refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${named}`);
  return (mayDeleteAll ? undefined : permissions.refusal(DELETE_TOPIC, named)) ?? topic;
}

/** Of a topic that is not deleted. The name of one that was named by its id is for clients that may see it. */
function nameShown({ name, topicId }: Asked, { services, permissions }: Context): string | null {
  const named = name ?? services.image().topicsById.get(topicId)?.name ?? null;
  return named === name || (named !== null && permissions.allows(DESCRIBE_TOPIC, named)) ? named : null;
}
