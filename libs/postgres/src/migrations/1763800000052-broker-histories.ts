import type { MigrationInterface, QueryRunner } from 'typeorm';

/** In which history of the database a broker registered: whether it has restored what the database lost since. */
export class BrokerHistories1763800000052 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE brokers ADD COLUMN history text');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE brokers DROP COLUMN history');
  }
}
