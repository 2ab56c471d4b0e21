import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which life of a process registered the broker: by it a log folder recognizes a registration as its own. */
export class BrokerIncarnations1763800000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE brokers ADD COLUMN incarnation uuid');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE brokers DROP COLUMN incarnation');
  }
}
