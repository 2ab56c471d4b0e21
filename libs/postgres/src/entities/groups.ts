// Consumer groups and their offsets as rows. Only postgres-group-store.ts reads and writes them, in raw SQL.
import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { exactNumber } from './columns.ts';

/**
 * A partition of `__consumer_offsets`: a coordinator that acquires it raises the epoch, and from then on no other one's
 * writes count.
 */
@Entity('coordinator_shards')
export class CoordinatorShardRow {
  @PrimaryColumn('int', { primaryKeyConstraintName: 'coordinator_shards_pkey' }) shard!: number;
  @Column('int') epoch!: number;
  /** The leadership of its partition that it was last acquired under; -1: none. */
  @Column('uuid', { name: 'topic_id', nullable: true }) topicId!: string | null;
  @Column('int', { name: 'leader_epoch', default: -1 }) leaderEpoch!: number;
}

@Entity('groups')
@Index('groups_shard_idx', ['shard'])
export class GroupRow {
  @PrimaryColumn('text', { name: 'group_id', primaryKeyConstraintName: 'groups_pkey' }) groupId!: string;
  @Column('int') shard!: number;
  @Column('text') kind!: string;
  @Column('int') generation!: number;
  /** json, not jsonb: that refuses the character U+0000, which a client may put into its id. */
  @Column('json') state!: unknown;
}

@Entity('group_offsets')
@Index('group_offsets_shard_idx', ['shard'])
export class GroupOffsetRow {
  @PrimaryColumn('text', { name: 'group_id', primaryKeyConstraintName: 'group_offsets_pkey' }) groupId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'group_offsets_pkey' }) topic!: string;
  @PrimaryColumn('int', { primaryKeyConstraintName: 'group_offsets_pkey' }) partition!: number;
  @Column('int') shard!: number;
  @Column('uuid', { name: 'topic_id' }) topicId!: string;
  @Column('bigint', { name: 'committed_offset', transformer: exactNumber }) committedOffset!: number;
  @Column('int', { name: 'leader_epoch' }) leaderEpoch!: number;
  @Column('text') metadata!: string;
  @Column('bigint', { name: 'committed_at_ms', transformer: exactNumber }) committedAtMs!: number;
  @Column('bigint', { name: 'expires_at_ms', nullable: true, transformer: exactNumber }) expiresAtMs!: number | null;
}

/** What a transaction that is open will commit, or drop. */
@Entity('group_pending_offsets')
@Index('group_pending_offsets_shard_idx', ['shard'])
export class GroupPendingOffsetRow {
  @PrimaryColumn('text', { name: 'group_id', primaryKeyConstraintName: 'group_pending_offsets_pkey' }) groupId!: string;
  @PrimaryColumn('bigint', { name: 'producer_id', primaryKeyConstraintName: 'group_pending_offsets_pkey' })
  producerId!: string;
  @PrimaryColumn('text', { primaryKeyConstraintName: 'group_pending_offsets_pkey' }) topic!: string;
  @PrimaryColumn('int', { primaryKeyConstraintName: 'group_pending_offsets_pkey' }) partition!: number;
  @Column('int') shard!: number;
  @Column('int', { name: 'producer_epoch' }) producerEpoch!: number;
  @Column('uuid', { name: 'topic_id' }) topicId!: string;
  @Column('bigint', { name: 'committed_offset', transformer: exactNumber }) committedOffset!: number;
  @Column('int', { name: 'leader_epoch' }) leaderEpoch!: number;
  @Column('text') metadata!: string;
  @Column('bigint', { name: 'committed_at_ms', transformer: exactNumber }) committedAtMs!: number;
}

/** What a share group has in flight in a partition. Its leader writes it (postgres-share-state-store.ts). */
@Entity('share_partitions')
export class SharePartitionRow {
  @PrimaryColumn('text', { name: 'group_id', primaryKeyConstraintName: 'share_partitions_pkey' }) groupId!: string;
  @PrimaryColumn('uuid', { name: 'topic_id', primaryKeyConstraintName: 'share_partitions_pkey' }) topicId!: string;
  @PrimaryColumn('int', { primaryKeyConstraintName: 'share_partitions_pkey' }) partition!: number;
  /** Raised by each reset. */
  @Column('int', { name: 'state_epoch' }) stateEpoch!: number;
  /** Of the last leader that has read it; -1: none has. */
  @Column('int', { name: 'leader_epoch' }) leaderEpoch!: number;
  /** -1: not chosen yet. */
  @Column('bigint', { name: 'start_offset', transformer: exactNumber }) startOffset!: number;
  @Column('int', { name: 'done_count' }) doneCount!: number;
  @Column('json') runs!: unknown;
}
