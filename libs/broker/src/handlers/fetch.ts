// Fetch, versions 4 to 18, for consumers.
//
// Whole batches, verbatim, below the high watermark (read_committed: below the last stable offset), in the order that the
// client names its partitions (clients rotate it), up to max_bytes over all; the first batch is sent whatever its size
// (KIP-74). With less than min_bytes to send it waits up to max_wait, until enough is committed or a partition changes.
// Sessions (KIP-227) are not kept: every answer says session 0, and each fetch is a full one, as the KIP allows.
import { ErrorCode, NO_OFFSET, ZERO_UUID } from '@milepost/core';
import type { Partition } from '@milepost/replication';
import { Fetch, type FetchRequest, type FetchResponse } from '@milepost/wire';
import { LeaderHints, ledPartition, topicNameOf } from '../access.ts';
import type { Context } from '../services.ts';
import { handler, type Unanswered } from './handler.ts';

type Asked = FetchRequest['topics'][number]['partitions'][number];
type Answered = FetchResponse['responses'][number]['partitions'][number];

const READ_COMMITTED = 1;
const FULL_FETCH_EPOCH = 0;
const SESSIONLESS_EPOCH = -1;
const NO_RECORDS = Buffer.alloc(0);

interface Wanted {
  /** Undefined for an id that no topic has. */
  readonly topic: string | undefined;
  readonly asked: Asked;
  readonly found: Partition | ErrorCode;
}

export const fetch = handler(Fetch, (request, context) => {
  const { sessionEpoch } = request;
  if (sessionEpoch !== FULL_FETCH_EPOCH && sessionEpoch !== SESSIONLESS_EPOCH)
    return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, responses: [] };
  const wanted = request.topics.map((topic) => {
    const name = topic.topicId === ZERO_UUID ? topic.topic : topicNameOf(context, topic.topicId);
    return topic.partitions.map((asked) => lookUp(name, asked, context));
  });
  const reading = new Reading(request, wanted, context);
  return reading.isEnough ? reading.response() : waitForMore(reading, request, context);
});

function lookUp(topic: string | undefined, asked: Asked, context: Context): Wanted {
  if (topic === undefined) return { topic, asked, found: ErrorCode.UNKNOWN_TOPIC_ID };
  return { topic, asked, found: ledPartition(context, topic, asked.partition, asked.currentLeaderEpoch) };
}

async function waitForMore(
  reading: Reading,
  request: FetchRequest,
  context: Context,
): Promise<FetchResponse | Unanswered> {
  const watched = reading.partitions.map((partition) => ({
    partition,
    leaderEpoch: partition.leaderEpoch,
    committedBytes: partition.committedBytes,
  }));
  const missingBytes = reading.minBytes - reading.sizeBytes;
  const isMet = (): boolean => {
    let moreBytes = 0;
    for (const { partition, leaderEpoch, committedBytes } of watched) {
      if (partition.isFailed || partition.leaderEpoch !== leaderEpoch) return true;
      moreBytes += partition.committedBytes - committedBytes;
    }
    return moreBytes >= missingBytes;
  };
  const outcome = await context.services.delayedFetches.wait({
    partitions: reading.partitions,
    timeoutMs: request.maxWaitMs,
    isMet,
    onGone: (run) => context.peer.onGone(run),
  });
  return outcome === 'gone' ? 'none' : reading.again().response();
}

/** One look at all partitions of a request. */
class Reading {
  readonly minBytes: number;
  readonly partitions: Partition[] = [];
  readonly #request: FetchRequest;
  readonly #wanted: readonly (readonly Wanted[])[];
  readonly #context: Context;
  readonly #answers: Answered[][];
  #sizeBytes = 0;
  #leftBytes: number;
  #failed = false;

