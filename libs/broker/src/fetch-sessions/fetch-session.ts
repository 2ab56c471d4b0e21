// The state that a fetcher shares with us (KIP-227): its partitions and offsets, so that a request only contains
// changes, and what it last received of each, so that a response only contains changes.
//
// The order of the partitions is the order of reading. One that returned records moves to the end: behind a large one
// in front, the others would never be read.
import { ErrorCode, NO_BROKER, NO_LEADER_EPOCH, NO_OFFSET, type Offset, type Uuid, ZERO_UUID } from '@milepost/core';
import type { FetchRequest, FetchResponse } from '@milepost/wire';

export type AskedPartition = FetchRequest['topics'][number]['partitions'][number];
export type FetchedPartition = FetchResponse['responses'][number]['partitions'][number];

/** A partition as a request names it: by id (from version 13 on) or by name. */
export interface NamedPartition {
  /** Undefined for an id that no topic has. */
  readonly topic: string | undefined;
  /** ZERO_UUID if the request names topics. */
  readonly topicId: Uuid;
  readonly asked: AskedPartition;
}

/** The key of a partition in sessions and requests. With an id, the name does not matter. */
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

  /** Whether the response must contain the partition; if so, it counts as sent. */
  takes(answer: FetchedPartition): boolean {
    const isFailed = answer.errorCode !== ErrorCode.NONE;
    const hasMoved =
      this.#toldHighWatermark !== answer.highWatermark || this.#toldLogStart !== logStartOf(answer) || isFailed;
    // After an error the partition is sent again, even if nothing has changed.
    this.#toldHighWatermark = isFailed ? NO_OFFSET : answer.highWatermark;
    this.#toldLogStart = logStartOf(answer);
    return hasMoved || hasRecords(answer) || isReferral(answer);
  }
}

export class FetchSession {
  readonly id: number;
  /** A follower's session: it is evicted after those of consumers. */
  readonly privileged: boolean;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  lastUsedMs: number;
  /** When last used, it was older than the eviction time: a larger session may replace it. */
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

  /** The epoch that the next request must have. */
  get epoch(): number {
    return this.#epoch;
  }
  get size(): number {
    return this.#partitions.size;
  }
  /** In the order of reading. */
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

  /** A topic that was unknown at first may exist now; a known name does not change, as in Kafka. */
  resolveNames(nameOf: (topicId: Uuid) => string | undefined): void {
    if (!this.usesTopicIds) return;
    for (const partition of this.#partitions.values()) partition.topic ??= nameOf(partition.topicId);
  }

  nextEpoch(): number {
    this.#epoch = epochAfter(this.#epoch);
    return this.#epoch;
  }

  /** Whether the response must contain the partition. */
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

/** From 1 on; 2^31 - 1 is followed by 1, because 0 requests a new session. */
export const epochAfter = (epoch: number): number => (epoch === 0x7fff_ffff ? 1 : epoch + 1);

const hasRecords = ({ records }: FetchedPartition): boolean => (records?.length ?? 0) > 0;

/** Whether the response refers the fetcher to another replica, or back to an earlier offset. */
const isReferral = ({ preferredReadReplica, divergingEpoch }: FetchedPartition): boolean =>
  (preferredReadReplica ?? NO_BROKER) !== NO_BROKER || (divergingEpoch?.epoch ?? NO_LEADER_EPOCH) !== NO_LEADER_EPOCH;

const logStartOf = (answer: FetchedPartition | undefined): Offset => answer?.logStartOffset ?? NO_OFFSET;
