// What clients see of a cluster, and an auditor of its disks, in one set of types: the workload reports it, the checkers
// receive it.
import type { Uuid } from '@milepost/core';
import type { Replica } from '../replicas.ts';

/** The properties of a topic that never change. */
export interface SimTopic {
  readonly name: string;
  readonly id: Uuid;
  readonly partitions: number;
  readonly isCompacted: boolean;
  /** Never deleted: its name identifies it. */
  readonly isSteady: boolean;
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
  /** How many brokers have a copy. */
  readonly replicas: number;
  readonly minInsyncReplicas: number;
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

/** A record of one producer. Its text is unique in the world, and identifies it wherever it is read. */
export interface SentRecord {
  readonly text: string;
  readonly key: string;
  readonly producer: string;
  /** The producer's n-th record for this partition. */
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
  /** Before it is sent for the first time. */
  | { readonly kind: 'sent'; readonly batch: SentBatch }
  /** With acks=all, or acks=1 where no other broker has a copy. */
  | { readonly kind: 'acknowledged'; readonly batch: SentBatch; readonly baseOffset: number }
  /** Rejected as out of order, though all earlier batches are acknowledged; `isOvertaken`: and a later one, too. */
  | { readonly kind: 'gap-told'; readonly batch: SentBatch; readonly error: string; readonly isOvertaken: boolean }
  /** All records at the offsets `from` to `upTo` (exclusive). */
  | {
      readonly kind: 'read';
      readonly partition: SimPartition;
      readonly from: number;
      readonly upTo: number;
      readonly records: readonly ReadRecord[];
    }
  /** The start and the end of the log, as far as reported, for a request sent at that time. */
  | {
      readonly kind: 'bounds';
      readonly partition: SimPartition;
      readonly askedAt: number;
      /** The epoch in which the responding broker leads the partition; absent if the request did not require one. */
      readonly epoch?: number;
      /** Another broker may have led it by then. */
      readonly mayBeStale: boolean;
      /** By ListOffsets. */
      readonly isListed?: boolean;
      readonly start?: number;
      readonly end?: number;
    }
  /** With everything acknowledged, and time to read it, a reader makes no progress. */
  | {
      readonly kind: 'left-behind';
      readonly reader: string;
      readonly partition: SimPartition;
      readonly offset: number;
      readonly end: number;
    }
  /** Records below are to be deleted: before the request is sent, and when it is confirmed. */
  | { readonly kind: 'deletion'; readonly partition: SimPartition; readonly before: number }
  | { readonly kind: 'deleted'; readonly partition: SimPartition; readonly start: number }
  /** Before its deletion is requested. */
  | { readonly kind: 'topic-leaving'; readonly topic: SimTopic }
  /** A topic that certainly exists is reported as missing. */
  | { readonly kind: 'topic-denied'; readonly topic: SimTopic; readonly error: string }
  /** An existing record is refused to a reader. */
  | { readonly kind: 'refused-as-corrupt'; readonly partition: SimPartition; readonly offset: number }
  /** A node's wall clock was set; this was its value before. */
  | { readonly kind: 'clock-set'; readonly from: number }
  /** The database has its state of `sinceMs`: later commits are lost. */
  | { readonly kind: 'database-forgot'; readonly sinceMs: number }
  /** A broker has found that the database went back, and loads its groups again. */
  | { readonly kind: 'database-loss-noticed' }
  /** The medium was damaged, or no replica in sync has its disk left (`isLost`): its content may be refused, or cut. */
  | { readonly kind: 'rotten'; readonly topic: string; readonly index: number; readonly isLost?: true }
  /** A broker names the leader of a partition. */
  | {
      readonly kind: 'leader-told';
      readonly partition: SimPartition;
      readonly leader: number;
      readonly epoch: number;
    }
  /** The content of an in-sync replica's disk after a power cut, read by an auditor. */
  | {
      readonly kind: 'replica';
      readonly partition: SimPartition;
      readonly broker: number;
      readonly replica: Replica;
    }
  /** The cluster takes a broker for gone, though nothing but an absent database has kept it from extending its lease. */
  | { readonly kind: 'declared-gone'; readonly broker: number; readonly aliveForLeases: number }
  /** In the end, after a while without faults. */
  | { readonly kind: 'not-converged'; readonly what: string }
  | GroupObservation
  | TransactionObservation
  /** A promise of the program was rejected unhandled, or a response without a request arrived. */
  | { readonly kind: 'broken'; readonly what: string };

export type GroupObservation =
  /** A broker has acquired a shard of groups in the database. */
  | { readonly kind: 'shard-acquired'; readonly shard: number; readonly epoch: number; readonly broker: string }
  /** A member with the classic protocol received its partitions. */
  | {
      readonly kind: 'assigned';
      readonly group: string;
      readonly generation: number;
      readonly member: string;
      readonly partitions: readonly number[];
    }
  /** A member holds partitions; no other member may own them before that time. */
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
      /** The broker that responded. */
      readonly coordinator: string;
    }
  | {
      readonly kind: 'offset-fetched';
      readonly group: string;
      readonly partition: string;
      readonly offset: number;
      readonly askedAt: number;
    }
  /** Before the request is sent, and at its response: a commit that names its topic instead of identifying it. */
  | {
      readonly kind: 'name-committed' | 'name-commit-answered';
      readonly group: string;
      readonly partition: SimPartition;
      readonly offset: number;
    }
  /** A group receives an offset that it has committed for another topic of that name. */
  | {
      readonly kind: 'foreign-offset';
      readonly group: string;
      readonly partition: SimPartition;
      readonly offset: number;
    }
  /** In the end, after a while without faults: `<topic>-<index> at <offset>`. */
  | { readonly kind: 'offsets-outlive-topics'; readonly group: string; readonly offsets: readonly string[] }
  /** In the end, after a while without faults. */
  | {
      readonly kind: 'group-at-rest';
      readonly group: string;
      readonly state: string;
      readonly members: readonly string[];
      readonly living: readonly { readonly member: string; readonly partitions: readonly number[] }[];
      readonly partitions: number;
    };

export type TransactionObservation =
  /** Before anything of it is sent. Its records are unique in the world. */
  | { readonly kind: 'transaction-begun'; readonly transaction: string; readonly records: readonly string[] }
  /** Before its commit is requested. */
  | { readonly kind: 'transaction-committing'; readonly transaction: string }
  /** Its end is acknowledged. */
  | { readonly kind: 'transaction-ended'; readonly transaction: string; readonly isCommit: boolean }
  /** Some records, by a reader of committed records. */
  | { readonly kind: 'committed-read'; readonly records: readonly string[] }
  /** In the end, after a while without faults: the committed offset of a loop, and all its committed records. */
  | {
      readonly kind: 'loop-at-rest';
      readonly loop: string;
      readonly inputs: number;
      readonly records: readonly string[];
    };
