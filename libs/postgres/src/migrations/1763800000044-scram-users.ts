import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Users that log in with SCRAM, and the secret behind the salts of names that nobody has. */
export class ScramUsers1763800000044 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE scram_users (
        name text CONSTRAINT scram_users_pkey PRIMARY KEY,
        credentials jsonb NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE decoy_secret (
        id smallint CONSTRAINT decoy_secret_pkey PRIMARY KEY CONSTRAINT decoy_secret_one_row CHECK (id = 1),
        secret text NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE decoy_secret, scram_users');
  }
}
