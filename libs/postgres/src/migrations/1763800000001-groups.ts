import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Consumer groups and their offsets. Their rows are updated all the time and no indexed column ever changes: room is left
 * on each page, so that an update stays on it and touches no index.
 */
export class Groups1763800000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE coordinator_shards (
        shard int CONSTRAINT coordinator_shards_pkey PRIMARY KEY,
        epoch int NOT NULL
      ) WITH (fillfactor = 20)`);
    await runner.query(`
      CREATE TABLE groups (
        group_id text CONSTRAINT groups_pkey PRIMARY KEY,
        shard int NOT NULL,
        kind text NOT NULL,
        generation int NOT NULL,
        state json NOT NULL
      ) WITH (fillfactor = 50)`);
    await runner.query('CREATE INDEX groups_shard_idx ON groups (shard)');
    await runner.query(`
      CREATE TABLE group_offsets (
        group_id text NOT NULL,
        topic text NOT NULL,
        partition int NOT NULL,
        shard int NOT NULL,
        topic_id uuid NOT NULL,
        committed_offset bigint NOT NULL,
        leader_epoch int NOT NULL,
        metadata text NOT NULL,
        committed_at_ms bigint NOT NULL,
        expires_at_ms bigint,
        CONSTRAINT group_offsets_pkey PRIMARY KEY (group_id, topic, partition)
      ) WITH (fillfactor = 50)`);
    await runner.query('CREATE INDEX group_offsets_shard_idx ON group_offsets (shard)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE group_offsets, groups, coordinator_shards');
  }
}
