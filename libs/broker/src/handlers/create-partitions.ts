// CreatePartitions, versions 0 to 3: adds partitions and never removes any (INVALID_PARTITIONS). Each topic has its own
// result. A topic named twice is INVALID_REQUEST.
import { ErrorCode } from '@milepost/core';
import { CreatePartitions } from '@milepost/wire';
import { ALTER_TOPIC } from '../security/needs.ts';
import { handler } from './handler.ts';
import { namedTwice } from './named-twice.ts';

/**
 * From this version on, a request beyond controller_mutation_rate is refused. Before it, the request is done and the
 * client throttled (KIP-599).
 */
const FIRST_STRICT_VERSION = 3;

export const createPartitions = handler(CreatePartitions, [ALTER_TOPIC], async ({ topics, validateOnly }, context) => {
  const { services, permissions, count, apiVersion } = context;
  const quota = services.clients.quotas.mutations(context.quotaClient, apiVersion >= FIRST_STRICT_VERSION);
  const twice = namedTwice(topics.map(({ name }) => name));
  const refusals = new Map(
    topics.filter(({ name }) => !twice.has(name)).map(({ name }) => [name, permissions.refusal(ALTER_TOPIC, name)]),
  );
  const once = topics.filter(({ name }) => !twice.has(name) && !refusals.get(name));
  const outcomes = await services.controller.topics.addPartitions(once, validateOnly, quota);
  context.throttle(quota.throttleTimeMs);
  const answer = (name: string, errorCode: ErrorCode, errorMessage: string | null) => {
    count(errorCode);
    return { name, errorCode, errorMessage };
  };
  return {
    results: [
      ...once.map(({ name }, place) => {
        const refusal = outcomes[place];
        return answer(name, refusal?.error ?? ErrorCode.NONE, refusal?.message ?? null);
      }),
      ...[...refusals].flatMap(([name, refusal]) => (refusal ? [answer(name, refusal.error, refusal.message)] : [])),
      ...[...twice].map((name) => answer(name, ErrorCode.INVALID_REQUEST, `topic ${name} is named twice`)),
    ],
  };
});
