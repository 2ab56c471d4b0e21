import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The schema registry. `schema_registry` has one row, which each change locks and from which a new schema gets its id: ids are
 * given in the transaction that stores the schema, and no two processes give the same one.
 */
export class SchemaRegistry1764200000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE schema_registry (
        id smallint CONSTRAINT schema_registry_pkey PRIMARY KEY CONSTRAINT schema_registry_one_row CHECK (id = 1),
        last_schema_id integer NOT NULL
      )`);
    await runner.query('INSERT INTO schema_registry VALUES (1, 0)');
    await runner.query(`
      CREATE TABLE schemas (
        id integer CONSTRAINT schemas_pkey PRIMARY KEY,
        type text NOT NULL,
        text text NOT NULL,
        reference_list json NOT NULL,
        fingerprint text NOT NULL CONSTRAINT schemas_fingerprint_key UNIQUE
      )`);
    await runner.query(`
      CREATE TABLE schema_references (
        schema_id integer NOT NULL CONSTRAINT schema_references_schema_id_fkey REFERENCES schemas ON DELETE CASCADE,
        subject text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        CONSTRAINT schema_references_pkey PRIMARY KEY (schema_id, subject, version)
      )`);
    await runner.query('CREATE INDEX schema_references_subject_idx ON schema_references (subject, version)');
    await runner.query(`
      CREATE TABLE schema_versions (
        subject text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        schema_id integer NOT NULL CONSTRAINT schema_versions_schema_id_fkey REFERENCES schemas,
        is_deleted boolean NOT NULL DEFAULT false,
        CONSTRAINT schema_versions_pkey PRIMARY KEY (subject, version)
      )`);
    await runner.query('CREATE INDEX schema_versions_schema_id_idx ON schema_versions (schema_id)');
    await runner.query(`
      CREATE TABLE schema_scopes (
        name text COLLATE "C" CONSTRAINT schema_scopes_pkey PRIMARY KEY,
        compatibility text,
        mode text
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE schema_scopes, schema_versions, schema_references, schemas, schema_registry');
  }
}
