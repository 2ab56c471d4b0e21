import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Access control lists. An id, since a resource's name may be longer than what PostgreSQL accepts in an index. */
export class Acls1763800000051 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE acls (
        id uuid CONSTRAINT acls_pkey PRIMARY KEY,
        resource_type smallint NOT NULL,
        resource_name text NOT NULL,
        pattern_type smallint NOT NULL,
        principal text NOT NULL,
        host text NOT NULL,
        operation smallint NOT NULL,
        permission smallint NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE acls');
  }
}
