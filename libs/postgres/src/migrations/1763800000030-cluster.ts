import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Several brokers that are one cluster: which of them are fenced, who the controller is, reassignments in progress. */
export class Cluster1763800000030 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE brokers ADD COLUMN is_fenced boolean NOT NULL DEFAULT false');
    await runner.query(`
      ALTER TABLE partitions
        ADD COLUMN adding_replicas int[] NOT NULL DEFAULT '{}',
        ADD COLUMN removing_replicas int[] NOT NULL DEFAULT '{}'`);
    await runner.query(`
      CREATE TABLE controller (
        id smallint CONSTRAINT controller_pkey PRIMARY KEY CONSTRAINT controller_one_row CHECK (id = 1),
        broker_id int NOT NULL,
        epoch int NOT NULL
      )`);
    await runner.query('INSERT INTO controller VALUES (1, -1, 0)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE controller');
    await runner.query('ALTER TABLE partitions DROP COLUMN adding_replicas, DROP COLUMN removing_replicas');
    await runner.query('ALTER TABLE brokers DROP COLUMN is_fenced');
  }
}
