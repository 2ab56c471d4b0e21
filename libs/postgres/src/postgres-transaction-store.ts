// Transactions in PostgreSQL. Only the last state of each transactional id is written.
import type {
  AcquiredTransactions,
  Leadership,
  ShardEpoch,
  Transaction,
  TransactionEvent,
  TransactionStore,
} from '@milepost/coordinators';
import { Timestamp, type TopicPartition } from '@milepost/core';
import type { DataSource, QueryRunner } from 'typeorm';
import type { PostgresStoreOptions } from './postgres-metadata-store.ts';
import { chunks, type EventWrites, ShardWrites } from './shard-writes.ts';
import { fromText, toText } from './text.ts';

const TIMEOUT_MS = 5_000;

export class PostgresTransactionStore implements TransactionStore {
  readonly #writes: ShardWrites<TransactionEvent>;

  constructor(database: DataSource, { logger, timeoutMs = TIMEOUT_MS }: PostgresStoreOptions) {
    const createWrites = (): TransactionWrites => new TransactionWrites();
    this.#writes = new ShardWrites(database, { logger, timeoutMs, table: 'transaction_shards', createWrites });
  }

  shards(): Promise<number> {
    return this.#writes.shards();
  }

  acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredTransactions> {
    return this.#writes.acquire(shards, leadership, async (runner, inOrder) => ({
      transactions: await readTransactions(runner, inOrder),
    }));
  }

  persist(shard: number, epoch: ShardEpoch, events: readonly TransactionEvent[]): Promise<void> {
    return this.#writes.persist(shard, epoch, events);
  }
}

interface Row {
  readonly shard: number;
  readonly transaction: Transaction;
}

class TransactionWrites implements EventWrites<TransactionEvent> {
  /** By transactional id; undefined: deleted. */
  readonly #rows = new Map<string, Row | undefined>();

  add(shard: number, event: TransactionEvent): void {
    if (event.type === 'transaction-forgotten') this.#rows.set(event.transactionalId, undefined);
    else this.#rows.set(event.transaction.transactionalId, { shard, transaction: event.transaction });
  }

  async run(runner: QueryRunner): Promise<void> {
    const forgotten = [...this.#rows].flatMap(([id, row]) => (row ? [] : [toText(id)]));
    if (forgotten.length > 0)
      await runner.query('DELETE FROM transactions WHERE transactional_id = ANY($1)', [forgotten]);
    const stored = [...this.#rows.values()].flatMap((row) => row ?? []);
    for (const rows of chunks(stored)) await upsert(runner, rows);
  }
}

const UPSERT = `
  INSERT INTO transactions (transactional_id, shard, state, producer_id, previous_producer_id, next_producer_id,
                            producer_epoch, last_producer_epoch, timeout_ms, partitions, started_at_ms, updated_at_ms,
                            client_version)
  SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::int[],
                       $9::int[], $10::json[], $11::bigint[], $12::bigint[], $13::int[])
  ON CONFLICT (transactional_id) DO UPDATE
  SET shard = excluded.shard, state = excluded.state, producer_id = excluded.producer_id,
      previous_producer_id = excluded.previous_producer_id, next_producer_id = excluded.next_producer_id,
      producer_epoch = excluded.producer_epoch, last_producer_epoch = excluded.last_producer_epoch,
      timeout_ms = excluded.timeout_ms, partitions = excluded.partitions, started_at_ms = excluded.started_at_ms,
      updated_at_ms = excluded.updated_at_ms, client_version = excluded.client_version`;

async function upsert(runner: QueryRunner, rows: readonly Row[]): Promise<void> {
  const transactions = rows.map(({ transaction }) => transaction);
  await runner.query(UPSERT, [
    transactions.map(({ transactionalId }) => toText(transactionalId)),
    rows.map(({ shard }) => shard),
    transactions.map(({ state }) => state),
    transactions.map(({ producerId }) => String(producerId)),
    transactions.map(({ previousProducerId }) => String(previousProducerId)),
    transactions.map(({ nextProducerId }) => String(nextProducerId)),
    transactions.map(({ producerEpoch }) => producerEpoch),
    transactions.map(({ lastProducerEpoch }) => lastProducerEpoch),
    transactions.map(({ timeoutMs }) => timeoutMs),
    transactions.map(({ partitions }) => JSON.stringify(partitions)),
    transactions.map(({ startedAt }) => startedAt),
    transactions.map(({ updatedAt }) => updatedAt),
    transactions.map(({ clientVersion }) => clientVersion),
  ]);
}

/** pg returns a bigint as text. */
interface Columns {
  transactional_id: string;
  state: Transaction['state'];
  producer_id: string;
  previous_producer_id: string;
  next_producer_id: string;
  producer_epoch: number;
  last_producer_epoch: number;
  timeout_ms: number;
  partitions: TopicPartition[];
  started_at_ms: string;
  updated_at_ms: string;
  client_version: Transaction['clientVersion'];
}

async function readTransactions(runner: QueryRunner, shards: readonly number[]): Promise<Transaction[]> {
  const rows: Columns[] = await runner.query(
    `SELECT transactional_id, state, producer_id, previous_producer_id, next_producer_id, producer_epoch,
       last_producer_epoch, timeout_ms, partitions, started_at_ms, updated_at_ms, client_version
     FROM transactions WHERE shard = ANY($1)`,
    [shards],
  );
  return rows.map((row) => ({
    transactionalId: fromText(row.transactional_id),
    state: row.state,
    producerId: BigInt(row.producer_id),
    previousProducerId: BigInt(row.previous_producer_id),
    nextProducerId: BigInt(row.next_producer_id),
    producerEpoch: row.producer_epoch,
    lastProducerEpoch: row.last_producer_epoch,
    timeoutMs: row.timeout_ms,
    partitions: row.partitions,
    startedAt: Timestamp(Number(row.started_at_ms)),
    updatedAt: Timestamp(Number(row.updated_at_ms)),
    clientVersion: row.client_version,
  }));
}
