// Produce, versions 3 to 13 (0 to 2 are advertised for old clients and refused).
//
// All partitions of a request are appended first. acks=1 waits until the leader has the records for good
// (docs/decisions/0026-acks-1-waits-for-the-fsync.md): with flush `always` that is after the next fsync, a group commit
// that appends of all clients share; with `os` there is no wait. acks=all waits until every in-sync replica has them for
// good, that is, until the high watermark has passed them (docs/decisions/0035-what-acks-all-means-with-replicas.md). A
// duplicate waits for the batch that it repeats. acks=0 has no response; an error closes the connection.
// Records belong to the leader epoch in which they were appended. When the epoch changes, the wait ends with
// NOT_LEADER_OR_FOLLOWER, since the records may be truncated.
// With acks=all, a request that takes longer than timeoutMs gets REQUEST_TIMED_OUT; its records may still be committed
// later, as in Kafka. acks=1 ignores the timeout, as in Kafka.
// A batch that opens a transaction in a partition waits until the coordinator has confirmed it (transaction-verification.ts).
import { ErrorCode, type LeaderEpoch, NO_OFFSET, type Uuid } from '@milepost/core';
import { isInternalTopic } from '@milepost/metadata';
import type { Appended, AppendOutcome, AppendRefused } from '@milepost/log';
import { RecordBatch } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import { Produce, type ProduceRequest, type ProduceResponse } from '@milepost/wire';
import { errorOfFailed, LeaderHints, topicNameOf } from '../access.ts';
import type { Context } from '../services.ts';
import { WRITE_TOPIC, WRITE_TRANSACTION } from '../security/needs.ts';
import { handler, type Unanswered } from './handler.ts';
import {
  flawOfTransaction,
  hasTransactionalBatches,
  type ProducedPartition as Asked,
  type TransactionalBatch,
  transactionalBatchesOf,
  type TransactionRefused,
  verify,
} from './transaction-verification.ts';

type Answered = ProduceResponse['responses'][number]['partitionResponses'][number];

const ALL = -1;
/** acks=1 has no timeout: the sync ends, or the partition fails. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_IDS = 13;
/** Kafka's own admin tools may write to internal topics. */
const ADMIN_CLIENT_ID = '__admin_client';

const NOTHING_REFUSED: ReadonlyMap<Asked, TransactionRefused> = new Map();

/** The outcome of the append to one partition. */
type Attempt = Refused | Stored;

interface Refused {
  readonly index: number;
  readonly errorCode: ErrorCode;
  /** The fields that the log returned with the refusal. */
  readonly details?: Partial<Answered>;
}

interface Stored {
  readonly index: number;
  readonly errorCode: typeof ErrorCode.NONE;
  readonly partition: Partition;
  /** In which the records were appended. */
  readonly leaderEpoch: LeaderEpoch;
  readonly outcome: Appended;
}

interface AttemptedTopic {
  readonly name: string | undefined;
  readonly topicId: Uuid;
  readonly attempts: readonly Attempt[];
}

export const produce = handler(Produce, [WRITE_TOPIC, WRITE_TRANSACTION], (request, context) =>
  hasTransactionalBatches(request)
    ? produceInTransaction(request, context)
    : appendAll(request, context, NOTHING_REFUSED),
);

