import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The leadership that a coordinator's shard was last acquired under: an earlier leader of its partition is refused. */
export class ShardLeaders1763800000031 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const table of ['coordinator_shards', 'transaction_shards'])
      await runner.query(
        `ALTER TABLE ${table} ADD COLUMN topic_id uuid, ADD COLUMN leader_epoch int NOT NULL DEFAULT -1`,
      );
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['coordinator_shards', 'transaction_shards'])
      await runner.query(`ALTER TABLE ${table} DROP COLUMN topic_id, DROP COLUMN leader_epoch`);
  }
}
