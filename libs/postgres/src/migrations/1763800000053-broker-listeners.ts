import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The advertised addresses of a broker by listener. */
export class BrokerListeners1763800000053 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE brokers ADD COLUMN listeners jsonb');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE brokers DROP COLUMN listeners');
  }
}