function produceInTransaction(
  request: ProduceRequest,
  context: Context,
): ProduceResponse | Unanswered | Promise<ProduceResponse | Unanswered> {
  const { transactionalId } = request;
  const { permissions } = context;
  const { partitions } = context.services.storage;
  if (transactionalId === null || permissions.refusal(WRITE_TRANSACTION, transactionalId))
    return refuseAll(request, context, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
  // What may not be written becomes no part of the transaction; the append refuses it.
  const mayWrite = (topic: ProduceRequest['topicData'][number]): boolean => {
    const name = nameOf(topic, context);
    return name === undefined || permissions.allows(WRITE_TOPIC, name);
  };
  const batches = (of: ProduceRequest): TransactionalBatch[] =>
    transactionalBatchesOf({ ...of, topicData: of.topicData.filter(mayWrite) }, (topic, index) => {
      const name = nameOf(topic, context);
      const found = name === undefined ? ErrorCode.UNKNOWN_TOPIC_ID : partitions.find(name, index);
      return typeof found === 'number' ? undefined : found;
    });
  const asked = batches(request);
  const flaw = flawOfTransaction(asked);
  if (flaw !== undefined) return refuseAll(request, context, flaw);
  const isOngoing = asked.every(({ batch: { producerId, producerEpoch }, partition }) => {
    const ongoing = partition?.log.ongoingTransaction(producerId);
    return partition === undefined || ongoing?.producerEpoch === producerEpoch;
  });
  if (isOngoing) return appendAll(request, context, NOTHING_REFUSED);
  const kept = withOwnBytes(request);
  return appendVerified(kept, context, verify(transactionalId, batches(kept), context));
}

/** The requests behind it on its connection wait until it is appended. */
async function appendVerified(
  request: ProduceRequest,
  context: Context,
  verified: Promise<ReadonlyMap<Asked, TransactionRefused>>,
): Promise<ProduceResponse | Unanswered> {
  const release = context.peer.hold();
  let response: ReturnType<typeof appendAll>;
  try {
    response = appendAll(request, context, await verified);
  } finally {
    release();
  }
  return response;
}

function refuseAll(request: ProduceRequest, context: Context, errorCode: ErrorCode): ReturnType<typeof finish> {
  const topics = request.topicData.map((topic) => ({
    name: nameOf(topic, context),
    topicId: topic.topicId,
    attempts: topic.partitionData.map(({ index }): Refused => ({ index, errorCode })),
  }));
  return finish(topics, request, context);
}

function appendAll(
  request: ProduceRequest,
  context: Context,
  refused: ReadonlyMap<Asked, TransactionRefused>,
): ProduceResponse | Unanswered | Promise<ProduceResponse | Unanswered> {
  const line = new Line();
  const topics = request.topicData
    .filter(({ partitionData }) => partitionData.length > 0)
    .map((topicData) => {
      const { topicId, partitionData } = topicData;
      const topic = nameOf(topicData, context);
      const append = (asked: Asked) => appendTo(topic, asked, request.acks, context);
      const attempts = partitionData.map((asked) => {
        const details = refused.get(asked);
        return details ? { index: asked.index, errorCode: details.errorCode, details } : line.append(asked, append);
      });
      return { name: topic, topicId, attempts };
    });
  context.throttle(context.services.clients.quotas.produced(context.quotaClient, () => sizeOf(request)));
  if (!line.isWaiting) return finish(topics as AttemptedTopic[], request, context);
  const release = context.peer.hold();
  const settled = ({ attempts }: (typeof topics)[number]): Promise<Attempt[]> =>
    Promise.all(attempts.map(async (attempt) => attempt));
  return Promise.all(topics.map(async (topic) => ({ ...topic, attempts: await settled(topic) })))
    .finally(release)
    .then((attempted) => finish(attempted, request, context));
}

const nameOf = ({ name, topicId }: ProduceRequest['topicData'][number], context: Context): string | undefined =>
  context.apiVersion < FIRST_VERSION_WITH_IDS ? name : topicNameOf(context, topicId);

/** A request's bytes are lent until its handler first waits. */
const withOwnBytes = (request: ProduceRequest): ProduceRequest => ({
  ...request,
  topicData: request.topicData.map((topic) => ({ ...topic, partitionData: topic.partitionData.map(withOwnRecords) })),
});

const withOwnRecords = (asked: Asked): Asked => ({ ...asked, records: asked.records && Buffer.from(asked.records) });

/** Preserves the order of a request's appends: when one waits, all later ones wait behind it. */
class Line {
  #last: Promise<Attempt> | undefined;

  get isWaiting(): boolean {
    return this.#last !== undefined;
  }

  append(asked: Asked, append: (asked: Asked) => Attempt | Promise<Attempt>): Attempt | Promise<Attempt> {
    let attempt: Attempt | Promise<Attempt>;
    if (this.#last === undefined) attempt = append(asked);
    else {
      const kept = withOwnRecords(asked);
      attempt = this.#last.then(() => append(kept));
    }
    if (attempt instanceof Promise) this.#last = attempt;
    return attempt;
  }
}

function finish(
  topics: readonly AttemptedTopic[],
  request: ProduceRequest,
  context: Context,
): ProduceResponse | Unanswered | Promise<ProduceResponse> {
  if (request.acks === 0) return unanswered(topics);
  const stored = topics.flatMap(({ attempts }) => attempts.filter(isStored));
  const { acks } = request;
  if (stored.every((one) => isAcknowledged(one, acks))) return answer(topics, acks, ErrorCode.NONE, context);
  return commit(stored, request, context).then((outcome) => answer(topics, acks, outcome, context));
}

const isStored = (attempt: Attempt): attempt is Stored => 'outcome' in attempt;

const isAcknowledged = ({ partition, outcome }: Stored, acks: number): boolean =>
  acks === ALL ? partition.highWatermark > outcome.lastOffset : partition.isDurable(outcome.lastOffset);

const isAnotherEpoch = ({ partition, leaderEpoch }: Stored): boolean => partition.leaderEpoch !== leaderEpoch;

function appendTo(
  topic: string | undefined,
  { index, records }: Asked,
  acks: number,
  context: Context,
): Attempt | Promise<Attempt> {
  const refuse = (errorCode: ErrorCode, errorMessage: string | null = null): Refused => ({
    index,
    errorCode,
    details: { errorMessage },
  });
  if (topic === undefined) return refuse(ErrorCode.UNKNOWN_TOPIC_ID);
  const unauthorized = context.permissions.refusal(WRITE_TOPIC, topic);
  if (unauthorized) return refuse(unauthorized.error, unauthorized.message);
  const partition = context.services.storage.partitions.find(topic, index);
  if (typeof partition === 'number') return refuse(partition);
  if (acks < -1 || acks > 1) return refuse(ErrorCode.INVALID_REQUIRED_ACKS);
  if (acks === ALL && partition.isUnderMinIsr) return refuse(ErrorCode.NOT_ENOUGH_REPLICAS);
  if (isInternalTopic(topic) && context.clientId !== ADMIN_CLIENT_ID) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION);
  if (records === null) return refuse(ErrorCode.INVALID_RECORD, 'expected one record batch, seen none');
  const batch = RecordBatch.at(records, 0);
  const misfit = batch && misfitOf(batch, context.apiVersion);
  if (misfit !== undefined) return refuse(misfit);
  const { unpacking } = context.services.storage;
  const takesWork = batch !== undefined && unpacking.concerns(batch, partition.log.config);
  const outcome = takesWork ? unpacking.append(partition, records) : partition.append(records);
  const sizeBytes = records.length;
  return outcome instanceof Promise
    ? outcome.then((later) => attempted(partition, index, sizeBytes, later, context))
    : attempted(partition, index, sizeBytes, outcome, context);
}

/** Counts the attempts. */
function attempted(
  partition: Partition,
  index: number,
  sizeBytes: number,
  outcome: AppendOutcome,
  context: Context,
): Attempt {
  const traffic = context.services.storage.traffic.of(partition.topic);
  traffic.produceRequests++;
  if (outcome.error !== ErrorCode.NONE) {
    traffic.failedProduceRequests++;
    if (partition.isFailed) return { index, errorCode: errorOfFailed(partition, context) };
    return { index, errorCode: outcome.error, details: detailsOf(outcome, partition) };
  }
  if (!outcome.duplicate) {
    traffic.messagesIn += outcome.lastOffset - outcome.baseOffset + 1;
    traffic.bytesIn += sizeBytes;
  }
  return { index, errorCode: ErrorCode.NONE, partition, leaderEpoch: partition.leaderEpoch, outcome };
}

function sizeOf({ topicData }: ProduceRequest): number {
  let sizeBytes = 0;
  for (const { partitionData } of topicData) for (const { records } of partitionData) sizeBytes += records?.length ?? 0;
  return sizeBytes;
}

/** Why the version of the request does not allow the batch. */
function misfitOf(batch: RecordBatch, version: number): ErrorCode | undefined {
  if (batch.compression === 'zstd' && version < FIRST_VERSION_WITH_ZSTD) return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
  return undefined;
}

/** With any other error Kafka returns the log's start. */
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

const unanswered = (topics: readonly AttemptedTopic[]): Unanswered =>
  topics.every(({ attempts }) => attempts.every(isStored)) ? 'none' : 'close';

/** Resolves with the error for the partitions that are not acknowledged then; NONE: those that are not have failed. */
async function commit(stored: readonly Stored[], request: ProduceRequest, context: Context): Promise<ErrorCode> {
  const outcome = await context.services.storage.delayedProduces.wait({
    partitions: new Set(stored.map(({ partition }) => partition)),
    timeoutMs: request.acks === ALL ? request.timeoutMs : NO_TIMEOUT_MS,
    isMet: () =>
      stored.every((one) => isAcknowledged(one, request.acks) || one.partition.isFailed || isAnotherEpoch(one)),
  });
  return outcome === 'met' ? ErrorCode.NONE : ErrorCode.REQUEST_TIMED_OUT;
}

function answer(
  topics: readonly AttemptedTopic[],
  acks: number,
  unacknowledged: ErrorCode,
  context: Context,
): ProduceResponse {
  const hints = new LeaderHints(context);
  const answered = (topic: string | undefined, one: Attempt): Answered => {
    const { index } = one;
    const errorCode = errorOf(one, acks, unacknowledged, context);
    context.count(errorCode);
    const isLost = errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER;
    const leader = isLost ? { currentLeader: hints.leaderOf(topic, index) } : {};
    if (!isStored(one)) return { index, errorCode, baseOffset: NO_OFFSET, ...one.details, ...leader };
    const { baseOffset, logAppendTimeMs } = one.outcome;
    const { logStartOffset } = one.partition.log;
    return { index, errorCode, baseOffset, logAppendTimeMs, logStartOffset, ...leader };
  };
  const responses = topics.map(({ name, topicId, attempts }) => ({
    name: name ?? '',
    topicId,
    partitionResponses: attempts.map((one) => answered(name, one)),
  }));
  return { responses, nodeEndpoints: hints.nodeEndpoints };
}

function errorOf(one: Attempt, acks: number, unacknowledged: ErrorCode, context: Context): ErrorCode {
  if (!isStored(one)) return one.errorCode;
  if (isAnotherEpoch(one)) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  if (isAcknowledged(one, acks))
    return acks === ALL && one.partition.isUnderMinIsr ? ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND : one.errorCode;
  return unacknowledged === ErrorCode.NONE ? errorOfFailed(one.partition, context) : unacknowledged;
}
