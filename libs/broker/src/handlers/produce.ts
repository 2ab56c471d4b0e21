// Produce, versions 3 to 13 (0 to 2 are advertised for old clients' sake and refused).
//
// All partitions of a request are appended first; then acks=1 is answered at once, acks=0 not at all (an error closes
// the connection), acks=all when the high watermark has passed: with flush `always` that means fsynced, by a group
// commit that appends of all clients share. A duplicate waits for the fsync of the batch that it repeats. Whoever runs
// out of timeoutMs first gets REQUEST_TIMED_OUT; the records may then yet be committed, as in Kafka.
// Transactional batches are refused with INVALID_TXN_STATE: no transaction can be open here yet.
import { ErrorCode, NO_OFFSET, type Offset } from '@milepost/core';
import { isInternalTopic } from '@milepost/metadata';
import type { AppendOutcome } from '@milepost/log';
import { RecordBatch } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import { Produce, type ProduceRequest, type ProduceResponse } from '@milepost/wire';
import { errorOfFailed, LeaderHints, topicNameOf } from '../access.ts';
import type { Context } from '../services.ts';
import { handler, type Unanswered } from './handler.ts';

type Asked = ProduceRequest['topicData'][number]['partitionData'][number];
type Written = ProduceResponse['responses'][number]['partitionResponses'][number];
type TopicWritten = ProduceResponse['responses'][number] & { partitionResponses: Written[] };

const ALL = -1;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_IDS = 13;
/** Kafka's own admin tools may write to internal topics. */
const ADMIN_CLIENT_ID = '__admin_client';

interface Pending {
  readonly partition: Partition;
  readonly lastOffset: Offset;
  readonly topic: TopicWritten;
  readonly place: number;
}

export const produce = handler(Produce, (request, context) => {
  const pending: Pending[] = [];
  const named = request.topicData.filter(({ partitionData }) => partitionData.length > 0);
  const responses = named.map((topic) => {
    const name = context.apiVersion < FIRST_VERSION_WITH_IDS ? topic.name : topicNameOf(context, topic.topicId);
    const written: TopicWritten = { name: name ?? '', topicId: topic.topicId, partitionResponses: [] };
    for (const asked of topic.partitionData) append(name, asked, request, written, pending, context);
    return written;
  });
  context.throttle(context.services.quotas.produced(context.quotaClient, () => sizeOf(request)));
  if (request.acks === 0) return unanswered(responses);
  if (request.acks !== ALL || pending.every(isCommitted)) return finish(responses, context);
  return commit(responses, pending, request.timeoutMs, context);
});

const isCommitted = ({ partition, lastOffset }: Pending): boolean => partition.highWatermark > lastOffset;

function append(
  topic: string | undefined,
  { index, records }: Asked,
  { acks }: ProduceRequest,
  written: TopicWritten,
  pending: Pending[],
  context: Context,
): void {
  const refuse = (errorCode: ErrorCode, errorMessage?: string): void => {
    written.partitionResponses.push({ index, errorCode, baseOffset: NO_OFFSET, errorMessage: errorMessage ?? null });
  };
  if (topic === undefined) return refuse(ErrorCode.UNKNOWN_TOPIC_ID);
  const partition = context.services.partitions.find(topic, index);
  if (typeof partition === 'number') return refuse(partition);
  if (acks < -1 || acks > 1) return refuse(ErrorCode.INVALID_REQUIRED_ACKS);
  if (acks === ALL && isShortOfReplicas(partition, context)) return refuse(ErrorCode.NOT_ENOUGH_REPLICAS);
  if (isInternalTopic(topic) && context.clientId !== ADMIN_CLIENT_ID) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (records === null) return refuse(ErrorCode.INVALID_RECORD, 'expected one record batch, seen none');
  const misfit = misfitOf(records, context.apiVersion);
  if (misfit !== undefined) return refuse(misfit);

  const outcome = partition.append(records);
  const traffic = context.services.traffic.of(topic);
  traffic.produceRequests++;
  if (outcome.error === ErrorCode.NONE) {
    if (!outcome.duplicate) {
      traffic.messagesIn += outcome.lastOffset - outcome.baseOffset + 1;
      traffic.bytesIn += records.length;
    }
    pending.push({
      partition,
      lastOffset: outcome.lastOffset,
      topic: written,
      place: written.partitionResponses.length,
    });
  } else traffic.failedProduceRequests++;
  written.partitionResponses.push(answerOf(index, partition, outcome));
}

