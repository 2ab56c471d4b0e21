import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Which process is the live owner of a broker id, and until when if it sends no heartbeat. */
export class BrokerLeases1763800000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE broker_leases (
        broker_id int CONSTRAINT broker_leases_pkey PRIMARY KEY,
        incarnation uuid NOT NULL,
        host text NOT NULL,
        port int NOT NULL,
        place text NOT NULL,
        epoch bigint NOT NULL,
        since timestamptz NOT NULL,
        lease_until timestamptz NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE broker_leases');
  }
}
