import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Transactions, and the offsets that they will commit. Rows are updated all the time and no indexed column changes: room is
 * left on each page, as for groups.
 */
export class Transactions1763800000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE transaction_shards (
        shard int CONSTRAINT transaction_shards_pkey PRIMARY KEY,
        epoch int NOT NULL
      ) WITH (fillfactor = 20)`);
    await runner.query(`
      CREATE TABLE transactions (
        transactional_id text CONSTRAINT transactions_pkey PRIMARY KEY,
        shard int NOT NULL,
        state text NOT NULL,
        producer_id bigint NOT NULL,
        previous_producer_id bigint NOT NULL,
        next_producer_id bigint NOT NULL,
        producer_epoch int NOT NULL,
        last_producer_epoch int NOT NULL,
        timeout_ms int NOT NULL,
        partitions json NOT NULL,
        started_at_ms bigint NOT NULL,
        updated_at_ms bigint NOT NULL,
        client_version int NOT NULL
      ) WITH (fillfactor = 50)`);
    await runner.query('CREATE INDEX transactions_shard_idx ON transactions (shard)');
    await runner.query(`
      CREATE TABLE group_pending_offsets (
        group_id text NOT NULL,
        producer_id bigint NOT NULL,
        topic text NOT NULL,
        partition int NOT NULL,
        shard int NOT NULL,
        producer_epoch int NOT NULL,
        topic_id uuid NOT NULL,
        committed_offset bigint NOT NULL,
        leader_epoch int NOT NULL,
        metadata text NOT NULL,
        committed_at_ms bigint NOT NULL,
        CONSTRAINT group_pending_offsets_pkey PRIMARY KEY (group_id, producer_id, topic, partition)
      ) WITH (fillfactor = 50)`);
    await runner.query('CREATE INDEX group_pending_offsets_shard_idx ON group_pending_offsets (shard)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE group_pending_offsets, transactions, transaction_shards');
  }
}
