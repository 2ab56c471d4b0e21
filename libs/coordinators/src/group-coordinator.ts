import type { Clock, Logger, Meter, Random } from '@milepost/core';
import { ErrorCode } from '@milepost/core';
import type { GroupConfig } from './config.ts';
import type * as c from './group/commands.ts';
import type { GroupStore } from './ports.ts';

export interface GroupCoordinatorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly store: GroupStore;
  readonly config: GroupConfig;
  /** offsets.topic.num.partitions */
  readonly shards: number;
}

export declare class GroupCoordinator {
  constructor(deps: GroupCoordinatorDeps);
  /** Takes the shards and reads all they hold, trying again while the store is away. */
  start(shards: readonly number[]): Promise<void>;
  shardOf(groupId: string): number;
  /** The answer may take as long as the rebalance. */
  join(command: c.JoinCommand): Promise<c.JoinResult>;
  sync(command: c.SyncCommand): Promise<c.SyncResult>;
  heartbeat(command: c.HeartbeatCommand): Promise<ErrorCode>;
  leave(command: c.LeaveCommand): Promise<c.LeaveResult>;
  commitOffsets(command: c.CommitCommand): Promise<c.CommitResult>;
  fetchOffsets(command: c.FetchOffsetsCommand): Promise<c.FetchOffsetsResult>;
  describe(groupIds: readonly string[]): Promise<c.DescribedGroup[]>;
  list(command: c.ListGroupsCommand): Promise<c.ListGroupsResult>;
  deleteGroups(groupIds: readonly string[]): Promise<c.DeletedGroup[]>;
  deleteOffsets(command: c.DeleteOffsetsCommand): Promise<c.DeleteOffsetsResult>;
  /** Resolves when the topics' offsets are gone, however long the store is away. */
  topicsDeleted(topics: readonly c.DeletedTopic[]): Promise<void>;
  /** Answers everything that waits. */
  close(): Promise<void>;
}
