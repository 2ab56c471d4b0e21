// The state of share partitions in PostgreSQL. Concurrent writes share a transaction, and there is one transaction at a time, as
// for coordinators (shard-writes.ts): its cost is the sync at its end. A transaction locks its rows in order, so that one
// whose connection was dropped has either ended, or can never commit, by the time the next one writes them.
import {
  CoordinatorStoreUnavailable,
  type InFlightContent,
  type ShareEpochs,
  ShareStateFenced,
  type SharePartitionKey,
  type ShareStateStore,
  type ShareStateSummary,
  type StoredRun,
  type StoredShareState,
} from '@milepost/coordinators';
import type { Uuid } from '@milepost/core';
import type { DataSource, QueryRunner } from 'typeorm';
import type { PostgresStoreOptions } from './postgres-metadata-store.ts';
import { chunks } from './shard-writes.ts';
import { toText } from './text.ts';
import { inTransaction } from './transaction.ts';

const TIMEOUT_MS = 5_000;
/** With more waiting, the database does not keep up, and callers fail at once. */
const MAX_WAITING = 20_000;
const ROWS_PER_TRANSACTION = 2_000;

interface Write {
  readonly key: SharePartitionKey;
  readonly epochs: ShareEpochs;
  readonly content: InFlightContent;
  readonly doneCount: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class PostgresShareStateStore implements ShareStateStore {
  readonly #database: DataSource;
  readonly #timeoutMs: number;
  #waiting: Write[] = [];
  #isWriting = false;

  constructor(database: DataSource, { timeoutMs = TIMEOUT_MS }: Pick<PostgresStoreOptions, 'timeoutMs'> = {}) {
    this.#database = database;
    this.#timeoutMs = timeoutMs;
  }

  async acquire(key: SharePartitionKey, leaderEpoch: number): Promise<StoredShareState | undefined> {
    const row = await this.#transaction((runner) => readForLeader(runner, key, leaderEpoch));
    if (!row) return undefined;
    if (row.leader_epoch !== leaderEpoch) throw fenced(key, `leader epoch ${row.leader_epoch}, not ${leaderEpoch}`);
    const epochs = { state: row.state_epoch, leader: leaderEpoch };
    return { epochs, startOffset: Number(row.start_offset), runs: row.runs };
  }

  persist(key: SharePartitionKey, epochs: ShareEpochs, content: InFlightContent, doneCount: number): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.reject(
        new CoordinatorStoreUnavailable(`${MAX_WAITING} share partitions wait for the database already`),
      );
    return new Promise((resolve, reject) => {
      this.#waiting.push({ key, epochs, content, doneCount, resolve, reject });
      if (this.#isWriting) return;
      this.#isWriting = true;
      // After this turn of the event loop, to include its other calls.
      setImmediate(() => void this.#writeWaiting());
    });
  }

  async summaries(groupId: string): Promise<readonly ShareStateSummary[]> {
    const rows = await this.#transaction(
      (runner): Promise<Summary[]> =>
        runner.query(
          `SELECT topic_id, partition, start_offset, leader_epoch, done_count FROM share_partitions
           WHERE group_id = $1 ORDER BY topic_id, partition`,
          [toText(groupId)],
        ),
    );
    return rows.map((row) => ({
      topicId: row.topic_id,
      partition: row.partition,
      startOffset: Number(row.start_offset),
      leaderEpoch: row.leader_epoch,
      doneCount: row.done_count,
    }));
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) await this.#writeTogether(this.#waiting.splice(0, ROWS_PER_TRANSACTION));
    this.#isWriting = false;
  }

