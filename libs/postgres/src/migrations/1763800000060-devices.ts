import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Who may connect by MQTT. Not a part of the cluster's image: there may be 100,000. `device_changes` has one row, which each
 * change of a device locks: a gateway that compares its version misses none.
 */
export class Devices1763800000060 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE devices (
        id text COLLATE "C" CONSTRAINT devices_pkey PRIMARY KEY,
        credential jsonb,
        is_blocked boolean NOT NULL DEFAULT false,
        publish text[] NOT NULL DEFAULT '{}',
        subscribe text[] NOT NULL DEFAULT '{}',
        version bigint NOT NULL,
        last_seen timestamptz,
        failed_logins bigint NOT NULL DEFAULT 0,
        last_failure timestamptz
      )`);
    await runner.query(`
      CREATE TABLE device_changes (
        id smallint CONSTRAINT device_changes_pkey PRIMARY KEY CONSTRAINT device_changes_one_row CHECK (id = 1),
        version bigint NOT NULL
      )`);
    await runner.query('INSERT INTO device_changes VALUES (1, 0)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE device_changes, devices');
  }
}
