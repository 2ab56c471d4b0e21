import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Delegation tokens (KIP-48), beside the users whose they are. */
export class DelegationTokens1764300000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE delegation_tokens (
        id text CONSTRAINT delegation_tokens_pkey PRIMARY KEY,
        owner text NOT NULL,
        requester text NOT NULL,
        renewers text[] NOT NULL,
        issued_at_ms bigint NOT NULL,
        expires_at_ms bigint NOT NULL,
        ends_at_ms bigint NOT NULL,
        digest text NOT NULL,
        credentials jsonb NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE delegation_tokens');
  }
}
