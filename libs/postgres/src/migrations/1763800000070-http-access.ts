import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users of the HTTP port with their roles, their sessions, and tokens for scripts. Passwords are in scram_users. */
export class HttpAccess1763800000070 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE http_users (
        name text CONSTRAINT http_users_pkey PRIMARY KEY,
        role text NOT NULL CONSTRAINT http_users_role CHECK (role IN ('viewer', 'operator', 'admin')),
        must_change_password boolean NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE http_sessions (
        hash text CONSTRAINT http_sessions_pkey PRIMARY KEY,
        username text NOT NULL CONSTRAINT http_sessions_username_fkey REFERENCES http_users ON DELETE CASCADE,
        credential text NOT NULL,
        started_at timestamptz NOT NULL,
        used_at timestamptz NOT NULL
      )`);
    await runner.query('CREATE INDEX http_sessions_username_idx ON http_sessions (username)');
    await runner.query(`
      CREATE TABLE http_tokens (
        name text CONSTRAINT http_tokens_pkey PRIMARY KEY,
        hash text NOT NULL CONSTRAINT http_tokens_hash_key UNIQUE,
        role text NOT NULL CONSTRAINT http_tokens_role CHECK (role IN ('viewer', 'operator', 'admin')),
        created_at timestamptz NOT NULL,
        expires_at timestamptz
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE http_tokens, http_sessions, http_users');
  }
}
