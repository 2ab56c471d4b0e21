// TxnOffsetCommit, versions 0 to 5: offsets that count once the transaction is committed. The coordinator of the transaction
// confirms that the group's offsets are part of it; from version 5 on (transaction version 2) it adds them. Answered when the
// group store has the offsets.
import { ErrorCode, ZERO_UUID } from '@milepost/core';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { TxnOffsetCommit, type TxnOffsetCommitRequest } from '@milepost/wire';
import type { Context } from '../services.ts';
import { READ_GROUP, READ_TOPIC, WRITE_TRANSACTION } from '../security/needs.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_LOADING = 2;
const FIRST_VERSION_WITH_ABORTABLE = 4;
const FIRST_VERSION_THAT_ADDS_PARTITIONS = 5;

export const txnOffsetCommit = handler(
  TxnOffsetCommit,
  [WRITE_TRANSACTION, READ_GROUP, READ_TOPIC],
  async (request, context) => {
    const { services, apiVersion, permissions, count } = context;
    const { transactionalId, groupId, producerId, producerEpoch } = request;
    const refusedAll =
      permissions.refusal(WRITE_TRANSACTION, transactionalId) ?? permissions.refusal(READ_GROUP, groupId);
    if (refusedAll) return { topics: request.topics.map((topic) => allRefused(topic, refusedAll.error, context)) };
    const image = services.image();
    services.offsetsTopic.ensure(image, services.controller.topics);
    const topics = request.topics.map(({ name, partitions }) => {
      const topic = image.topics.get(name);
      const refused = permissions.refusal(READ_TOPIC, name);
      return {
        topic,
        name,
        partitions,
        unknownError: refused?.error ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        known: refused ? [] : partitions.filter(({ partitionIndex }) => topic?.partitions[partitionIndex]),
      };
    });
    const command = {
      groupId,
      generation: request.generationId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      producerId,
      producerEpoch,
      topics: topics.map(({ topic, name, known }) => ({
        name,
        topicId: topic?.id ?? ZERO_UUID,
        partitions: known.map((one) => ({
          partition: one.partitionIndex,
          offset: one.committedOffset,
          leaderEpoch: one.committedLeaderEpoch,
          metadata: one.committedMetadata,
        })),
      })),
    };
    const verify = async (shard: number): Promise<ErrorCode> => {
      const partitions = [{ topic: OFFSETS_TOPIC, index: shard }];
      const addsPartitions = apiVersion >= FIRST_VERSION_THAT_ADDS_PARTITIONS;
      const asked = { transactionalId, producerId, producerEpoch, partitions, addsPartitions };
      const [verdict = ErrorCode.UNKNOWN_SERVER_ERROR] = await services.transactionVerifier.verify(asked);
      return asToldToProducers(verdict, context);
    };
    const isNothing = topics.every(({ known }) => known.length === 0);
    const committed = isNothing ? undefined : await services.groups.commitInTransaction(command, verify);
    return {
      topics: topics.map(({ name, partitions, known, unknownError }, place) => {
        const errors = new Map(committed?.topics[place]?.partitions.map(({ partition, error }) => [partition, error]));
        const answered = partitions.map((one) => {
          const error = known.includes(one) ? (errors.get(one.partitionIndex) ?? ErrorCode.NONE) : unknownError;
          // Producers before 2.0 could crash by it (KAFKA-7296).
          const isCrash = error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && apiVersion < FIRST_VERSION_WITH_LOADING;
          const errorCode = isCrash ? ErrorCode.COORDINATOR_NOT_AVAILABLE : error;
          count(errorCode);
          return { partitionIndex: one.partitionIndex, errorCode };
        });
        return { name, partitions: answered };
      }),
    };
  },
);

function allRefused(
  { name, partitions }: TxnOffsetCommitRequest['topics'][number],
  errorCode: ErrorCode,
  { count }: Context,
) {
  const refused = partitions.map(({ partitionIndex }) => {
    count(errorCode);
    return { partitionIndex, errorCode };
  });
  return { name, partitions: refused };
}

function asToldToProducers(verdict: ErrorCode, { apiVersion }: Context): ErrorCode {
  switch (verdict) {
    case ErrorCode.PRODUCER_FENCED:
      return ErrorCode.INVALID_PRODUCER_EPOCH;
    case ErrorCode.TRANSACTION_ABORTABLE:
      return apiVersion < FIRST_VERSION_WITH_ABORTABLE ? ErrorCode.INVALID_TXN_STATE : verdict;
    // Retried by old clients too, and without looking for another coordinator.
    case ErrorCode.NETWORK_EXCEPTION:
      return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    default:
      return verdict;
  }
}
