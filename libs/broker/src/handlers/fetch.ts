// Fetch, versions 4 to 18, for consumers.
//
// Returns whole batches, verbatim, below the high watermark (read_committed: below the last stable offset), in the
// order in which the client names its partitions (clients rotate it), up to max_bytes in all; the first batch is sent
// whatever its size (KIP-74). With less than min_bytes to send, the request waits up to max_wait until enough is
// committed or a partition changes. In a session (KIP-227, fetch-sessions/) requests and responses hold only changes.
import { ErrorCode, NO_LEADER_EPOCH, NO_OFFSET, type Offset, type Uuid, ZERO_UUID } from '@milepost/core';
import type { EpochEnd } from '@milepost/log';
import { batchesOf } from '@milepost/records';
import type { Partition } from '@milepost/replication';
import { Fetch, type FetchRequest, type FetchResponse } from '@milepost/wire';
import { LeaderHints, ledPartition, storageErrorOf, topicNameOf } from '../access.ts';
import {
  type FetchContext,
  fetchContextOf,
  groupedByTopic,
  type ReadPartition,
} from '../fetch-sessions/fetch-context.ts';
import type { AskedPartition, FetchedPartition, NamedPartition } from '../fetch-sessions/fetch-session.ts';
import { Loan } from '../network/buffer-pool.ts';
import type { Context } from '../services.ts';
import { FetchGrowth } from './fetch-growth.ts';
import { handler, type Unanswered } from './handler.ts';

const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const FIRST_VERSION_WITH_STORAGE_ERROR = 6;
const FIRST_VERSION_WITH_LEADERS = 16;
const NO_RECORDS = Buffer.alloc(0);

export const fetch = handler(Fetch, (request, context) => {
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
  const growths = reading.partitions.map((one) => new FetchGrowth(one, (partition) => visibleEnd(partition, request)));
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

/** The exclusive end of what the request may read. */
const visibleEnd = ({ lastStableOffset, highWatermark }: Partition, { isolationLevel }: FetchRequest): Offset =>
  isolationLevel === READ_COMMITTED ? lastStableOffset : highWatermark;

/** One read of all partitions of a request. */
class Reading {
  minBytes = 0;
  partitions: Partition[] = [];
  sizeBytes = 0;
  readonly #request: FetchRequest;
  readonly #asked: FetchContext;
  readonly #context: Context;
  #maxBytes = 0;
  #read: ReadPartition[] = [];
  #hasFailed = false;
  readonly #loan: Loan;

  constructor(request: FetchRequest, asked: FetchContext, context: Context) {
    this.#request = request;
    this.#asked = asked;
    this.#context = context;
    this.#loan = new Loan(context.services.clients.buffers);
    context.whenTaken(this.#loan.giveBack);
    this.#again();
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
    const quotaBytes = quotas.mostFetchBytes(this.#context.quotaClient);
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
    const throttleMs = services.clients.quotas.fetched(quotaClient, this.sizeBytes);
    throttle(throttleMs);
    if (throttleMs > 0)
      return { sessionId: this.#request.sessionEpoch > 0 ? this.#request.sessionId : 0, responses: [] };
    const { errorCode, sessionId, read } = this.#asked.answer(this.#read);
    const hints = new LeaderHints(this.#context);
    const finished = read.map(({ named, answer }) => ({ named, answer: this.#finished(named.topic, answer, hints) }));
    return { errorCode, sessionId, responses: groupedByTopic(finished), nodeEndpoints: hints.nodeEndpoints };
  }

  #find({ topic, topicId, asked }: NamedPartition): Partition | ErrorCode {
    if (topic === undefined) return ErrorCode.UNKNOWN_TOPIC_ID;
    if (isFollower(this.#request)) return ErrorCode.NOT_LEADER_OR_FOLLOWER; // no partition has another replica
    // Fetch alone takes any epoch below zero as none, as in Kafka.
    const currentLeaderEpoch = asked.currentLeaderEpoch < 0 ? NO_LEADER_EPOCH : asked.currentLeaderEpoch;
    const found = ledPartition(this.#context, topic, asked.partition, currentLeaderEpoch);
    if (typeof found === 'number' || topicId === ZERO_UUID || found.topicId === topicId) return found;
    return ErrorCode.INCONSISTENT_TOPIC_ID; // a session's topic was deleted and recreated
  }

  #readFrom(partition: Partition, asked: AskedPartition): FetchedPartition {
    this.partitions.push(partition);
    const traffic = this.#context.services.storage.traffic.of(partition.topic);
    traffic.fetchRequests++;
    const { highWatermark, lastStableOffset, log } = partition;
    const readsCommitted = this.#request.isolationLevel === READ_COMMITTED;
    const upTo = visibleEnd(partition, this.#request);
    const answer: FetchedPartition = {
      partitionIndex: asked.partition,
      errorCode: ErrorCode.NONE,
      highWatermark,
      lastStableOffset,
      logStartOffset: log.logStartOffset,
      abortedTransactions: readsCommitted ? [] : null,
      records: NO_RECORDS,
    };
    if (asked.lastFetchedEpoch >= 0) {
      const diverged = divergence(partition, asked);
      if (typeof diverged === 'object') {
        this.#hasFailed = true; // the client should receive the error now
        return { ...answer, divergingEpoch: diverged };
      }
      if (diverged !== ErrorCode.NONE) return this.#failed(partition, asked, diverged);
    }
    // The usual long poll at the end of the log: nothing to read.
    if (asked.fetchOffset === upTo) return answer;
    const outcome = log.read(asked.fetchOffset, {
      maxBytes: Math.max(0, Math.min(asked.partitionMaxBytes, this.#maxBytes - this.sizeBytes)),
      upTo,
      atLeastOneBatch: this.sizeBytes === 0,
      allocate: this.#loan.take,
    });
    if (outcome.error !== ErrorCode.NONE) return this.#failed(partition, asked, outcome.error);
    this.sizeBytes += outcome.records.length;
    const records = this.#loan.trimmed(outcome.records);
    if (!readsCommitted || records.length === 0) return { ...answer, records };
    try {
      return { ...answer, records, abortedTransactions: log.abortedTransactions(asked.fetchOffset, endOf(records)) };
    } catch (failure) {
      return this.#failed(partition, asked, storageErrorOf(failure, partition, this.#context));
    }
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

const isFollower = ({ replicaId, replicaState }: FetchRequest): boolean =>
  replicaId >= 0 || replicaState.replicaId >= 0;

const allRefused = ({ topics }: FetchRequest): FetchResponse['responses'] =>
  topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map((asked) => ({
      ...refused(asked, ErrorCode.UNKNOWN_SERVER_ERROR),
      abortedTransactions: [],
    })),
  }));

/** KIP-595: where the client's log diverges from ours. NONE: nowhere. An error: its epoch never existed. */
function divergence({ log }: Partition, { fetchOffset, lastFetchedEpoch }: AskedPartition): EpochEnd | ErrorCode {
  const end = log.endOffsetForEpoch(lastFetchedEpoch);
  if (!end) return ErrorCode.OFFSET_OUT_OF_RANGE;
  return end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset ? end : ErrorCode.NONE;
}

const isUnknown = (error: ErrorCode): boolean =>
  error === ErrorCode.UNKNOWN_TOPIC_ID || error === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;

const isAboutLeader = (error: ErrorCode): boolean =>
  error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.FENCED_LEADER_EPOCH;
