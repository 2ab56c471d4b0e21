// Decides on changes of topics, by Kafka's rules: pure functions from the image and a request to a change or a refusal.
import { type BrokerId, ErrorCode, type Uuid } from '@milepost/core';
import {
  aliveBrokers,
  type BrokerConfigLayers,
  brokerNumber,
  type ClusterImage,
  collidingTopic,
  isAlive,
  partitionOn,
  type PartitionState,
  placePartitions,
  topicConfigProblem,
  topicNameProblem,
  type TopicState,
} from '@milepost/metadata';
import { type Refusal, refusal } from '../refusal.ts';

/** Kafka's limit for one request: POLICY_VIOLATION beyond. */
export const MOST_PARTITIONS_PER_REQUEST = 10_000;

/** Kafka's log of the controllers. Tools would mistake a topic of that name for it. */
const METADATA_TOPIC = '__cluster_metadata';

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's default. */
  readonly numPartitions: number;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
  /** Replicas that the client chose, by partition. Then both numbers above are -1. */
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly BrokerId[] }[];
  readonly configs: readonly { readonly name: string; readonly value: string | null }[];
}

export interface NewPartitions {
  readonly name: string;
  /** In all, with the existing ones. */
  readonly count: number;
  /** Replicas that the client chose, for the new partitions. */
  readonly assignments: readonly { readonly brokerIds: readonly BrokerId[] }[] | null;
}

export interface Surroundings {
  readonly image: ClusterImage;
  readonly layers: BrokerConfigLayers;
  /** Any whole number: the place at which the placement begins. */
  readonly start: number;
}

export function decideTopic(wish: NewTopic, id: Uuid, surroundings: Surroundings): TopicState | Refusal {
  const { image, layers } = surroundings;
  const { name } = wish;
  const nameProblem = topicNameProblem(name);
  if (nameProblem) return refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, nameProblem);
  if (name === METADATA_TOPIC) return refusal(ErrorCode.INVALID_REQUEST, `${name} is the name of the metadata log`);
  if (image.topics.has(name)) return refusal(ErrorCode.TOPIC_ALREADY_EXISTS, `topic ${name} already exists`);
  const colliding = collidingTopic(name, image.topics.keys());
  if (colliding)
    return refusal(ErrorCode.INVALID_TOPIC_EXCEPTION, `topic ${name} differs from ${colliding} only in "." and "_"`);
  const configProblem = topicConfigProblem(configsOf(wish), layers);
  if (configProblem) return refusal(ErrorCode.INVALID_CONFIG, configProblem);
  const partitions = wish.assignments.length > 0 ? assigned(wish, image) : placed(wish, surroundings);
  if ('error' in partitions) return partitions;
  return { id, name, configs: configsOf(wish) as Record<string, string>, partitions };
}

/** The partitions that the topic lacks, up to `count` in all. */
export function decidePartitions(
  { name, count, assignments }: NewPartitions,
  { image, start }: Surroundings,
): { topic: TopicState; partitions: PartitionState[] } | Refusal {
  const topic = image.topics.get(name);
  if (!topic) return refusal(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `there is no topic ${name}`);
  const firstIndex = topic.partitions.length;
  const more = count - firstIndex;
  if (more <= 0)
    return refusal(
      ErrorCode.INVALID_PARTITIONS,
      `topic ${name} has ${firstIndex} partitions, more expected, seen ${count}`,
    );
  if (more > MOST_PARTITIONS_PER_REQUEST) return tooMany(more);
  const replicationFactor = topic.partitions[0]?.replicas.length ?? 1;
  if (!assignments) {
    const brokers = aliveBrokers(image);
    if (replicationFactor > brokers.length) return tooFewBrokers(replicationFactor, image);
    return { topic, partitions: placePartitions({ brokers, partitions: more, replicationFactor, start, firstIndex }) };
  }
  if (assignments.length !== more)
    return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, `expected ${more} assignments, seen ${assignments.length}`);
  for (const { brokerIds } of assignments) {
    const problem = replicasProblem(brokerIds, replicationFactor, image);
    if (problem) return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  }
  const partitions = assignments.map(({ brokerIds }, place) => assignedPartition(firstIndex + place, brokerIds, image));
  const problem = partitions.find((one): one is Refusal => 'error' in one);
  return problem ?? { topic, partitions: partitions as PartitionState[] };
}

