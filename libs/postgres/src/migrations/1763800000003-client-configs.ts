import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Settings for clients: configs of groups, subscriptions to metrics, quotas. */
export class ClientConfigs1763800000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE group_configs (
        group_id text CONSTRAINT group_configs_pkey PRIMARY KEY,
        configs jsonb NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE client_metrics_configs (
        name text CONSTRAINT client_metrics_configs_pkey PRIMARY KEY,
        configs jsonb NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE client_quotas (
        entity text CONSTRAINT client_quotas_pkey PRIMARY KEY,
        quotas jsonb NOT NULL
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE client_quotas, client_metrics_configs, group_configs');
  }
}
