// Metadata, versions 0 to 13: the brokers that are alive, the controller, topics and their leaders; by name, from v12 also by id.
// v0: no topics means all; later null means all and none means none. An unknown topic is created when both the broker
// (auto.create.topics.enable) and the request allow it, and the response contains it. When that fails, or is not
// allowed, the error is UNKNOWN_TOPIC_OR_PARTITION. A bad name is INVALID_TOPIC_EXCEPTION, an unknown id
// UNKNOWN_TOPIC_ID. Topics that the client may not describe are left out of all, and refused by name or id.
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
import { addressOf } from '../access.ts';
import type { Context } from '../services.ts';
import { CREATE_ON_CLUSTER, CREATE_TOPIC, DESCRIBE_CLUSTER, DESCRIBE_TOPIC } from '../security/needs.ts';
import { clusterOperations, topicOperations } from './authorized-operations.ts';
import { handler } from './handler.ts';

type Answered = MetadataResponse['topics'][number];
type Asked = { readonly name: string | null; readonly topicId: Uuid };

const FIRST_VERSION_WITH_IDS = 12;

export const metadata = handler(
  Metadata,
  [DESCRIBE_TOPIC, CREATE_TOPIC, CREATE_ON_CLUSTER, DESCRIBE_CLUSTER],
  async (request, context) => {
    const { apiVersion, services } = context;
    if (apiVersion < FIRST_VERSION_WITH_IDS && request.topics?.some(isNotByName)) return notByName(request, context);
    const asked = askedTopics(request, apiVersion);
    if (asked) await createMissing(asked, request, context);
    const image = services.image();
    const topics = asked
      ? asked.map((one) => answerOf(one, request, context))
      : [...image.topics.values()]
          .filter(({ name }) => context.permissions.allows(DESCRIBE_TOPIC, name))
          .map((topic) => described(topic, request, context));
    return {
      brokers: aliveBrokers(image).map((broker) => ({
        nodeId: broker.id,
        ...addressOf(context, broker),
        rack: broker.rack,
      })),
      clusterId: image.clusterId,
      controllerId: livingController(image),
      topics,
      clusterAuthorizedOperations: clusterOperations(context, request.includeClusterAuthorizedOperations),
    };
  },
);

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

async function createMissing(asked: readonly Asked[], request: MetadataRequest, context: Context): Promise<void> {
  const missing = asked.flatMap(({ name }) =>
    name !== null && isToBeCreated(name, request, context) && mayCreate(name, context) ? [name] : [],
  );
  if (missing.length > 0) await context.services.controller.topics.createByDefault(missing);
}

function isToBeCreated(name: string, request: MetadataRequest, { services, permissions }: Context): boolean {
  if (!request.allowAutoTopicCreation || !services.settings.autoCreateTopics) return false;
  return permissions.allows(DESCRIBE_TOPIC, name) && !services.image().topics.has(name) && !topicNameProblem(name);
}

const mayCreate = (name: string, { permissions }: Context): boolean =>
  permissions.allows(CREATE_ON_CLUSTER) || permissions.allows(CREATE_TOPIC, name);

/** Does not look for a topic that the client may not describe; ids are no secret, as in Kafka. */
function answerOf({ name, topicId }: Asked, request: MetadataRequest, context: Context): Answered {
  const { services, permissions, count } = context;
  const image = services.image();
  const byId = name === null ? image.topicsById.get(topicId) : undefined;
  const asked = name ?? byId?.name;
  const unauthorized = asked === undefined ? undefined : permissions.refusal(DESCRIBE_TOPIC, asked);
  const topic = byId ?? (name === null || unauthorized ? undefined : image.topics.get(name));
  if (topic && !unauthorized) return described(topic, request, context);
  const errorCode = unauthorized?.error ?? errorOf(name, request, context);
  count(errorCode);
  const isInternal = !unauthorized && name !== null && isInternalTopic(name);
  return { errorCode, name, topicId, isInternal, partitions: [] };
}

function errorOf(name: string | null, request: MetadataRequest, context: Context): ErrorCode {
  if (name === null) return ErrorCode.UNKNOWN_TOPIC_ID;
  if (isToBeCreated(name, request, context) && !mayCreate(name, context)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
  return topicNameProblem(name) ? ErrorCode.INVALID_TOPIC_EXCEPTION : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

function described({ id, name, partitions }: TopicState, request: MetadataRequest, context: Context): Answered {
  const image = context.services.image();
  return {
    errorCode: ErrorCode.NONE,
    name,
    topicId: id,
    isInternal: isInternalTopic(name),
    partitions: partitions.map((partition) => partitionOf(partition, image)),
    topicAuthorizedOperations: topicOperations(context, name, request.includeTopicAuthorizedOperations),
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
