// Fetch, versions 4 to 18, for consumers and followers.
//
// Returns whole batches, verbatim, below the high watermark (read_committed: below the last stable offset), in the
// order in which the client names its partitions (clients rotate it), up to max_bytes in all; the first batch is sent
// whatever its size (KIP-74). With less than min_bytes to send, the request waits up to max_wait until enough is
// committed or a partition changes. In a session (KIP-227, fetch-sessions/) requests and responses hold only changes.
// From version 11 on, consumers may read from followers, and a leader sends them to one in their rack (KIP-392).
// A follower reads what the leader has for good, committed or not, and says by its offset what it has itself.
import { ErrorCode, NO_LEADER_EPOCH, NO_OFFSET, type Offset, type Uuid, ZERO_UUID } from '@milepost/core';
import type { EpochEnd } from '@milepost/log';
import { batchesOf } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import { Fetch, type FetchRequest, type FetchResponse } from '@milepost/wire';
import { LeaderHints, ledPartition, replicaOf, storageErrorOf, topicNameOf } from '../access.ts';
import {
  type FetchContext,
  fetchContextOf,
  groupedByTopic,
  type ReadPartition,
} from '../fetch-sessions/fetch-context.ts';
import type { AskedPartition, FetchedPartition, NamedPartition } from '../fetch-sessions/fetch-session.ts';
import { Loan } from '../network/buffer-pool.ts';
import type { Context } from '../services.ts';
import { CLUSTER_ACTION, READ_TOPIC } from '../security/needs.ts';
import { FetchGrowth, type FetchView } from './fetch-growth.ts';
import { handler, type Unanswered } from './handler.ts';
import { preferredReadReplica } from './preferred-read-replica.ts';

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const FIRST_VERSION_WITH_STORAGE_ERROR = 6;
const FIRST_VERSION_WITH_RACKS = 11;
const FIRST_VERSION_WITH_LEADERS = 16;
const NO_RECORDS = Buffer.alloc(0);

export const fetch = handler(Fetch, [READ_TOPIC, CLUSTER_ACTION], (request, context) => {
  const nameOf = (topicId: Uuid): string | undefined => topicNameOf(context, topicId);
  const { isolationLevel } = request;
  if (isolationLevel !== READ_UNCOMMITTED && isolationLevel !== READ_COMMITTED)
    return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR, sessionId: 0, responses: allRefused(request) };
  const asked = fetchContextOf(request, context.apiVersion, context.services.clients.fetchSessions, nameOf);
  if (typeof asked === 'number') return { errorCode: asked, sessionId: 0, responses: [] };
  const reading = new Reading(request, asked, context);
  return reading.isEnough ? reading.response() : waitForMore(reading, request, context);
});

async function waitForMore(
  reading: Reading,
  request: FetchRequest,
  context: Context,
): Promise<FetchResponse | Unanswered> {
  const growths = reading.partitions.map((partition) => new FetchGrowth(partition, reading.view));
  const missingBytes = reading.minBytes - reading.sizeBytes;
  const isMet = (): boolean => {
    let moreBytes = 0;
    for (const growth of growths) {
      if (growth.isEnded) return true;
      moreBytes += growth.bytes;
    }
    return moreBytes >= missingBytes;
  };
  const outcome = await context.services.storage.delayedFetches.wait({
    partitions: reading.partitions,
    timeoutMs: request.maxWaitMs,
    isMet,
    onGone: (run) => context.peer.onGone(run),
  });
  if (outcome === 'gone') {
    reading.drop();
    return 'none';
  }
  reading.afterWait();
  return reading.response();
}

const committed = {
  countedEnd: ({ highWatermark }: Partition) => highWatermark,
  countedBytes: ({ committedBytes }: Partition) => committedBytes,
};
const UNCOMMITTED_VIEW: FetchView = { ...committed, visibleEnd: committed.countedEnd };
const COMMITTED_VIEW: FetchView = { ...committed, visibleEnd: ({ lastStableOffset }) => lastStableOffset };
const FOLLOWER_VIEW: FetchView = {
  visibleEnd: ({ ownEnd }) => ownEnd,
  countedEnd: ({ ownEnd }) => ownEnd,
  countedBytes: ({ durableBytes }) => durableBytes,
};

