// Events of share groups as statements on the rows of share partitions: few and rare, so each run of one kind is one
// statement, in the order of the events. A row's shard is not stored: its group's row has it.
import type { GroupEvent } from '@milepost/coordinators';
import type { QueryRunner } from 'typeorm';
import { toText } from './text.ts';

export type ShareEvent = Extract<GroupEvent, { readonly type: `share-${string}` }>;

type Initialized = Extract<ShareEvent, { readonly type: 'share-partition-initialized' }>;

export async function writeShareEvents(runner: QueryRunner, events: readonly ShareEvent[]): Promise<void> {
  let initialized: Initialized[] = [];
  const flush = async (): Promise<void> => {
    await initialize(runner, initialized);
    initialized = [];
  };
  for (const event of events) {
    const [last] = initialized;
    if (event.type === 'share-partition-initialized') {
      const isTwice = initialized.some((one) => isSameRow(one, event));
      if (last && (last.resets !== event.resets || isTwice)) await flush();
      initialized.push(event);
    } else {
      await flush();
      await runner.query('DELETE FROM share_partitions WHERE group_id = $1 AND ($2::uuid IS NULL OR topic_id = $2)', [
        toText(event.groupId),
        event.topicId,
      ]);
    }
  }
  await flush();
}

const INSERT = `
  INSERT INTO share_partitions AS s (group_id, topic_id, partition, state_epoch, leader_epoch, start_offset, done_count, runs)
  SELECT group_id, topic_id, partition, 0, -1, start_offset, 0, '[]'
  FROM unnest($1::text[], $2::uuid[], $3::int[], $4::bigint[]) AS new (group_id, topic_id, partition, start_offset)
  ORDER BY group_id, topic_id, partition
  ON CONFLICT (group_id, topic_id, partition)`;
const KEEP = `${INSERT} DO NOTHING`;
const RESET = `${INSERT} DO UPDATE
  SET state_epoch = s.state_epoch + 1, start_offset = excluded.start_offset, done_count = 0, runs = '[]'`;

async function initialize(runner: QueryRunner, rows: readonly Initialized[]): Promise<void> {
  if (rows.length === 0) return;
  await runner.query(rows[0]?.resets ? RESET : KEEP, [
    rows.map(({ groupId }) => toText(groupId)),
    rows.map(({ topicId }) => topicId),
    rows.map(({ partition }) => partition),
    rows.map(({ startOffset }) => startOffset),
  ]);
}

const isSameRow = (one: Initialized, other: Initialized): boolean =>
  one.groupId === other.groupId && one.topicId === other.topicId && one.partition === other.partition;
