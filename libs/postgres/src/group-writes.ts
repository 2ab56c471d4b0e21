// A batch of group events as few statements of many rows: only the last state of each group and offset is written.
import type { GroupEvent, PendingOffset, StoredGroup, StoredOffset } from '@milepost/coordinators';
import { unreachable } from '@milepost/core';
import type { QueryRunner } from 'typeorm';
import { chunks, type EventWrites } from './shard-writes.ts';
import { type ShareEvent, writeShareEvents } from './share-rows.ts';
import { toText } from './text.ts';

interface GroupRow {
  readonly shard: number;
  readonly group: StoredGroup;
}

interface OffsetRow {
  readonly shard: number;
  /** Undefined: deleted. */
  readonly offset: StoredOffset | undefined;
  readonly topic: string;
  readonly partition: number;
}

interface PendingRow {
  readonly shard: number;
  readonly pending: PendingOffset;
}

/** Pending offsets whose rows are deleted. */
interface EndedRow {
  readonly groupId: string;
  /** Null: of every producer. */
  readonly producerId: bigint | null;
  /** Null, with the partition: of every partition. */
  readonly topic: string | null;
  readonly partition: number | null;
}

export class GroupWrites implements EventWrites<GroupEvent> {
  /** Groups whose rows are deleted first. The maps hold what came after the deletion. */
  readonly #deleted = new Set<string>();
  readonly #groups = new Map<string, GroupRow>();
  /** By group, then by topic and partition. */
  readonly #offsets = new Map<string, Map<string, OffsetRow>>();
  /** Deleted before those of `#pending` are written. */
  #ended: EndedRow[] = [];
  /** By group, then by producer, topic and partition. */
  readonly #pending = new Map<string, Map<string, PendingRow>>();

  /** In their order. */
  #shares: ShareEvent[] = [];

  add(shard: number, event: GroupEvent): void {
    switch (event.type) {
      case 'group-stored':
        this.#groups.set(event.group.groupId, { shard, group: event.group });
        return;
      case 'group-deleted':
        this.#deleted.add(event.groupId);
        this.#groups.delete(event.groupId);
        this.#offsets.delete(event.groupId);
        this.#pending.delete(event.groupId);
        return;
      case 'offset-committed': {
        const { groupId, topic, partition } = event.offset;
        return this.#put(groupId, { shard, topic, partition, offset: event.offset });
      }
      case 'offset-deleted': {
        const { groupId, topic, partition } = event;
        this.#endPending({ groupId, producerId: null, topic, partition });
        return this.#put(groupId, { shard, topic, partition, offset: undefined });
      }
      case 'offset-pending': {
        const { producerId, offset } = event.pending;
        const { groupId, topic, partition } = offset;
        const rows = this.#pending.get(groupId) ?? new Map<string, PendingRow>();
        this.#pending.set(groupId, rows.set(`${producerId} ${partition} ${topic}`, { shard, pending: event.pending }));
        return;
      }
      case 'pending-offsets-ended':
        return this.#endPending({ ...event, topic: null, partition: null });
      case 'share-partition-initialized':
      case 'share-topic-forgotten':
        this.#shares.push(event);
        return;
      default:
        unreachable(event);
    }
  }