/** One read of all partitions of a request. */
class Reading {
  minBytes = 0;
  partitions: Partition[] = [];
  sizeBytes = 0;
  readonly view: FetchView;
  /** The follower that fetches; undefined for a consumer. */
  readonly #follower: ReplicaState | undefined;
  readonly #request: FetchRequest;
  readonly #asked: FetchContext;
  readonly #context: Context;
  #maxBytes = 0;
  #read: ReadPartition[] = [];
  #hasFailed = false;
  readonly #loan: Loan;
  /** A follower's position counts as of the arrival of its request. */
  #isFirstLook = true;

  constructor(request: FetchRequest, asked: FetchContext, context: Context) {
    this.#request = request;
    this.#follower = followerOf(request);
    const consumerView = request.isolationLevel === READ_COMMITTED ? COMMITTED_VIEW : UNCOMMITTED_VIEW;
    this.view = this.#follower ? FOLLOWER_VIEW : consumerView;
    this.#asked = asked;
    this.#context = context;
    this.#loan = new Loan(context.services.clients.buffers);
    context.whenTaken(this.#loan.giveBack);
    this.#again();
    this.#isFirstLook = false;
  }

  /** Kafka's rule: enough bytes, nothing to read, no time to wait, or an error that the client should receive now. */
  get isEnough(): boolean {
    const { maxWaitMs } = this.#request;
    return this.#hasFailed || this.sizeBytes >= this.minBytes || maxWaitMs <= 0 || this.partitions.length === 0;
  }

  /** Returns the buffers of a response that is not sent. */
  drop(): void {
    this.#loan.giveBack();
  }

  /** Topics and leaders may have changed during the wait. */
  afterWait(): void {
    const unknown = new Set(this.#read.filter(({ answer }) => isUnknown(answer.errorCode)).map(({ named }) => named));
    this.#again();
    // For a topic that was unknown when the request arrived, Kafka sends an empty list; for one deleted since, none.
    this.#read = this.#read.map(({ named, answer }) => {
      const isGone = isUnknown(answer.errorCode) && !unknown.has(named);
      return isGone ? { named, answer: { ...answer, abortedTransactions: null } } : { named, answer };
    });
  }

  #again(): void {
    this.#loan.giveBack();
    const { clients, settings } = this.#context.services;
    const { memory, quotas } = clients;
    const quotaBytes = this.#follower ? Number.POSITIVE_INFINITY : quotas.mostFetchBytes(this.#context.quotaClient);
    this.#maxBytes = Math.min(this.#request.maxBytes, settings.fetchMaxBytes, quotaBytes, memory.readableBytes);
    this.minBytes = Math.min(this.#request.minBytes, this.#maxBytes);
    this.partitions = [];
    this.sizeBytes = 0;
    this.#read = [];
    const unknown: ReadPartition[] = [];
    for (const named of this.#asked.partitions) {
      const found = this.#find(named);
      if (typeof found !== 'number') {
        this.#read.push({ named, answer: this.#readFrom(found, named.asked) });
      } else if (isUnknown(found)) {
        unknown.push({ named, answer: refused(named.asked, found) }); // the others may wait nevertheless
      } else {
        this.#hasFailed = true;
        this.#read.push({ named, answer: refused(named.asked, found) });
      }
    }
    this.#read.push(...unknown);
  }

