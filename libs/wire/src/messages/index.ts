// Every message that we can read and write, and the list of them by API key.
import type { AnyApi } from '../schema/api.ts';
import { ApiVersions } from './api-versions.ts';
import { CreatePartitions } from './create-partitions.ts';
import { CreateTopics } from './create-topics.ts';
import { DeleteTopics } from './delete-topics.ts';
import { DescribeCluster } from './describe-cluster.ts';
import { DescribeConfigs } from './describe-configs.ts';
import { DescribeGroups } from './describe-groups.ts';
import { Fetch } from './fetch.ts';
import { FindCoordinator } from './find-coordinator.ts';
import { Heartbeat } from './heartbeat.ts';
import { InitProducerId } from './init-producer-id.ts';
import { JoinGroup } from './join-group.ts';
import { LeaveGroup } from './leave-group.ts';
import { ListGroups } from './list-groups.ts';
import { ListOffsets } from './list-offsets.ts';
import { Metadata } from './metadata.ts';
import { OffsetCommit } from './offset-commit.ts';
import { OffsetFetch } from './offset-fetch.ts';
import { OffsetForLeaderEpoch } from './offset-for-leader-epoch.ts';
import { Produce } from './produce.ts';
import { SyncGroup } from './sync-group.ts';

export * from './api-versions.ts';
export * from './create-partitions.ts';
export * from './create-topics.ts';
export * from './delete-topics.ts';
export * from './describe-cluster.ts';
export * from './describe-configs.ts';
export * from './describe-groups.ts';
export * from './fetch.ts';
export * from './find-coordinator.ts';
export * from './heartbeat.ts';
export * from './init-producer-id.ts';
export * from './join-group.ts';
export * from './leave-group.ts';
export * from './list-groups.ts';
export * from './list-offsets.ts';
export * from './metadata.ts';
export * from './offset-commit.ts';
export * from './offset-fetch.ts';
export * from './offset-for-leader-epoch.ts';
export * from './produce.ts';
export * from './sync-group.ts';
export { OPERATIONS_NOT_ASKED } from './parts.ts';

/** In the order of their keys. Declared is not implemented: a broker advertises what it has a handler for. */
export const apis: readonly AnyApi[] = [
  Produce,
  Fetch,
  ListOffsets,
  Metadata,
  OffsetCommit,
  OffsetFetch,
  FindCoordinator,
  JoinGroup,
  Heartbeat,
  LeaveGroup,
  SyncGroup,
  DescribeGroups,
  ListGroups,
  ApiVersions,
  CreateTopics,
  DeleteTopics,
  InitProducerId,
  OffsetForLeaderEpoch,
  DescribeConfigs,
  CreatePartitions,
  DescribeCluster,
];

const byKey = new Map(apis.map((api) => [api.key, api]));

export const apiOf = (key: number): AnyApi | undefined => byKey.get(key);
