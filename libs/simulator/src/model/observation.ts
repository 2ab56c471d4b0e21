// What clients see of a node, said in one language: the workload tells, the checkers listen.
import type { Uuid } from '@milepost/core';

/** What is fixed about a topic from its making to its end. */
export interface SimTopic {
  readonly name: string;
  readonly id: Uuid;
  readonly partitions: number;
  readonly isCompacted: boolean;
  /** Never deleted: what names it means it. */
  readonly isSteady: boolean;
  /** -1: for ever. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
}

export interface SimPartition {
  readonly topic: SimTopic;
  readonly index: number;
  /** `<name>-<index> of <the first of its topic's id>`. */
  readonly name: string;
}

export function partitionsOf(topic: SimTopic): SimPartition[] {
  return Array.from({ length: topic.partitions }, (_, index) => ({
    topic,
    index,
    name: `${topic.name}-${index} of ${topic.id.slice(0, 8)}`,
  }));
}

/** A record of one producer. Its text is in the world once: where it is found again, it is this one. */
export interface SentRecord {
  readonly text: string;
  readonly key: string;
  readonly producer: string;
  /** The producer's n-th for this partition. */
  readonly number: number;
  readonly timestamp: number;
}

export interface SentBatch {
  readonly partition: SimPartition;
  readonly records: readonly SentRecord[];
  readonly isIdempotent: boolean;
  readonly sizeBytes: number;
}

export interface ReadRecord {
  readonly offset: number;
  readonly key: string;
  readonly text: string;
  readonly timestamp: number;
}

export type Observation =
  /** Before it leaves for the first time. */
  | { readonly kind: 'sent'; readonly batch: SentBatch }
  /** With acks=1 or acks=all. */
  | { readonly kind: 'acknowledged'; readonly batch: SentBatch; readonly baseOffset: number }
  /** Out of order, though all before it is acknowledged. */
  | { readonly kind: 'gap-told'; readonly batch: SentBatch; readonly error: string }
  /** All that there is of the offsets `from` to `upTo`, exclusive. */
  | {
      readonly kind: 'read';
      readonly partition: SimPartition;
      readonly from: number;
      readonly upTo: number;
      readonly records: readonly ReadRecord[];
    }
  /** Where it starts and ends, as far as told, by a question asked at that time. */
  | {
      readonly kind: 'bounds';
      readonly partition: SimPartition;
      readonly askedAt: number;
      readonly start?: number;
      readonly end?: number;
    }
  /** With all that was sent acknowledged, and time to read it, a reader stays where it is. */
  | {
      readonly kind: 'left-behind';
      readonly reader: string;
      readonly partition: SimPartition;
      readonly offset: number;
      readonly end: number;
    }
  /** Records below are to be deleted: before the request leaves, and when it is confirmed. */
  | { readonly kind: 'deletion'; readonly partition: SimPartition; readonly before: number }
  | { readonly kind: 'deleted'; readonly partition: SimPartition; readonly start: number }
  /** Before its deletion is requested. */
  | { readonly kind: 'topic-leaving'; readonly topic: SimTopic }
  /** A topic that exists for certain is said not to. */
  | { readonly kind: 'topic-denied'; readonly topic: SimTopic; readonly error: string }
  /** A reader is refused what is there. */
  | { readonly kind: 'refused-as-corrupt'; readonly partition: SimPartition; readonly offset: number }
  /** The node's wall clock was set, and said this until then. */
  | { readonly kind: 'clock-set'; readonly from: number }
  /** The database is as it was at `sinceMs`: what was committed to it from then on is gone. */
  | { readonly kind: 'database-forgot'; readonly sinceMs: number }
  /** The medium itself was damaged here: what it held may be refused, or cut. */
  | { readonly kind: 'rotten'; readonly topic: string; readonly index: number }
  | GroupObservation
  /** A promise of the program broke that nobody waited for, or an answer came that nobody asked for. */
  | { readonly kind: 'broken'; readonly what: string };

export type GroupObservation =
  /** A member that speaks the classic protocol was told its partitions. */
  | {
      readonly kind: 'assigned';
      readonly group: string;
      readonly generation: number;
      readonly member: string;
      readonly partitions: readonly number[];
    }
  /** A member holds partitions, and nobody may give them away before that time. */
  | {
      readonly kind: 'holds';
      readonly group: string;
      readonly member: string;
      readonly partitions: readonly number[];
      readonly untilMs: number;
    }
  | {
      readonly kind: 'committed';
      readonly group: string;
      readonly partition: string;
      readonly offset: number;
      readonly askedAt: number;
      readonly by: string;
    }
  | {
      readonly kind: 'offset-fetched';
      readonly group: string;
      readonly partition: string;
      readonly offset: number;
      readonly askedAt: number;
    }
  /** Before the request leaves, and when it is answered: a commit that names its topic instead of identifying it. */
  | {
      readonly kind: 'name-committed' | 'name-commit-answered';
      readonly group: string;
      readonly partition: SimPartition;
      readonly offset: number;
    }
  /** A group is told to start at an offset that it has committed for another topic of that name. */
  | {
      readonly kind: 'foreign-offset';
      readonly group: string;
      readonly partition: SimPartition;
      readonly offset: number;
    }
  /** In the end, with nothing in the way for a while: `<topic>-<index> at <offset>`. */
  | { readonly kind: 'offsets-outlive-topics'; readonly group: string; readonly offsets: readonly string[] }
  /** In the end, with nothing in the way for a while. */
  | {
      readonly kind: 'group-at-rest';
      readonly group: string;
      readonly state: string;
      readonly members: readonly string[];
      readonly living: readonly { readonly member: string; readonly partitions: readonly number[] }[];
      readonly partitions: number;
    };