  constructor(request: FetchRequest, wanted: readonly (readonly Wanted[])[], context: Context) {
    this.#request = request;
    this.#wanted = wanted;
    this.#context = context;
    const maxBytes = Math.min(request.maxBytes, context.services.settings.fetchMaxBytes);
    this.#leftBytes = maxBytes;
    this.minBytes = Math.min(request.minBytes, maxBytes);
    this.#answers = wanted.map((partitions) => partitions.map((one) => this.#read(one)));
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Kafka's rule: enough bytes, nothing asked for, no time to wait, or an error that the client should hear of now. */
  get isEnough(): boolean {
    const { maxWaitMs } = this.#request;
    return this.#failed || this.#sizeBytes >= this.minBytes || maxWaitMs <= 0 || this.partitions.length === 0;
  }

  /** A second look, after the wait: topics and leaders may have changed meanwhile. */
  again(): Reading {
    const wanted = this.#wanted.map((partitions) =>
      partitions.map(({ topic, asked }) => lookUp(topic, asked, this.#context)),
    );
    return new Reading(this.#request, wanted, this.#context);
  }

  response(): FetchResponse {
    const hints = new LeaderHints(this.#context);
    const responses = this.#request.topics.map((topic, at) => ({
      topic: topic.topic,
      topicId: topic.topicId,
      partitions: (this.#answers[at] ?? []).map((answer, place) =>
        this.#finished(answer, this.#wanted[at]?.[place]?.topic, hints),
      ),
    }));
    return { sessionId: 0, responses, nodeEndpoints: hints.nodeEndpoints };
  }

  #read({ asked, found }: Wanted): Answered {
    if (typeof found === 'number') return this.#refused(asked, found);
    this.partitions.push(found);
    const traffic = this.#context.services.traffic.of(found.topic);
    traffic.fetchRequests++;
    const { highWatermark, lastStableOffset, log } = found;
    const readsCommitted = this.#request.isolationLevel === READ_COMMITTED;
    const upTo = readsCommitted ? lastStableOffset : highWatermark;
    const answer: Answered = {
      partitionIndex: asked.partition,
      errorCode: ErrorCode.NONE,
      highWatermark,
      lastStableOffset,
      logStartOffset: log.logStartOffset,
      abortedTransactions: readsCommitted ? [] : null,
      records: NO_RECORDS,
    };
    // The usual long poll, at the end of the log: nothing to look up.
    if (asked.fetchOffset === upTo) return answer;
    const outcome = log.read(asked.fetchOffset, {
      maxBytes: Math.max(0, Math.min(asked.partitionMaxBytes, this.#leftBytes)),
      upTo,
      atLeastOneBatch: this.#sizeBytes === 0,
    });
    if (outcome.error !== ErrorCode.NONE) {
      this.#failed = true;
      traffic.failedFetchRequests++;
      return { ...answer, errorCode: outcome.error };
    }
    this.#sizeBytes += outcome.records.length;
    this.#leftBytes -= outcome.records.length;
    return { ...answer, records: outcome.records };
  }

  #refused({ partition }: Asked, errorCode: ErrorCode): Answered {
    this.#failed = true;
    return {
      partitionIndex: partition,
      errorCode,
      highWatermark: NO_OFFSET,
      abortedTransactions: null,
      records: NO_RECORDS,
    };
  }

  #finished(answer: Answered, topic: string | undefined, hints: LeaderHints): Answered {
    if (answer.errorCode !== ErrorCode.NONE) {
      this.#context.count(answer.errorCode);
      return isAboutLeader(answer.errorCode)
        ? { ...answer, currentLeader: hints.leaderOf(topic, answer.partitionIndex) }
        : answer;
    }
    const sizeBytes = answer.records?.length ?? 0;
    if (topic !== undefined && sizeBytes > 0) this.#context.services.traffic.of(topic).bytesOut += sizeBytes;
    return answer;
  }
}

const isAboutLeader = (error: ErrorCode): boolean =>
  error === ErrorCode.NOT_LEADER_OR_FOLLOWER || error === ErrorCode.FENCED_LEADER_EPOCH;
