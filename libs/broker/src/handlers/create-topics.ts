// CreateTopics, versions 2 to 7. Each topic has its own result: one that fails does not stop the others. A name given
// twice is INVALID_REQUEST. -1 partitions or replicas: the broker's defaults. validate_only checks and creates nothing. The
// configs are returned to a client that may describe them.
import { ErrorCode } from '@milepost/core';
import { effectiveTopicConfig, type TopicState } from '@milepost/metadata';
import { CreateTopics, type CreateTopicsResponse } from '@milepost/wire';
import { configLayers } from '../broker-config.ts';
import type { Context } from '../services.ts';
import { CREATE_ON_CLUSTER, CREATE_TOPIC, DESCRIBE_TOPIC_CONFIGS } from '../security/needs.ts';
import { handler } from './handler.ts';
import { namedTwice } from './named-twice.ts';

/**
 * From this version on, a request beyond controller_mutation_rate is refused. Before it, the request is done and the
 * client throttled (KIP-599).
 */
const FIRST_STRICT_VERSION = 6;

type Answered = CreateTopicsResponse['topics'][number];

export const createTopics = handler(
  CreateTopics,
  [CREATE_ON_CLUSTER, CREATE_TOPIC, DESCRIBE_TOPIC_CONFIGS],
  async ({ topics, validateOnly }, context) => {
    const { services, apiVersion, permissions } = context;
    const quota = services.clients.quotas.mutations(context.quotaClient, apiVersion >= FIRST_STRICT_VERSION);
    const twice = namedTwice(topics.map(({ name }) => name));
    const mayCreateAll = permissions.allows(CREATE_ON_CLUSTER);
    const unauthorized = new Set(
      topics
        .map(({ name }) => name)
        .filter((name) => !twice.has(name) && !mayCreateAll && permissions.refusal(CREATE_TOPIC, name)),
    );
    const once = topics.filter(({ name }) => !twice.has(name) && !unauthorized.has(name));
    const outcomes = await services.controller.topics.create(once, validateOnly, quota);
    context.throttle(quota.throttleTimeMs);
    const refused = (name: string, errorCode: ErrorCode, errorMessage: string): Answered => {
      context.count(errorCode);
      return { name, errorCode, errorMessage };
    };
    return {
      topics: [
        ...outcomes.map((outcome, place) =>
          'error' in outcome
            ? refused(once[place]?.name ?? '', outcome.error, outcome.message)
            : created(outcome, context),
        ),
        ...[...unauthorized].map((name) =>
          refused(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'Authorization failed.'),
        ),
        ...[...twice].map((name) => refused(name, ErrorCode.INVALID_REQUEST, `topic ${name} is named twice`)),
      ],
    };
  },
);

function created({ id, name, configs, partitions }: TopicState, { services, permissions }: Context): Answered {
  if (!permissions.allows(DESCRIBE_TOPIC_CONFIGS, name))
    return {
      name,
      topicId: id,
      errorCode: ErrorCode.NONE,
      topicConfigErrorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED,
    };
  const layers = configLayers(services.image(), services.config);
  return {
    name,
    topicId: id,
    errorCode: ErrorCode.NONE,
    numPartitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? -1,
    configs: effectiveTopicConfig(configs, layers)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((entry) => ({
        name: entry.name,
        value: entry.value,
        readOnly: entry.readOnly,
        configSource: entry.source,
        isSensitive: false,
      })),
  };
}
