import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What share groups have in flight, partition by partition (KIP-932). Rows are updated all the time, and no indexed column
 * ever changes: room is left on each page, as in the tables of groups.
 */
export class SharePartitions1764400000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE share_partitions (
        group_id text NOT NULL,
        topic_id uuid NOT NULL,
        partition int NOT NULL,
        state_epoch int NOT NULL,
        leader_epoch int NOT NULL,
        start_offset bigint NOT NULL,
        done_count int NOT NULL,
        runs json NOT NULL,
        CONSTRAINT share_partitions_pkey PRIMARY KEY (group_id, topic_id, partition)
      ) WITH (fillfactor = 50)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE share_partitions');
  }
}
