// What a fetcher has told us so far (KIP-227): the partitions that it reads and where, so that it need only say what
// changed, and what it was last told of each, so that it need only hear what changed.
//
// The order of the partitions is the order in which they are read. One that gave records goes to the end: with a large
// one in front, those behind it would never come to their turn.
import { ErrorCode, NO_BROKER, NO_LEADER_EPOCH, NO_OFFSET, type Offset, type Uuid, ZERO_UUID } from '@milepost/core';
import type { FetchRequest, FetchResponse } from '@milepost/wire';

export type AskedPartition = FetchRequest['topics'][number]['partitions'][number];
export type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

/** A partition as a request names it: by id (from version 13 on) or by name. */
export interface NamedPartition {
  /** Undefined for an id that no topic has. */
  readonly topic: string | undefined;
  /** ZERO_UUID where the request names topics. */
  readonly topicId: Uuid;
  readonly asked: AskedPartition;
}

/** What a session and a request know a partition by. With an id, the name does not matter. */
export const keyOf = (topic: string | undefined, topicId: Uuid, partition: number): string =>
  `${partition}:${topicId === ZERO_UUID ? topic : topicId}`;

class CachedPartition implements NamedPartition {
  topic: string | undefined;
  readonly topicId: Uuid;
  asked: AskedPartition;
  #toldHighWatermark: Offset;
  #toldLogStart: Offset;

  constructor({ topic, topicId, asked }: NamedPartition, told?: FetchedPartition) {
    this.topic = topic;
    this.topicId = topicId;
    this.asked = asked;
    this.#toldHighWatermark = told?.highWatermark ?? NO_OFFSET;
    this.#toldLogStart = logStartOf(told);
  }

  /** Whether the fetcher must hear of it; it is then taken to have heard. */
  takes(answer: FetchedPartition): boolean {
    const isFailed = answer.errorCode !== ErrorCode.NONE;
    const hasMoved =
      this.#toldHighWatermark !== answer.highWatermark || this.#toldLogStart !== logStartOf(answer) || isFailed;
    // After an error it hears of the partition again, however little has moved.
    this.#toldHighWatermark = isFailed ? NO_OFFSET : answer.highWatermark;
    this.#toldLogStart = logStartOf(answer);
    return hasMoved || hasRecords(answer) || isReferral(answer);
  }
}

export class FetchSession {
  readonly id: number;
  /** A follower's: it outlives those of consumers. */
  readonly privileged: boolean;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** Older than the eviction time when it was last used: a larger session may take its place. */
  isSettled = false;
  #epoch = 1;
  readonly #partitions = new Map<string, CachedPartition>();

  constructor(id: number, traits: { privileged: boolean; usesTopicIds: boolean; now: number }) {
    this.id = id;
    this.privileged = traits.privileged;
    this.usesTopicIds = traits.usesTopicIds;
    this.createdMs = traits.now;
    this.lastUsedMs = traits.now;
  }

  /** What the next request must say. */
  get epoch(): number {
    return this.#epoch;
  }
  get size(): number {
    return this.#partitions.size;
  }
  /** In the order in which they are to be read. */
  get partitions(): Iterable<NamedPartition> {
    return this.#partitions.values();
  }

  add(partition: NamedPartition, told?: FetchedPartition): void {
    const { topic, topicId, asked } = partition;
    const key = keyOf(topic, topicId, asked.partition);
    const known = this.#partitions.get(key);
    if (known) known.asked = asked;
    else this.#partitions.set(key, new CachedPartition(partition, told));
  }

  forget(topic: string | undefined, topicId: Uuid, partition: number): void {
    this.#partitions.delete(keyOf(topic, topicId, partition));
  }

  /** A topic that was not there when it was first asked for may be there now; a name once known stays, as in Kafka. */
  resolveNames(nameOf: (topicId: Uuid) => string | undefined): void {
    if (!this.usesTopicIds) return;
    for (const partition of this.#partitions.values()) partition.topic ??= nameOf(partition.topicId);
  }

  nextEpoch(): number {
    this.#epoch = epochAfter(this.#epoch);
    return this.#epoch;
  }

  /** Whether the answer is to be sent. */
  takes({ topic, topicId }: NamedPartition, answer: FetchedPartition): boolean {
    const key = keyOf(topic, topicId, answer.partitionIndex);
    const partition = this.#partitions.get(key);
    if (!partition?.takes(answer)) return false;
    if (hasRecords(answer)) {
      this.#partitions.delete(key);
      this.#partitions.set(key, partition);
    }
    return true;
  }
}

/** From 1 on; what comes after 2^31 - 1 is 1 again, as 0 asks for a new session. */
export const epochAfter = (epoch: number): number => (epoch === 0x7fff_ffff ? 1 : epoch + 1);

const hasRecords = ({ records }: FetchedPartition): boolean => (records?.length ?? 0) > 0;

/** It sends the fetcher somewhere else, or back. */
const isReferral = ({ preferredReadReplica, divergingEpoch }: FetchedPartition): boolean =>
  (preferredReadReplica ?? NO_BROKER) !== NO_BROKER || (divergingEpoch?.epoch ?? NO_LEADER_EPOCH) !== NO_LEADER_EPOCH;

const logStartOf = (answer: FetchedPartition | undefined): Offset => answer?.logStartOffset ?? NO_OFFSET;