const configsOf = ({ configs }: NewTopic): Record<string, string | null> =>
  Object.fromEntries(configs.map(({ name, value }) => [name, value]));

function placed(wish: NewTopic, { image, layers, start }: Surroundings): PartitionState[] | Refusal {
  const brokers = aliveBrokers(image);
  const replicationFactor =
    wish.replicationFactor === -1 ? brokerNumber(layers, 'default.replication.factor') : wish.replicationFactor;
  if (replicationFactor < 1)
    return refusal(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      `replication factor: expected 1 or more, or -1, seen ${replicationFactor}`,
    );
  const partitions = wish.numPartitions === -1 ? brokerNumber(layers, 'num.partitions') : wish.numPartitions;
  if (partitions < 1)
    return refusal(ErrorCode.INVALID_PARTITIONS, `partitions: expected 1 or more, or -1, seen ${partitions}`);
  if (partitions > MOST_PARTITIONS_PER_REQUEST) return tooMany(partitions);
  if (replicationFactor > brokers.length) return tooFewBrokers(replicationFactor, image);
  return placePartitions({ brokers, partitions, replicationFactor, start });
}

function assigned(wish: NewTopic, image: ClusterImage): PartitionState[] | Refusal {
  if (wish.replicationFactor !== -1 || wish.numPartitions !== -1)
    return refusal(
      ErrorCode.INVALID_REQUEST,
      'with replicas assigned by hand, partitions and replication factor must be -1',
    );
  const byIndex = wish.assignments.toSorted((a, b) => a.partitionIndex - b.partitionIndex);
  const replicationFactor = byIndex[0]?.brokerIds.length ?? 0;
  for (const [place, { partitionIndex, brokerIds }] of byIndex.entries()) {
    const problem =
      partitionIndex === place
        ? replicasProblem(brokerIds, replicationFactor, image)
        : `partitions: expected 0, 1, 2 and so on, seen ${partitionIndex} at place ${place}`;
    if (problem) return refusal(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  }
  const partitions = byIndex.map(({ partitionIndex, brokerIds }) =>
    assignedPartition(partitionIndex, brokerIds, image),
  );
  const refused = partitions.find((one): one is Refusal => 'error' in one);
  return refused ?? (partitions as PartitionState[]);
}

/** A replica that was assigned by hand may be on a fenced broker, as in Kafka: it is not in sync at first. */
function assignedPartition(
  index: number,
  replicas: readonly BrokerId[],
  image: ClusterImage,
): PartitionState | Refusal {
  const isr = replicas.filter((id) => isAlive(image, id));
  if (isr.length === 0)
    return refusal(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `All brokers specified in the manual partition assignment for partition ${index} are fenced or in controlled shutdown.`,
    );
  return { ...partitionOn(index, isr), replicas };
}

function replicasProblem(replicas: readonly BrokerId[], expected: number, image: ClusterImage): string | undefined {
  if (replicas.length === 0) return 'a partition needs a replica';
  if (replicas.length !== expected) return `expected ${expected} replicas, seen ${replicas.length}`;
  if (new Set(replicas).size < replicas.length) return `a broker is named twice: ${replicas.join(', ')}`;
  const unknown = replicas.find((id) => !image.brokers.has(id));
  return unknown === undefined ? undefined : `there is no broker ${unknown}`;
}

const tooMany = (partitions: number): Refusal =>
  refusal(ErrorCode.POLICY_VIOLATION, `at most ${MOST_PARTITIONS_PER_REQUEST} partitions at once, seen ${partitions}`);

/** Kafka's words. Kafka counts fenced brokers too; here a topic is not under-replicated from its beginning (decision 39). */
function tooFewBrokers(replicas: number, image: ClusterImage): Refusal {
  const alive = aliveBrokers(image).length;
  const seen = alive === image.brokers.size ? `${alive} broker(s) are registered` : `${alive} broker(s) are alive`;
  const reason =
    alive === 0
      ? 'All brokers are currently fenced or in controlled shutdown.'
      : `The target replication factor of ${replicas} cannot be reached because only ${seen}.`;
  return refusal(
    ErrorCode.INVALID_REPLICATION_FACTOR,
    `Unable to replicate the partition ${replicas} time(s): ${reason}`,
  );
}
