// DescribeTopicPartitions, version 0: topics in the order of their names, page by page (KIP-966). No topics means all
// that the client may describe.
// A cursor outside the requested topics, or with a bad partition, is an error of each topic: the response as a whole
// has none.
import { ErrorCode, NO_BROKER, ZERO_UUID } from '@milepost/core';
import { isAlive, isInternalTopic, topicNameProblem } from '@milepost/metadata';
import {
  DescribeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from '@milepost/wire';
import type { Context } from '../services.ts';
import { DESCRIBE_TOPIC } from '../security/needs.ts';
import { topicOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

/** max.request.partition.size.limit */
const MOST_PARTITIONS_PER_PAGE = 2_000;

type Answered = DescribeTopicPartitionsResponse['topics'][number];

export const describeTopicPartitions = handler(DescribeTopicPartitions, [DESCRIBE_TOPIC], (request, context) => {
  const { permissions } = context;
  const { cursor } = request;
  const isNamed = request.topics.length > 0;
  const names = askedNames(request, context);
  if (cursor && (cursor.partitionIndex < 0 || (isNamed && names[0] !== cursor.topicName)))
    return { topics: request.topics.map(({ name }) => refused(name, ErrorCode.INVALID_REQUEST, context)) };
  const isUnseen = (name: string): boolean =>
    isNamed ? permissions.refusal(DESCRIBE_TOPIC, name) !== undefined : !permissions.allows(DESCRIBE_TOPIC, name);
  const unseen = new Set(names.filter(isUnseen));
  const seen = names.filter((name) => !unseen.has(name));
  const { topics, ...next } = pages(seen, request, context);
  const unauthorized = isNamed ? [...unseen] : [];
  const refusals = unauthorized.map((name) => refused(name, ErrorCode.TOPIC_AUTHORIZATION_FAILED, context));
  return { topics: [...topics, ...refusals], ...next };
});

/** As many partitions as one response may have, and where the next one begins. */
function pages(
  names: readonly string[],
  { cursor, responsePartitionLimit }: DescribeTopicPartitionsRequest,
  context: Context,
): Pick<DescribeTopicPartitionsResponse, 'topics' | 'nextCursor'> {
  let left = Math.max(1, Math.min(responsePartitionLimit, MOST_PARTITIONS_PER_PAGE));
  const topics: Answered[] = [];
  for (const name of names) {
    const first = name === cursor?.topicName ? cursor.partitionIndex : 0;
    if (left === 0) return { topics, nextCursor: { topicName: name, partitionIndex: first } };
    const { topic, total } = page(name, first, left, context);
    topics.push(topic);
    left -= topic.partitions.length;
    const next = first + topic.partitions.length;
    if (next < total) return { topics, nextCursor: { topicName: name, partitionIndex: next } };
  }
  return { topics };
}

function askedNames({ topics, cursor }: DescribeTopicPartitionsRequest, { services }: Context): string[] {
  const all = topics.length === 0 ? services.image().topics.keys() : topics.map(({ name }) => name);
  const from = cursor?.topicName ?? '';
  return [...new Set(all)].filter((name) => name >= from).toSorted((a, b) => (a < b ? -1 : 1));
}

function refused(name: string, errorCode: ErrorCode, { count }: Context): Answered {
  count(errorCode);
  return { errorCode, name, topicId: ZERO_UUID, partitions: [] };
}

/** The response names the operations on a missing topic as well, as in Kafka. */
const missing = (name: string, errorCode: ErrorCode, context: Context): Answered => ({
  ...refused(name, errorCode, context),
  topicAuthorizedOperations: topicOperations(context, name, true),
});

function page(name: string, first: number, limit: number, context: Context) {
  const image = context.services.image();
  const topic = image.topics.get(name);
  if (!topic) {
    const errorCode = topicNameProblem(name) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    return { total: 0, topic: missing(name, errorCode, context) };
  }
  const partitions = topic.partitions
    .slice(first, first + limit)
    .map(({ index, leader, leaderEpoch, replicas, isr }) => ({
      errorCode: isAlive(image, leader) ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
      partitionIndex: index,
      leaderId: isAlive(image, leader) ? leader : NO_BROKER,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      // Never null: the Java client reads both without a check (KIP-966).
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: replicas.filter((id) => !isAlive(image, id)),
    }));
  return {
    total: topic.partitions.length,
    topic: {
      errorCode: ErrorCode.NONE,
      name,
      topicId: topic.id,
      isInternal: isInternalTopic(name),
      partitions,
      topicAuthorizedOperations: topicOperations(context, name, true),
    } satisfies Answered,
  };
}
