// The schema registry's rows in PostgreSQL. Each change first locks the one row of `schema_registry`, in all processes: a schema
// gets its id, and a subject its version, in the transaction that compared them with what is stored.
import {
  fingerprintOf,
  type RegistryReader,
  type RegistryStore,
  type RegistryWriter,
  type Schema,
  type SchemaReference,
  type Scope,
  type StoredSchema,
  type SubjectVersion,
} from '@milepost/registry';
import type { SchemaType } from '@milepost/serdes';
import type { DataSource, QueryRunner } from 'typeorm';
import { fromText, toText } from './text.ts';
import { inTransaction } from './transaction.ts';

const TIMEOUT_MS = 10_000;
const VERSION = 'subject, version, schema_id AS "schemaId", is_deleted AS "isDeleted"';

interface SchemaRow {
  readonly id: number;
  readonly type: SchemaType;
  readonly text: string;
  readonly reference_list: readonly SchemaReference[];
}

export class PostgresRegistryStore implements RegistryStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  read<T>(work: (reader: RegistryReader) => Promise<T>): Promise<T> {
    const options = { timeoutMs: TIMEOUT_MS, repeatable: true, snapshot: true } as const;
    return inTransaction(this.#database, options, (runner) => work(new Rows(runner)));
  }

  /** Registering again what was registered changes nothing; so may all of it be repeated but deletions, which then fail. */
  change<T>(work: (writer: RegistryWriter) => Promise<T>): Promise<T> {
    return inTransaction(this.#database, { timeoutMs: TIMEOUT_MS, repeatable: false }, async (runner) => {
      await runner.query('SELECT last_schema_id FROM schema_registry FOR UPDATE');
      return work(new Rows(runner));
    });
  }
}

class Rows implements RegistryWriter {
  readonly #runner: QueryRunner;

  constructor(runner: QueryRunner) {
    this.#runner = runner;
  }

  async schema(id: number): Promise<StoredSchema | undefined> {
    const [row] = await this.#query<SchemaRow>('SELECT id, type, text, reference_list FROM schemas WHERE id = $1', [
      id,
    ]);
    return row && { id, type: row.type, text: fromText(row.text), references: row.reference_list };
  }

  async idOf(schema: Schema): Promise<number | undefined> {
    const sql = 'SELECT id FROM schemas WHERE fingerprint = $1';
    return (await this.#query<{ id: number }>(sql, [fingerprintOf(schema)]))[0]?.id;
  }

  subjects(): Promise<readonly { readonly subject: string; readonly hasLive: boolean }[]> {
    return this.#query(
      'SELECT subject, bool_or(NOT is_deleted) AS "hasLive" FROM schema_versions GROUP BY subject ORDER BY subject',
    );
  }

  versions(subject: string): Promise<readonly SubjectVersion[]> {
    return this.#query(`SELECT ${VERSION} FROM schema_versions WHERE subject = $1 ORDER BY version`, [subject]);
  }

  versionsOf(schemaId: number): Promise<readonly SubjectVersion[]> {
    const sql = `SELECT ${VERSION} FROM schema_versions WHERE schema_id = $1 ORDER BY subject, version`;
    return this.#query(sql, [schemaId]);
  }

  async referencedBy(subject: string, version: number): Promise<readonly number[]> {
    const sql = 'SELECT schema_id AS id FROM schema_references WHERE subject = $1 AND version = $2 ORDER BY schema_id';
    return (await this.#query<{ id: number }>(sql, [subject, version])).map(({ id }) => id);
  }

  async scope(name: string): Promise<Scope> {
    const [row] = await this.#query<{ scope: Scope }>(
      `SELECT json_strip_nulls(json_build_object('compatibility', compatibility, 'mode', mode)) AS scope
       FROM schema_scopes WHERE name = $1`,
      [name],
    );
    return row?.scope ?? {};
  }

  async maxId(): Promise<number> {
    const [row] = await this.#query<{ id: number }>('SELECT last_schema_id AS id FROM schema_registry');
    return row?.id ?? 0;
  }

  async addSchema(schema: Schema, wanted?: number): Promise<number> {
    const id = wanted ?? (await this.maxId()) + 1;
    await this.#query('UPDATE schema_registry SET last_schema_id = greatest(last_schema_id, $1)', [id]);
    const { type, text, references } = schema;
    await this.#query('INSERT INTO schemas VALUES ($1, $2, $3, $4, $5)', [
      id,
      type,
      toText(text),
      JSON.stringify(references),
      fingerprintOf(schema),
    ]);
    await this.#query(
      `INSERT INTO schema_references SELECT $1, subject, version
       FROM json_to_recordset($2) AS reference (subject text, version integer) ON CONFLICT DO NOTHING`,
      [id, JSON.stringify(references)],
    );
    return id;
  }

  async addVersion({ subject, version, schemaId }: Omit<SubjectVersion, 'isDeleted'>): Promise<void> {
    await this.#query('INSERT INTO schema_versions VALUES ($1, $2, $3)', [subject, version, schemaId]);
  }

  async softDelete(subject: string, versions: readonly number[]): Promise<void> {
    const sql = 'UPDATE schema_versions SET is_deleted = true WHERE subject = $1 AND version = ANY ($2)';
    await this.#query(sql, [subject, versions]);
  }

  async hardDelete(subject: string, versions: readonly number[]): Promise<void> {
    await this.#query('DELETE FROM schema_versions WHERE subject = $1 AND version = ANY ($2)', [subject, versions]);
    await this.#query('DELETE FROM schemas WHERE id NOT IN (SELECT schema_id FROM schema_versions)');
  }

  async setScope(name: string, { compatibility, mode }: Scope): Promise<void> {
    await this.#query(
      `INSERT INTO schema_scopes VALUES ($1, $2, $3)
       ON CONFLICT (name) DO UPDATE SET compatibility = excluded.compatibility, mode = excluded.mode`,
      [name, compatibility ?? null, mode ?? null],
    );
  }

  #query<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.#runner.query(sql, parameters) as Promise<Row[]>;
  }
}
