import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What each commit of the metadata changed, for those that follow it, and which history of the database this is. */
export class MetadataChanges1763800000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE metadata_changes (
        version bigint CONSTRAINT metadata_changes_pkey PRIMARY KEY,
        changes json
      )`);
    await runner.query(`ALTER TABLE metadata_version ADD COLUMN lineage text NOT NULL DEFAULT 'first'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE metadata_version DROP COLUMN lineage');
    await runner.query('DROP TABLE metadata_changes');
  }
}
