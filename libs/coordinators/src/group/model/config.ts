// The coordinator's settings, named after Kafka's broker properties, with Kafka 4.3's defaults.
import type { AssignorName } from '../assignors/assignor.ts';

export const MIGRATION_POLICIES = ['bidirectional', 'upgrade', 'downgrade', 'disabled'] as const;
export type MigrationPolicy = (typeof MIGRATION_POLICIES)[number];

export interface GroupConfig {
  /** group.min.session.timeout.ms and group.max.session.timeout.ms: other values are INVALID_SESSION_TIMEOUT. */
  readonly minSessionTimeoutMs: number;
  readonly maxSessionTimeoutMs: number;
  /** group.initial.rebalance.delay.ms: how long a new group's first rebalance waits for more members. */
  readonly initialRebalanceDelayMs: number;
  /** group.max.size */
  readonly maxSize: number;
  /** offset.metadata.max.bytes (Kafka counts UTF-16 units, and so do we). */
  readonly offsetMetadataMaxBytes: number;
  /** offsets.retention.minutes */
  readonly offsetsRetentionMinutes: number;
  /** offsets.retention.check.interval.ms */
  readonly offsetsRetentionCheckIntervalMs: number;
  /** offsets.commit.timeout.ms: how long a command may wait for the store before its client gets a retriable error. */
  readonly offsetsCommitTimeoutMs: number;
  /** group.consumer.session.timeout.ms, group.consumer.heartbeat.interval.ms: the broker decides them (KIP-848). */
  readonly consumerSessionTimeoutMs: number;
  readonly consumerHeartbeatIntervalMs: number;
  /** group.consumer.max.size */
  readonly consumerMaxSize: number;
  /** group.consumer.migration.policy: in which directions live groups may change the protocol. */
  readonly migrationPolicy: MigrationPolicy;
  /** group.consumer.assignors, the first is the default. */
  readonly consumerAssignors: readonly AssignorName[];
  /** group.consumer.assignment.interval.ms: the least time between two target assignments of a group. */
  readonly consumerAssignmentIntervalMs: number;
  /** group.share.session.timeout.ms, group.share.heartbeat.interval.ms (KIP-932). */
  readonly shareSessionTimeoutMs: number;
  readonly shareHeartbeatIntervalMs: number;
  /** group.share.max.size */
  readonly shareMaxSize: number;
  /** group.share.assignment.interval.ms */
  readonly shareAssignmentIntervalMs: number;
}

/** Settings that can be set for one group (resources of type GROUP). */
export type GroupOverrides = Partial<
  Pick<
    GroupConfig,
    | 'consumerSessionTimeoutMs'
    | 'consumerHeartbeatIntervalMs'
    | 'consumerAssignmentIntervalMs'
    | 'shareSessionTimeoutMs'
    | 'shareHeartbeatIntervalMs'
    | 'shareAssignmentIntervalMs'
  >
>;

export const DEFAULT_GROUP_CONFIG: GroupConfig = {
  minSessionTimeoutMs: 6_000,
  maxSessionTimeoutMs: 1_800_000,
  initialRebalanceDelayMs: 3_000,
  maxSize: 2 ** 31 - 1,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMinutes: 7 * 24 * 60,
  offsetsRetentionCheckIntervalMs: 600_000,
  offsetsCommitTimeoutMs: 5_000,
  consumerSessionTimeoutMs: 45_000,
  consumerHeartbeatIntervalMs: 5_000,
  consumerMaxSize: 2 ** 31 - 1,
  migrationPolicy: 'bidirectional',
  consumerAssignors: ['uniform', 'range'],
  consumerAssignmentIntervalMs: 1_000,
  shareSessionTimeoutMs: 45_000,
  shareHeartbeatIntervalMs: 5_000,
  shareMaxSize: 200,
  shareAssignmentIntervalMs: 1_000,
};
