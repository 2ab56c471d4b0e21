// Produce, versions 3 to 13 (0 to 2 are advertised for old clients' sake and refused).
//
// All partitions of a request are appended first. A response means that the leader has the records for good: acks=1 and
// acks=all wait until the high watermark has passed them (docs/decisions/0026-acks-1-waits-for-the-fsync.md). With flush
// `always` that is the next fsync, a group commit that appends of all clients share; with `os` it is at once. A duplicate
// waits for the fsync of the batch that it repeats. acks=0 has no response; an error closes the connection.
// With acks=all, what takes longer than timeoutMs is answered REQUEST_TIMED_OUT; the records may still be committed later,
// as in Kafka. acks=1 knows no timeout, as in Kafka.
// Transactional batches are refused with INVALID_TXN_STATE: no transaction can be open here yet.
import { ErrorCode, NO_OFFSET, type Uuid } from '@milepost/core';
import { isInternalTopic } from '@milepost/metadata';
import type { Appended, AppendOutcome, AppendRefused } from '@milepost/log';
import { RecordBatch } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import { Produce, type ProduceRequest, type ProduceResponse } from '@milepost/wire';
import { errorOfFailed, LeaderHints, topicNameOf } from '../access.ts';
import type { Context } from '../services.ts';
import { handler, type Unanswered } from './handler.ts';

type Asked = ProduceRequest['topicData'][number]['partitionData'][number];
type Answered = ProduceResponse['responses'][number]['partitionResponses'][number];

const ALL = -1;
/** acks=1 has no timeout; a sync ends, or its partition fails. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_IDS = 13;
/** Kafka's own admin tools may write to internal topics. */
const ADMIN_CLIENT_ID = '__admin_client';

/** What became of the records for one partition. */
type Attempt = Refused | Stored;

interface Refused {
  readonly index: number;
  readonly errorCode: ErrorCode;
  /** Where the log had a look at the records. */
  readonly details?: Partial<Answered>;
}

interface Stored {
  readonly index: number;
  readonly errorCode: typeof ErrorCode.NONE;
  readonly partition: Partition;
  readonly outcome: Appended;
}

interface AttemptedTopic {
  readonly name: string | undefined;
  readonly topicId: Uuid;
  readonly partitions: readonly Attempt[];
}

export const produce = handler(Produce, (request, context) => {
  const named = request.topicData.filter(({ partitionData }) => partitionData.length > 0);
  const appended = named.map((topic): AttemptedTopic => {
    const { topicId } = topic;
    const name = context.apiVersion < FIRST_VERSION_WITH_IDS ? topic.name : topicNameOf(context, topicId);
    return {
      name,
      topicId,
      partitions: topic.partitionData.map((asked) => append(name, asked, request.acks, context)),
    };
  });
  context.throttle(context.services.quotas.produced(context.quotaClient, () => sizeOf(request)));
  if (request.acks === 0) return unanswered(appended);
  const stored = appended.flatMap(({ partitions }) => partitions.filter(isStored));
  if (stored.every(isCommitted)) return answer(appended, ErrorCode.NONE, context);
  return commit(stored, request, context).then((uncommitted) => answer(appended, uncommitted, context));
});

const isStored = (attempt: Attempt): attempt is Stored => 'outcome' in attempt;

const isCommitted = ({ partition, outcome }: Stored): boolean => partition.highWatermark > outcome.lastOffset;

function append(topic: string | undefined, { index, records }: Asked, acks: number, context: Context): Attempt {
  const refuse = (errorCode: ErrorCode, errorMessage: string | null = null): Refused => ({
    index,
    errorCode,
    details: { errorMessage },
  });
  if (topic === undefined) return refuse(ErrorCode.UNKNOWN_TOPIC_ID);
  const partition = context.services.partitions.find(topic, index);
  if (typeof partition === 'number') return refuse(partition);
  if (acks < -1 || acks > 1) return refuse(ErrorCode.INVALID_REQUIRED_ACKS);
  if (acks === ALL && isShortOfReplicas(partition, context)) return refuse(ErrorCode.NOT_ENOUGH_REPLICAS);
  if (isInternalTopic(topic) && context.clientId !== ADMIN_CLIENT_ID) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (records === null) return refuse(ErrorCode.INVALID_RECORD, 'expected one record batch, seen none');
  const misfit = misfitOf(records, context.apiVersion);
  if (misfit !== undefined) return refuse(misfit);
  return counted(partition, index, records.length, partition.append(records), context);
}

function counted(
  partition: Partition,
  index: number,
  sizeBytes: number,
  outcome: AppendOutcome,
  { services }: Context,
): Attempt {
  const traffic = services.traffic.of(partition.topic);
  traffic.produceRequests++;
  if (outcome.error !== ErrorCode.NONE) {
    traffic.failedProduceRequests++;
    return { index, errorCode: outcome.error, details: detailsOf(outcome, partition) };
  }
  if (!outcome.duplicate) {
    traffic.messagesIn += outcome.lastOffset - outcome.baseOffset + 1;
    traffic.bytesIn += sizeBytes;
  }
  return { index, errorCode: ErrorCode.NONE, partition, outcome };
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

function detailsOf({ error, message, recordErrors }: AppendRefused, { log }: Partition): Partial<Answered> {
  return {
    logStartOffset: WITHOUT_LOG_START.has(error) ? NO_OFFSET : log.logStartOffset,
    errorMessage: message,
    recordErrors: recordErrors.map((one) => ({ batchIndex: one.batchIndex, batchIndexErrorMessage: one.message })),
  };
}

const unanswered = (appended: readonly AttemptedTopic[]): Unanswered =>
  appended.every(({ partitions }) => partitions.every(isStored)) ? 'none' : 'close';

/** Resolves with the error code for those partitions that are not committed by then; NONE: because they failed. */
async function commit(stored: readonly Stored[], request: ProduceRequest, context: Context): Promise<ErrorCode> {
  const outcome = await context.services.delayedProduces.wait({
    partitions: new Set(stored.map(({ partition }) => partition)),
    timeoutMs: request.acks === ALL ? request.timeoutMs : NO_TIMEOUT_MS,
    isMet: () => stored.every((one) => isCommitted(one) || one.partition.isFailed),
  });
  return outcome === 'met' ? ErrorCode.NONE : ErrorCode.REQUEST_TIMED_OUT;
}

function answer(appended: readonly AttemptedTopic[], uncommitted: ErrorCode, context: Context): ProduceResponse {
  const hints = new LeaderHints(context);
  const answered = (topic: string | undefined, one: Attempt): Answered => {
    const { index } = one;
    const errorCode = errorOf(one, uncommitted, context);
    context.count(errorCode);
    const isLost = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const leader = isLost ? { currentLeader: hints.leaderOf(topic, index) } : {};
    if (!isStored(one)) return { index, errorCode, baseOffset: NO_OFFSET, ...one.details, ...leader };
    const { baseOffset, logAppendTimeMs } = one.outcome;
    const { logStartOffset } = one.partition.log;
    return { index, errorCode, baseOffset, logAppendTimeMs, logStartOffset, ...leader };
  };
  const responses = appended.map(({ name, topicId, partitions }) => ({
    name: name ?? '',
    topicId,
    partitionResponses: partitions.map((one) => answered(name, one)),
  }));
  return { responses, nodeEndpoints: hints.nodeEndpoints };
}

function errorOf(one: Attempt, uncommitted: ErrorCode, context: Context): ErrorCode {
  if (!isStored(one) || isCommitted(one)) return one.errorCode;
  return uncommitted === ErrorCode.NONE ? errorOfFailed(one.partition, context) : uncommitted;
}