  async run(runner: QueryRunner): Promise<void> {
    await deleteGroups(runner, [...this.#deleted]);
    for (const rows of chunks(this.#ended)) await endPending(runner, rows);
    const pending = [...this.#pending.values()].flatMap((rows) => [...rows.values()]);
    for (const rows of chunks(pending)) await upsertPending(runner, rows);
    for (const rows of chunks([...this.#groups.values()])) await upsertGroups(runner, rows);
    const offsets = [...this.#offsets].flatMap(([groupId, rows]) =>
      [...rows.values()].map((row) => ({ groupId, ...row })),
    );
    for (const rows of chunks(offsets.filter(({ offset }) => !offset))) await deleteOffsets(runner, rows);
    const committed = offsets.flatMap(({ shard, offset }) => (offset ? [{ shard, offset }] : []));
    for (const rows of chunks(committed)) await upsertOffsets(runner, rows);
    await writeShareEvents(runner, this.#shares);
  }

  #endPending(ended: EndedRow): void {
    this.#ended.push(ended);
    const rows = this.#pending.get(ended.groupId);
    for (const [key, { pending }] of rows ?? []) if (isEndedBy(ended, pending)) rows?.delete(key);
  }

  #put(groupId: string, row: OffsetRow): void {
    let rows = this.#offsets.get(groupId);
    if (!rows) this.#offsets.set(groupId, (rows = new Map()));
    rows.set(`${row.partition} ${row.topic}`, row);
  }
}

async function deleteGroups(runner: QueryRunner, groupIds: readonly string[]): Promise<void> {
  if (groupIds.length === 0) return;
  const texts = groupIds.map(toText);
  await runner.query('DELETE FROM groups WHERE group_id = ANY($1)', [texts]);
  await runner.query('DELETE FROM group_offsets WHERE group_id = ANY($1)', [texts]);
  await runner.query('DELETE FROM group_pending_offsets WHERE group_id = ANY($1)', [texts]);
}

const isEndedBy = (ended: EndedRow, { producerId, offset }: PendingOffset): boolean =>
  (ended.producerId === null || ended.producerId === producerId) &&
  (ended.topic === null || (ended.topic === offset.topic && ended.partition === offset.partition));

async function endPending(runner: QueryRunner, rows: readonly EndedRow[]): Promise<void> {
  await runner.query(
    `DELETE FROM group_pending_offsets o
     USING unnest($1::text[], $2::bigint[], $3::text[], $4::int[]) AS ended (group_id, producer_id, topic, partition)
     WHERE o.group_id = ended.group_id AND (ended.producer_id IS NULL OR o.producer_id = ended.producer_id)
       AND (ended.topic IS NULL OR (o.topic = ended.topic AND o.partition = ended.partition))`,
    [
      rows.map(({ groupId }) => toText(groupId)),
      rows.map(({ producerId }) => (producerId === null ? null : String(producerId))),
      rows.map(({ topic }) => (topic === null ? null : toText(topic))),
      rows.map(({ partition }) => partition),
    ],
  );
}

const UPSERT_PENDING = `
  INSERT INTO group_pending_offsets (group_id, producer_id, topic, partition, shard, producer_epoch, topic_id,
                                     committed_offset, leader_epoch, metadata, committed_at_ms)
  SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[], $5::int[], $6::int[], $7::uuid[],
                       $8::bigint[], $9::int[], $10::text[], $11::bigint[])
  ON CONFLICT (group_id, producer_id, topic, partition) DO UPDATE
  SET shard = excluded.shard, producer_epoch = excluded.producer_epoch, topic_id = excluded.topic_id,
      committed_offset = excluded.committed_offset, leader_epoch = excluded.leader_epoch, metadata = excluded.metadata,
      committed_at_ms = excluded.committed_at_ms`;

async function upsertPending(runner: QueryRunner, rows: readonly PendingRow[]): Promise<void> {
  const offsets = rows.map(({ pending }) => pending.offset);
  await runner.query(UPSERT_PENDING, [
    offsets.map(({ groupId }) => toText(groupId)),
    rows.map(({ pending }) => String(pending.producerId)),
    offsets.map(({ topic }) => toText(topic)),
    offsets.map(({ partition }) => partition),
    rows.map(({ shard }) => shard),
    rows.map(({ pending }) => pending.producerEpoch),
    offsets.map(({ topicId }) => topicId),
    offsets.map(({ offset }) => offset),
    offsets.map(({ leaderEpoch }) => leaderEpoch),
    offsets.map(({ metadata }) => toText(metadata)),
    offsets.map(({ committedAt }) => committedAt),
  ]);
}

const UPSERT_GROUPS = `
  INSERT INTO groups (group_id, shard, kind, generation, state)
  SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::json[])
  ON CONFLICT (group_id) DO UPDATE
  SET shard = excluded.shard, kind = excluded.kind, generation = excluded.generation, state = excluded.state`;

async function upsertGroups(runner: QueryRunner, rows: readonly GroupRow[]): Promise<void> {
  await runner.query(UPSERT_GROUPS, [
    rows.map(({ group }) => toText(group.groupId)),
    rows.map(({ shard }) => shard),
    rows.map(({ group }) => group.kind),
    rows.map(({ group }) => group.generation),
    rows.map(({ group }) => JSON.stringify(group.state)),
  ]);
}

async function deleteOffsets(
  runner: QueryRunner,
  rows: readonly { groupId: string; topic: string; partition: number }[],
): Promise<void> {
  await runner.query(
    `DELETE FROM group_offsets o USING unnest($1::text[], $2::text[], $3::int[]) AS gone (group_id, topic, partition)
     WHERE o.group_id = gone.group_id AND o.topic = gone.topic AND o.partition = gone.partition`,
    [
      rows.map(({ groupId }) => toText(groupId)),
      rows.map(({ topic }) => toText(topic)),
      rows.map(({ partition }) => partition),
    ],
  );
}

const UPSERT_OFFSETS = `
  INSERT INTO group_offsets (group_id, topic, partition, shard, topic_id, committed_offset, leader_epoch, metadata,
                             committed_at_ms, expires_at_ms)
  SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::uuid[], $6::bigint[], $7::int[], $8::text[],
                       $9::bigint[], $10::bigint[])
  ON CONFLICT (group_id, topic, partition) DO UPDATE
  SET shard = excluded.shard, topic_id = excluded.topic_id, committed_offset = excluded.committed_offset,
      leader_epoch = excluded.leader_epoch, metadata = excluded.metadata, committed_at_ms = excluded.committed_at_ms,
      expires_at_ms = excluded.expires_at_ms`;

async function upsertOffsets(
  runner: QueryRunner,
  rows: readonly { shard: number; offset: StoredOffset }[],
): Promise<void> {
  const offsets = rows.map(({ offset }) => offset);
  await runner.query(UPSERT_OFFSETS, [
    offsets.map(({ groupId }) => toText(groupId)),
    offsets.map(({ topic }) => toText(topic)),
    offsets.map(({ partition }) => partition),
    rows.map(({ shard }) => shard),
    offsets.map(({ topicId }) => topicId),
    offsets.map(({ offset }) => offset),
    offsets.map(({ leaderEpoch }) => leaderEpoch),
    offsets.map(({ metadata }) => toText(metadata)),
    offsets.map(({ committedAt }) => committedAt),
    offsets.map(({ expiresAt }) => expiresAt),
  ]);
}
