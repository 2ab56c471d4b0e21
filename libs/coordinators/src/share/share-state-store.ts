// The durable state of share partitions, as their leaders need it: PostgreSQL in production (libs/postgres), memory in tests
// and in the simulator; both pass share-state-store.contract.ts. The group coordinator creates, resets and deletes the rows
// (events of the group store); the leader of the partition reads and writes them.
//
// A row is fenced by two epochs: that of the partition's leader, which a later leader raises when it reads the row, and that of
// the state, which the group coordinator raises when it resets the row.
import type { Uuid } from '@milepost/core';
import type { InFlightContent } from './in-flight.ts';

export interface SharePartitionKey {
  readonly groupId: string;
  readonly topicId: Uuid;
  readonly partition: number;
}

export interface ShareEpochs {
  readonly state: number;
  readonly leader: number;
}

export interface StoredShareState extends InFlightContent {
  readonly epochs: ShareEpochs;
}

export interface ShareStateSummary {
  readonly topicId: Uuid;
  readonly partition: number;
  /** -1: not chosen yet. */
  readonly startOffset: number;
  /** -1: no leader has read it yet. */
  readonly leaderEpoch: number;
  /** Records behind the start offset that are done. */
  readonly doneCount: number;
}

export interface ShareStateStore {
  /**
   * Reads the row for a leader. From now on writes of earlier leaders are refused. Undefined: the group has not
   * subscribed to the topic, or was deleted. @throws CoordinatorStoreUnavailable, ShareStateFenced
   */
  acquire(key: SharePartitionKey, leaderEpoch: number): Promise<StoredShareState | undefined>;
  /**
   * Replaces the state. Concurrent calls share transactions. Settles only once the write can no longer land. Calls for one
   * row must not overlap. @throws CoordinatorStoreUnavailable (it is unknown whether it landed), ShareStateFenced
   */
  persist(key: SharePartitionKey, epochs: ShareEpochs, content: InFlightContent, doneCount: number): Promise<void>;
  /** All that the group has. @throws CoordinatorStoreUnavailable */
  summaries(groupId: string): Promise<readonly ShareStateSummary[]>;
}

/** A later leader has read the row, or it was reset or deleted. */
export class ShareStateFenced extends Error {
  override readonly name = 'ShareStateFenced';
}

/** No offset was chosen yet: the first leader does, by `share.auto.offset.reset`. */
export const NO_START_OFFSET = -1;
