// AddPartitionsToTxn, versions 0 to 5. Up to version 3 one transaction of a client; from version 4 on many, as brokers send
// them: to be added (transaction version 2) or only verified (KIP-890). @platformatic/kafka sends version 5 with one.
// Up to version 3 the client needs the rights to write; internal topics are not for clients, as in Kafka.
// A partition that is not there refuses the whole transaction; the others are OPERATION_NOT_ATTEMPTED.
import { ErrorCode, type TopicPartition } from '@milepost/core';
import { isInternalTopic } from '@milepost/metadata';
import { AddPartitionsToTxn, type AddPartitionsToTxnRequest } from '@milepost/wire';
import type { Context } from '../services.ts';
import { CLUSTER_ACTION, WRITE_TOPIC, WRITE_TRANSACTION } from '../security/needs.ts';
import { fencedAs } from './fenced-as.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_MANY = 4;

type Asked = AddPartitionsToTxnRequest['transactions'][number];

export const addPartitionsToTxn = handler(
  AddPartitionsToTxn,
  [WRITE_TRANSACTION, WRITE_TOPIC, CLUSTER_ACTION],
  async (request, context) => {
    if (context.apiVersion >= FIRST_VERSION_WITH_MANY) {
      const refused = context.permissions.refusal(CLUSTER_ACTION);
      if (refused) {
        context.count(refused.error);
        return { errorCode: refused.error, resultsByTransaction: [], resultsByTopicV3AndBelow: [] };
      }
      const results = request.transactions.map(async (asked) => ({
        transactionalId: asked.transactionalId,
        topicResults: await added(asked, context),
      }));
      return { resultsByTransaction: await Promise.all(results), resultsByTopicV3AndBelow: [] };
    }
    const asked = {
      transactionalId: request.v3AndBelowTransactionalId,
      producerId: request.v3AndBelowProducerId,
      producerEpoch: request.v3AndBelowProducerEpoch,
      verifyOnly: false,
      topics: request.v3AndBelowTopics,
    };
    return { resultsByTransaction: [], resultsByTopicV3AndBelow: await added(asked, context) };
  },
);

async function added(asked: Asked, context: Context) {
  const partitions = asked.topics.flatMap(({ name, partitions: indexes }) =>
    indexes.map((partition) => ({ topic: name, partition })),
  );
  const errors = await errorsOf(asked, partitions, context);
  let at = 0;
  return asked.topics.map(({ name, partitions: indexes }) => ({
    name,
    resultsByPartition: indexes.map((partitionIndex) => {
      const partitionErrorCode = fencedAs(errors[at++] ?? ErrorCode.UNKNOWN_SERVER_ERROR, context.apiVersion);
      context.count(partitionErrorCode);
      return { partitionIndex, partitionErrorCode };
    }),
  }));
}

async function errorsOf(
  { transactionalId, producerId, producerEpoch, verifyOnly }: Asked,
  partitions: readonly TopicPartition[],
  { apiVersion, services, peer, permissions }: Context,
): Promise<readonly ErrorCode[]> {
  const producer = { transactionalId, producerId, producerEpoch };
  const isClient = apiVersion < FIRST_VERSION_WITH_MANY;
  const refused = isClient ? permissions.refusal(WRITE_TRANSACTION, transactionalId) : undefined;
  if (refused) return partitions.map(() => refused.error);
  const flawOf = ({ topic, partition }: TopicPartition): ErrorCode => {
    if (isClient && (isInternalTopic(topic) || permissions.refusal(WRITE_TOPIC, topic)))
      return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    return topics.get(topic)?.partitions[partition] ? ErrorCode.NONE : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  };
  const { topics } = services.image();
  const flaws = partitions.map(flawOf);
  if (flaws.some((flaw) => flaw !== ErrorCode.NONE))
    return flaws.map((flaw) => (flaw === ErrorCode.NONE ? ErrorCode.OPERATION_NOT_ATTEMPTED : flaw));
  if (verifyOnly) return services.transactions.verifyPartitions({ ...producer, partitions });
  const clientVersion = apiVersion >= FIRST_VERSION_WITH_MANY ? 2 : 0;
  const error = await services.transactions.addPartitions({
    ...producer,
    partitions,
    clientVersion,
    connection: peer.number,
  });
  return partitions.map(() => error);
}
