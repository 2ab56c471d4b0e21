import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The routes that operators have added. `route_changes` has one row, which each change locks: a gateway that compares its
 * version misses none.
 */
export class Routes1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE routes (
        name text COLLATE "C" CONSTRAINT routes_pkey PRIMARY KEY,
        definition jsonb NOT NULL,
        version bigint NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE route_changes (
        id smallint CONSTRAINT route_changes_pkey PRIMARY KEY CONSTRAINT route_changes_one_row CHECK (id = 1),
        version bigint NOT NULL
      )`);
    await runner.query('INSERT INTO route_changes VALUES (1, 0)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE route_changes, routes');
  }
}
