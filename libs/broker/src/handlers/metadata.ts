// Metadata, versions 0 to 13: the brokers that are alive, the controller, topics and their leaders; by name, from v12 also by id.
// v0: no topics means all; later null means all and none means none. An unknown topic is created when both the broker
// (auto.create.topics.enable) and the request allow it, and the response contains it. When that fails, or is not
// allowed, the error is UNKNOWN_TOPIC_OR_PARTITION. A bad name is INVALID_TOPIC_EXCEPTION, an unknown id
// UNKNOWN_TOPIC_ID.
import { ErrorCode, NO_BROKER, type Uuid, ZERO_UUID } from '@milepost/core';
import {
  aliveBrokers,
  type ClusterImage,
  isAlive,
  isInternalTopic,
  livingController,
  type PartitionState,
  type TopicState,
  topicNameProblem,
} from '@milepost/metadata';
import { Metadata, type MetadataRequest, type MetadataResponse } from '@milepost/wire';
import type { Context } from '../services.ts';
import { authorizedOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

type Answered = MetadataResponse['topics'][number];
type Asked = { readonly name: string | null; readonly topicId: Uuid };

const FIRST_VERSION_WITH_IDS = 12;

export const metadata = handler(Metadata, async (request, context) => {
  const { apiVersion, services } = context;
  if (apiVersion < FIRST_VERSION_WITH_IDS && request.topics?.some(isNotByName)) return notByName(request, context);
  const asked = askedTopics(request, apiVersion);
  if (asked) await createMissing(asked, request, context);
  const image = services.image();
  const topics = asked
    ? asked.map((one) => answerOf(one, request, context))
    : [...image.topics.values()].map((topic) => described(topic, request, image));
  return {
    brokers: aliveBrokers(image).map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: image.clusterId,
    controllerId: livingController(image),
    topics,
    clusterAuthorizedOperations: authorizedOperations('cluster', request.includeClusterAuthorizedOperations),
  };
});

const isNotByName = ({ name, topicId }: Asked): boolean => name === null || topicId !== ZERO_UUID;

/** For the versions whose schema allows a topic without a name, which Kafka refuses nevertheless. */
function notByName({ topics }: MetadataRequest, { count }: Context): MetadataResponse {
  count(ErrorCode.INVALID_REQUEST);
  const refused = (topics ?? []).map(({ name, topicId }) => ({
    errorCode: ErrorCode.INVALID_REQUEST,
    name: name ?? '',
    topicId,
    partitions: [],
  }));
  return { brokers: [], topics: refused };
}

/** Undefined: all. When one topic is requested by id, names are ignored (as in Kafka). */
function askedTopics({ topics }: MetadataRequest, apiVersion: number): Asked[] | undefined {
  if (topics === null || (apiVersion === 0 && topics.length === 0)) return undefined;
  const byId = topics.filter(({ topicId }) => topicId !== ZERO_UUID);
  if (byId.length > 0) return byId.map(({ topicId }) => ({ topicId, name: null }));
  return [...new Set(topics.map(({ name }) => name))].map((name) => ({ name, topicId: ZERO_UUID }));
}

async function createMissing(asked: readonly Asked[], request: MetadataRequest, { services }: Context): Promise<void> {
  if (!request.allowAutoTopicCreation || !services.settings.autoCreateTopics) return;
  const { topics } = services.image();
  const missing = asked.flatMap(({ name }) =>
    name !== null && !topics.has(name) && !topicNameProblem(name) ? [name] : [],
  );
  if (missing.length > 0) await services.controller.topics.createByDefault(missing);
}

function answerOf({ name, topicId }: Asked, request: MetadataRequest, { services, count }: Context): Answered {
  const image = services.image();
  const topic = name === null ? image.topicsById.get(topicId) : image.topics.get(name);
  if (topic) return described(topic, request, image);
  const errorCode = errorOf(name);
  count(errorCode);
  return { errorCode, name, topicId, isInternal: name !== null && isInternalTopic(name), partitions: [] };
}

function errorOf(name: string | null): ErrorCode {
  if (name === null) return ErrorCode.UNKNOWN_TOPIC_ID;
  return topicNameProblem(name) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

function described({ id, name, partitions }: TopicState, request: MetadataRequest, image: ClusterImage): Answered {
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    isInternal: isInternalTopic(name),
    partitions: partitions.map((partition) => partitionOf(partition, image)),
    topicAuthorizedOperations: authorizedOperations('topic', request.includeTopicAuthorizedOperations),
  };
}

/** A leader that is not alive is none that a client could be sent to (as in Kafka's KRaftMetadataCache). */
function partitionOf({ index, leader, leaderEpoch, replicas, isr }: PartitionState, image: ClusterImage) {
  const isLed = isAlive(image, leader);
  return {
    errorCode: isLed ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex: index,
    leaderId: isLed ? leader : NO_BROKER,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    offlineReplicas: replicas.filter((id) => !isAlive(image, id)),
  };
}
