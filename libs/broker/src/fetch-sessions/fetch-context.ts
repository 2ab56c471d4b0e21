// The partitions of a fetch request and of its session, and the session's part in the response (KIP-227).
//
//   epoch 0          a full request: all its partitions are read; a new session is opened if there is room
//   epoch -1         a full request without a session; like epoch 0 it closes the session that it names
//   epoch 1, 2, …    adds, changes and removes partitions of the session, and reads all in it; the response holds
//                    those that have changed
import { ErrorCode, type Uuid } from '@milepost/core';
import type { FetchRequest, FetchResponse } from '@milepost/wire';
import { keyOf, type FetchedPartition, type FetchSession, type NamedPartition } from './fetch-session.ts';
import type { FetchSessionCache } from './fetch-session-cache.ts';

const NO_SESSION = 0;
const INITIAL_EPOCH = 0;
const FINAL_EPOCH = -1;
const FIRST_VERSION_WITH_TOPIC_IDS = 13;

export interface FetchContext {
  /** In the order of reading. */
  readonly partitions: readonly NamedPartition[];
  /** The session's part of the response: of the partitions, in this order, those with something new for the fetcher. */
  answer(read: readonly ReadPartition[]): SessionAnswer;
}

export interface ReadPartition {
  readonly named: NamedPartition;
  readonly answer: FetchedPartition;
}

export interface SessionAnswer {
  readonly errorCode: ErrorCode;
  readonly sessionId: number;
  readonly read: readonly ReadPartition[];
}

/** The context, or the error of the whole request. */
export function fetchContextOf(
  request: FetchRequest,
  version: number,
  cache: FetchSessionCache,
  nameOf: (topicId: Uuid) => string | undefined,
): FetchContext | ErrorCode {
  const usesTopicIds = version >= FIRST_VERSION_WITH_TOPIC_IDS;
  const topicOf = ({ topic, topicId }: { topic: string; topicId: Uuid }): string | undefined =>
    usesTopicIds ? nameOf(topicId) : topic;
  const { sessionId, sessionEpoch } = request;
  const session = cache.get(sessionId);
  if (sessionEpoch === INITIAL_EPOCH || sessionEpoch === FINAL_EPOCH) {
    if (session) cache.remove(session);
    const named = namedPartitions(request, topicOf);
    if (sessionEpoch === FINAL_EPOCH) return sessionless(named);
    return full(named, cache, { privileged: isFollower(request), usesTopicIds });
  }
  if (session === undefined) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
  if (session.epoch !== sessionEpoch) return ErrorCode.INVALID_FETCH_SESSION_EPOCH;
  if (session.usesTopicIds !== usesTopicIds) return ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR;
  const named = namedPartitions(request, topicOf);
  const hasRoom = cache.change(session, () => {
    for (const partition of named) session.add(partition);
    for (const topic of request.forgottenTopicsData)
      for (const partition of topic.partitions) session.forget(topicOf(topic), topic.topicId, partition);
  });
  if (!hasRoom) return ErrorCode.FETCH_SESSION_ID_NOT_FOUND;
  if (session.size === 0) {
    cache.remove(session);
    return sessionless(named);
  }
  cache.touch(session);
  session.resolveNames(nameOf);
  return incremental(session, session.nextEpoch());
}

const sessionless = (partitions: readonly NamedPartition[]): FetchContext => ({
  partitions,
  answer: (read) => ({ errorCode: ErrorCode.NONE, sessionId: NO_SESSION, read }),
});

const full = (
  partitions: readonly NamedPartition[],
  cache: FetchSessionCache,
  traits: { privileged: boolean; usesTopicIds: boolean },
): FetchContext => ({
  partitions,
  answer: (read) => {
    const session = cache.create({ ...traits, size: read.length });
    if (session === undefined) return { errorCode: ErrorCode.NONE, sessionId: NO_SESSION, read };
    cache.change(session, () => {
      for (const { named, answer } of read) session.add(named, answer);
    });
    cache.touch(session);
    return { errorCode: ErrorCode.NONE, sessionId: session.id, read };
  },
});

/** `epoch`: the session's after this request. If it has advanced since, this would be the response to a duplicate. */
const incremental = (session: FetchSession, epoch: number): FetchContext => ({
  partitions: [...session.partitions].map(({ topic, topicId, asked }) => ({ topic, topicId, asked })),
  answer: (read) => {
    const sessionId = session.id;
    if (session.epoch !== epoch) return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId, read: [] };
    const changed = read.filter(({ named, answer }) => session.takes(named, answer));
    return { errorCode: ErrorCode.NONE, sessionId, read: changed };
  },
});

/** A partition named twice is read once, as it was named last. */
function namedPartitions(
  { topics }: FetchRequest,
  topicOf: (topic: FetchRequest['topics'][number]) => string | undefined,
): NamedPartition[] {
  const named = new Map<string, NamedPartition>();
  for (const entry of topics) {
    const topic = topicOf(entry);
    const { topicId } = entry;
    for (const asked of entry.partitions) named.set(keyOf(topic, topicId, asked.partition), { topic, topicId, asked });
  }
  return [...named.values()];
}

const isFollower = ({ replicaId, replicaState }: FetchRequest): boolean =>
  replicaId >= 0 || replicaState.replicaId >= 0;

/** Adjacent partitions of one topic get one heading; the order does not change. */
export function groupedByTopic(read: readonly ReadPartition[]): FetchResponse['responses'] {
  const topics: { topic: string; topicId: Uuid; partitions: FetchedPartition[] }[] = [];
  for (const { named, answer } of read) {
    const last = topics.at(-1);
    const topic = named.topic ?? '';
    if (last?.topicId === named.topicId && last.topic === topic) last.partitions.push(answer);
    else topics.push({ topic, topicId: named.topicId, partitions: [answer] });
  }
  return topics;
}
