import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The cluster's metadata: who it is, its brokers, topics, partitions and dynamic configs. */
export class Metadata1763800000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE cluster (
        id smallint CONSTRAINT cluster_pkey PRIMARY KEY CONSTRAINT cluster_one_row CHECK (id = 1),
        cluster_id text NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE metadata_version (
        id smallint CONSTRAINT metadata_version_pkey PRIMARY KEY CONSTRAINT metadata_version_one_row CHECK (id = 1),
        version bigint NOT NULL
      ) WITH (fillfactor = 10)`);
    await runner.query(`
      CREATE TABLE brokers (
        id int CONSTRAINT brokers_pkey PRIMARY KEY,
        epoch bigint NOT NULL,
        host text NOT NULL,
        port int NOT NULL,
        rack text
      )`);
    await runner.query(`
      CREATE TABLE topics (
        id uuid CONSTRAINT topics_pkey PRIMARY KEY,
        name text NOT NULL CONSTRAINT topics_name_key UNIQUE,
        configs jsonb NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE partitions (
        topic_id uuid NOT NULL CONSTRAINT partitions_topic_id_fkey REFERENCES topics ON DELETE CASCADE,
        index int NOT NULL,
        replicas int[] NOT NULL,
        isr int[] NOT NULL,
        leader int NOT NULL,
        leader_epoch int NOT NULL,
        partition_epoch int NOT NULL,
        CONSTRAINT partitions_pkey PRIMARY KEY (topic_id, index)
      )`);
    await runner.query(`
      CREATE TABLE broker_configs (
        id text CONSTRAINT broker_configs_pkey PRIMARY KEY,
        configs jsonb NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE producer_id_blocks (
        id smallint CONSTRAINT producer_id_blocks_pkey PRIMARY KEY CONSTRAINT producer_id_blocks_one_row CHECK (id = 1),
        next_producer_id bigint NOT NULL
      )`);
    await runner.query('INSERT INTO metadata_version VALUES (1, 0)');
    await runner.query('INSERT INTO producer_id_blocks VALUES (1, 0)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE producer_id_blocks, broker_configs, partitions, topics, brokers, metadata_version, cluster',
    );
  }
}