function sizeOf({ topicData }: ProduceRequest): number {
  let sizeBytes = 0;
  for (const { partitionData } of topicData) for (const { records } of partitionData) sizeBytes += records?.length ?? 0;
  return sizeBytes;
}

/** As Kafka since 4.0: more than there are is not asked for. */
function isShortOfReplicas({ topic, index, log }: Partition, { services }: Context): boolean {
  const state = services.image().topics.get(topic)?.partitions[index];
  return state !== undefined && state.isr.length < Math.min(log.config.minInsyncReplicas, state.replicas.length);
}

/** What the version of the request, not the log, has against the batch. */
function misfitOf(records: Buffer, version: number): ErrorCode | undefined {
  const batch = RecordBatch.at(records, 0);
  if (batch?.isTransactional) return ErrorCode.INVALID_TXN_STATE;
  if (batch?.compression === 'zstd' && version < FIRST_VERSION_WITH_ZSTD) return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
  return undefined;
}

/** Kafka tells where the log starts with any other refusal. */
const WITHOUT_LOG_START: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.CORRUPT_MESSAGE,
  ErrorCode.MESSAGE_TOO_LARGE,
  ErrorCode.RECORD_LIST_TOO_LARGE,
  ErrorCode.KAFKA_STORAGE_ERROR,
]);

function answerOf(index: number, partition: Partition, outcome: AppendOutcome): Written {
  const { logStartOffset } = partition.log;
  if (outcome.error === ErrorCode.NONE) {
    const { baseOffset, logAppendTimeMs } = outcome;
    return { index, errorCode: ErrorCode.NONE, baseOffset, logAppendTimeMs, logStartOffset };
  }
  return {
    index,
    errorCode: outcome.error,
    baseOffset: NO_OFFSET,
    logStartOffset: WITHOUT_LOG_START.has(outcome.error) ? NO_OFFSET : logStartOffset,
    errorMessage: outcome.message,
    recordErrors: outcome.recordErrors.map(({ batchIndex, message }) => ({
      batchIndex,
      batchIndexErrorMessage: message,
    })),
  };
}

function unanswered(responses: readonly TopicWritten[]): Unanswered {
  const failed = responses.some((topic) =>
    topic.partitionResponses.some(({ errorCode }) => errorCode !== ErrorCode.NONE),
  );
  return failed ? 'close' : 'none';
}

async function commit(
  responses: readonly TopicWritten[],
  pending: readonly Pending[],
  timeoutMs: number,
  context: Context,
): Promise<ProduceResponse | Unanswered> {
  const isSettled = (one: Pending): boolean => isCommitted(one) || one.partition.isFailed;
  const outcome = await context.services.delayedProduces.wait({
    partitions: new Set(pending.map(({ partition }) => partition)),
    timeoutMs,
    isMet: () => pending.every(isSettled),
  });
  for (const one of pending) {
    if (isCommitted(one)) continue;
    const { topic, place } = one;
    const errorCode = outcome === 'met' ? errorOfFailed(one.partition, context) : ErrorCode.REQUEST_TIMED_OUT;
    topic.partitionResponses[place] = { ...(topic.partitionResponses[place] as Written), errorCode };
  }
  return finish(responses, context);
}

function finish(responses: readonly TopicWritten[], context: Context): ProduceResponse {
  const hints = new LeaderHints(context);
  for (const { name, partitionResponses } of responses)
    partitionResponses.forEach((written, place) => {
      if (written.errorCode === ErrorCode.NONE) return;
      context.count(written.errorCode);
      if (written.errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER)
        partitionResponses[place] = { ...written, currentLeader: hints.leaderOf(name, written.index) };
    });
  return { responses, nodeEndpoints: hints.nodeEndpoints };
}
