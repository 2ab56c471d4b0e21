import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sessions of users whom an identity provider has authenticated: they have no row among the users. */
export class HttpProviderSessions1764450000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE http_provider_sessions (
        hash text CONSTRAINT http_provider_sessions_pkey PRIMARY KEY,
        name text NOT NULL,
        role text NOT NULL CONSTRAINT http_provider_sessions_role CHECK (role IN ('viewer', 'operator', 'admin')),
        started_at timestamptz NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE http_provider_sessions');
  }
}