  async #writeTogether(writes: readonly Write[]): Promise<void> {
    try {
      const landed = await this.#transaction(async (runner) => {
        const names = new Set<string>();
        for (const some of chunks(writes)) for (const name of await update(runner, some)) names.add(name);
        return names;
      });
      for (const { key, epochs, resolve, reject } of writes)
        if (landed.has(nameOf(key))) resolve();
        else reject(fenced(key, `another epoch than leader ${epochs.leader}, state ${epochs.state}, or is gone`));
    } catch (error) {
      for (const { reject } of writes) reject(error as Error);
    }
  }

  async #transaction<Result>(work: (runner: QueryRunner) => Promise<Result>): Promise<Result> {
    try {
      return await inTransaction(this.#database, { timeoutMs: this.#timeoutMs, repeatable: true }, work);
    } catch (error) {
      throw new CoordinatorStoreUnavailable((error as Error).message, { cause: error });
    }
  }
}

interface Row {
  readonly state_epoch: number;
  readonly leader_epoch: number;
  /** pg returns a bigint as text. */
  readonly start_offset: string;
  readonly runs: readonly StoredRun[];
}

interface Summary {
  readonly topic_id: Uuid;
  readonly partition: number;
  readonly start_offset: string;
  readonly leader_epoch: number;
  readonly done_count: number;
}

/** A row that a later leader has read stays as it is. */
async function readForLeader(
  runner: QueryRunner,
  { groupId, topicId, partition }: SharePartitionKey,
  leaderEpoch: number,
): Promise<Row | undefined> {
  const [row]: Row[] = await runner.query(
    `WITH raised AS (
       UPDATE share_partitions SET leader_epoch = greatest(leader_epoch, $4)
       WHERE group_id = $1 AND topic_id = $2 AND partition = $3
       RETURNING state_epoch, leader_epoch, start_offset, runs)
     SELECT state_epoch, leader_epoch, start_offset, runs FROM raised`,
    [toText(groupId), topicId, partition, leaderEpoch],
  );
  return row;
}

/** Returns the names of the rows that it has written: the others are fenced, or gone. */
async function update(runner: QueryRunner, writes: readonly Write[]): Promise<string[]> {
  const keys = [
    writes.map(({ key }) => toText(key.groupId)),
    writes.map(({ key }) => key.topicId),
    writes.map(({ key }) => key.partition),
  ];
  await runner.query(
    `SELECT 1 FROM share_partitions s
     JOIN unnest($1::text[], $2::uuid[], $3::int[]) AS k (group_id, topic_id, partition)
       USING (group_id, topic_id, partition)
     ORDER BY s.group_id, s.topic_id, s.partition FOR NO KEY UPDATE OF s`,
    keys,
  );
  const rows: { place: number }[] = await runner.query(
    `WITH written AS (
       UPDATE share_partitions s SET start_offset = w.start_offset, done_count = w.done_count, runs = w.runs
       FROM unnest($1::text[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::bigint[], $7::int[], $8::json[], $9::int[])
         AS w (group_id, topic_id, partition, state_epoch, leader_epoch, start_offset, done_count, runs, place)
       WHERE s.group_id = w.group_id AND s.topic_id = w.topic_id AND s.partition = w.partition
         AND s.state_epoch = w.state_epoch AND s.leader_epoch <= w.leader_epoch
       RETURNING w.place)
     SELECT place FROM written`,
    [
      ...keys,
      writes.map(({ epochs }) => epochs.state),
      writes.map(({ epochs }) => epochs.leader),
      writes.map(({ content }) => content.startOffset),
      writes.map(({ doneCount }) => doneCount),
      writes.map(({ content }) => JSON.stringify(content.runs)),
      writes.map((_, place) => place),
    ],
  );
  return rows.flatMap(({ place }) => {
    const write = writes[place];
    return write ? [nameOf(write.key)] : [];
  });
}

const nameOf = ({ groupId, topicId, partition }: SharePartitionKey): string =>
  JSON.stringify([groupId, topicId, partition]);

const fenced = ({ groupId, partition }: SharePartitionKey, seen: string): ShareStateFenced =>
  new ShareStateFenced(`the state of partition ${partition} in share group ${groupId} has ${seen}`);
