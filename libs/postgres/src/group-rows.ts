// Reads the groups and offsets of shards.
import type { PendingOffset, StoredGroup, StoredOffset } from '@milepost/coordinators';
import { LeaderEpoch, Offset, Timestamp, Uuid } from '@milepost/core';
import type { QueryRunner } from 'typeorm';
import { fromText } from './text.ts';

interface GroupColumns {
  group_id: string;
  kind: StoredGroup['kind'];
  generation: number;
  state: unknown;
}

export async function readGroups(runner: QueryRunner, shards: readonly number[]): Promise<StoredGroup[]> {
  const rows: GroupColumns[] = await runner.query(
    'SELECT group_id, kind, generation, state FROM groups WHERE shard = ANY($1)',
    [shards],
  );
  return rows.map(({ group_id, ...rest }) => ({ groupId: fromText(group_id), ...rest }));
}

/** pg returns a bigint as text. */
interface OffsetColumns {
  group_id: string;
  topic: string;
  partition: number;
  topic_id: string;
  committed_offset: string;
  leader_epoch: number;
  metadata: string;
  committed_at_ms: string;
  expires_at_ms: string | null;
}

export async function readOffsets(runner: QueryRunner, shards: readonly number[]): Promise<StoredOffset[]> {
  const rows: OffsetColumns[] = await runner.query(
    `SELECT group_id, topic, partition, topic_id, committed_offset, leader_epoch, metadata, committed_at_ms,
       expires_at_ms
     FROM group_offsets WHERE shard = ANY($1)`,
    [shards],
  );
  return rows.map(offsetOf);
}

export async function readPendingOffsets(runner: QueryRunner, shards: readonly number[]): Promise<PendingOffset[]> {
  const rows: (OffsetColumns & { producer_id: string; producer_epoch: number })[] = await runner.query(
    `SELECT group_id, producer_id, producer_epoch, topic, partition, topic_id, committed_offset, leader_epoch, metadata,
       committed_at_ms, NULL AS expires_at_ms
     FROM group_pending_offsets WHERE shard = ANY($1)`,
    [shards],
  );
  return rows.map((row) => ({
    producerId: BigInt(row.producer_id),
    producerEpoch: row.producer_epoch,
    offset: offsetOf(row),
  }));
}

const offsetOf = (row: OffsetColumns): StoredOffset => ({
  groupId: fromText(row.group_id),
  topic: fromText(row.topic),
  partition: row.partition,
  topicId: Uuid(row.topic_id),
  offset: Offset(Number(row.committed_offset)),
  leaderEpoch: LeaderEpoch(row.leader_epoch),
  metadata: fromText(row.metadata),
  committedAt: Timestamp(Number(row.committed_at_ms)),
  expiresAt: row.expires_at_ms === null ? null : Timestamp(Number(row.expires_at_ms)),
});