  /** Over its quota, the client gets an empty response, and its next fetch requests the same again (KIP-219). */
  response(): FetchResponse {
    const { services, quotaClient, throttle } = this.#context;
    const throttleMs = this.#follower ? 0 : services.clients.quotas.fetched(quotaClient, this.sizeBytes);
    throttle(throttleMs);
    if (throttleMs > 0)
      return { sessionId: this.#request.sessionEpoch > 0 ? this.#request.sessionId : 0, responses: [] };
    const { errorCode, sessionId, read } = this.#asked.answer(this.#read);
    const hints = new LeaderHints(this.#context);
    const finished = read.map(({ named, answer }) => ({ named, answer: this.#finished(named.topic, answer, hints) }));
    return { errorCode, sessionId, responses: groupedByTopic(finished), nodeEndpoints: hints.nodeEndpoints };
  }

  #find({ topic, topicId, asked }: NamedPartition): Partition | ErrorCode {
    const { permissions } = this.#context;
    if (this.#follower && permissions.refusal(CLUSTER_ACTION)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    if (!this.#follower && permissions.refusal(READ_TOPIC, topic)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    // Fetch alone takes any epoch below zero as none, as in Kafka.
    const currentLeaderEpoch = asked.currentLeaderEpoch < 0 ? NO_LEADER_EPOCH : asked.currentLeaderEpoch;
    const mayFollow = this.#context.apiVersion >= FIRST_VERSION_WITH_RACKS && !this.#follower;
    const find = mayFollow ? replicaOf : ledPartition;
    const found = find(this.#context, topic, asked.partition, currentLeaderEpoch);
    if (typeof found === 'number' || topicId === ZERO_UUID || found.topicId === topicId) return found;
    return ErrorCode.INCONSISTENT_TOPIC_ID; // a session's topic was deleted and recreated
  }

  #readFrom(partition: Partition, asked: AskedPartition): FetchedPartition {
    this.partitions.push(partition);
    const traffic = this.#context.services.storage.traffic.of(partition.topic);
    traffic.fetchRequests++;
    const { log } = partition;
    const readsCommitted = this.#request.isolationLevel === READ_COMMITTED;
    const upTo = this.view.visibleEnd(partition);
    const answer = emptyAnswer(partition, asked, readsCommitted);
    const preferred = this.#follower ? undefined : preferredReadReplica(partition, asked, this.#request, this.#context);
    if (preferred !== undefined) {
      this.#hasFailed = true; // the client should move now
      return { ...answer, preferredReadReplica: preferred };
    }
    if (asked.lastFetchedEpoch >= 0) {
      const diverged = divergence(partition, asked, this.#follower !== undefined);
      if (typeof diverged === 'object') {
        this.#hasFailed = true; // the client should receive the error now
        return { ...answer, divergingEpoch: diverged };
      }
      if (diverged !== ErrorCode.NONE) return this.#failed(partition, asked, diverged);
    }
    // The usual long poll at the end of the log: nothing to read.
    if (asked.fetchOffset === upTo) return this.#toldByFollower(partition, asked, answer);
    const outcome = log.read(asked.fetchOffset, {
      maxBytes: Math.max(0, Math.min(asked.partitionMaxBytes, this.#maxBytes - this.sizeBytes)),
      upTo,
      atLeastOneBatch: this.sizeBytes === 0,
      allocate: this.#loan.take,
    });
    if (outcome.error !== ErrorCode.NONE) return this.#failed(partition, asked, outcome.error);
    this.sizeBytes += outcome.records.length;
    const records = this.#loan.trimmed(outcome.records);
    if (this.#follower) return this.#toldByFollower(partition, asked, { ...answer, records });
    if (!readsCommitted || records.length === 0) return { ...answer, records };
    try {
      return { ...answer, records, abortedTransactions: log.abortedTransactions(asked.fetchOffset, endOf(records)) };
    } catch (failure) {
      return this.#failed(partition, asked, storageErrorOf(failure, partition, this.#context));
    }
  }

  /** The follower has all below its fetch offset: that may commit records, and the answer says how far. */
  #toldByFollower(partition: Partition, asked: AskedPartition, answer: FetchedPartition): FetchedPartition {
    const follower = this.#follower;
    if (!follower || !this.#isFirstLook) return answer;
    const { replicaId, replicaEpoch: brokerEpoch } = follower;
    const { fetchOffset, logStartOffset } = asked;
    const refusal = partition.fetchedByFollower(replicaId, { fetchOffset, logStartOffset, brokerEpoch });
    // Without an epoch in the request nothing says that the assignment here is the older one.
    const isUnknown = refusal === ErrorCode.UNKNOWN_LEADER_EPOCH && asked.currentLeaderEpoch < 0;
    if (isUnknown) return this.#failed(partition, asked, ErrorCode.NOT_LEADER_OR_FOLLOWER);
    if (refusal !== ErrorCode.NONE) return this.#failed(partition, asked, refusal);
    return { ...answer, highWatermark: partition.highWatermark, lastStableOffset: partition.lastStableOffset };
  }

  /** An error has no offsets beside it, as in Kafka: a client requests them with ListOffsets. */
  #failed({ topic }: Partition, asked: AskedPartition, errorCode: ErrorCode): FetchedPartition {
    this.#hasFailed = true;
    this.#context.services.storage.traffic.of(topic).failedFetchRequests++;
    return refused(asked, errorCode);
  }

  #finished(topic: string | undefined, answer: FetchedPartition, hints: LeaderHints): FetchedPartition {
    const { errorCode } = answer;
    if (errorCode === ErrorCode.NONE) {
      const sizeBytes = answer.records?.length ?? 0;
      if (topic !== undefined && sizeBytes > 0) this.#context.services.storage.traffic.of(topic).bytesOut += sizeBytes;
      return answer;
    }
    this.#context.count(errorCode);
    const { apiVersion } = this.#context;
    if (errorCode === ErrorCode.KAFKA_STORAGE_ERROR && apiVersion < FIRST_VERSION_WITH_STORAGE_ERROR)
      return { ...answer, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER };
    return apiVersion >= FIRST_VERSION_WITH_LEADERS && isAboutLeader(errorCode)
      ? { ...answer, currentLeader: hints.leaderOf(topic, answer.partitionIndex) }
      : answer;
  }
}

const refused = ({ partition }: AskedPartition, errorCode: ErrorCode): FetchedPartition => ({
  partitionIndex: partition,
  errorCode,
  highWatermark: NO_OFFSET,
  abortedTransactions: isUnknown(errorCode) ? [] : null,
  records: NO_RECORDS,
});

/** Behind the last of the batches. */
function endOf(records: Buffer): Offset {
  let end = NO_OFFSET;
  for (const { nextOffset } of batchesOf(records)) end = nextOffset;
  return end;
}

const emptyAnswer = (
  { highWatermark, lastStableOffset, log }: Partition,
  { partition }: AskedPartition,
  readsCommitted: boolean,
): FetchedPartition => ({
  partitionIndex: partition,
  errorCode: ErrorCode.NONE,
  highWatermark,
  lastStableOffset,
  logStartOffset: log.logStartOffset,
  abortedTransactions: readsCommitted ? [] : null,
  records: NO_RECORDS,
});

type ReplicaState = FetchRequest['replicaState'];

/** Until version 14 a follower tells its id, and no epoch. */
function followerOf({ replicaId, replicaState }: FetchRequest): ReplicaState | undefined {
  if (replicaState.replicaId >= 0) return replicaState;
  return replicaId >= 0 ? { replicaId, replicaEpoch: -1 } : undefined;
}

const allRefused = ({ topics }: FetchRequest): FetchResponse['responses'] =>
  topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map((asked) => ({
      ...refused(asked, ErrorCode.UNKNOWN_SERVER_ERROR),
      abortedTransactions: [],
    })),
  }));

/**
 * KIP-595: where the client's log diverges from ours. NONE: nowhere. An error: its epoch never existed. A follower in an epoch of
 * which everything is deleted here may have other records: it is told where our log starts.
 */
function divergence(
  { log }: Partition,
  { fetchOffset, lastFetchedEpoch }: AskedPartition,
  isFollower: boolean,
): EpochEnd | ErrorCode {
  const end = log.endOffsetForEpoch(lastFetchedEpoch);
  if (!end) return ErrorCode.OFFSET_OUT_OF_RANGE;
  const isDeleted = isFollower && lastFetchedEpoch < log.earliestEpoch;
  return isDeleted || end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset ? end : ErrorCode.NONE;
}

const isUnknown = (error: ErrorCode): boolean =>
  error === ErrorCode.UNKNOWN_TOPIC_ID || error === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;

const isAboutLeader = (error: ErrorCode): boolean =>
  error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.FENCED_LEADER_EPOCH;
