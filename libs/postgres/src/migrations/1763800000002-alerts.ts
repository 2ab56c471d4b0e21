import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The tables of the notifications. States and progress are updated all the time: room is left on their pages. */
export class Alerts1763800000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE rules (
        id text CONSTRAINT rules_pkey PRIMARY KEY,
        rule json NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE rule_progress (
        partition int CONSTRAINT rule_progress_pkey PRIMARY KEY,
        next_offset bigint NOT NULL
      ) WITH (fillfactor = 20)`);
    await runner.query(`
      CREATE TABLE truck_states (
        truck_id text CONSTRAINT truck_states_pkey PRIMARY KEY,
        partition int NOT NULL,
        state json NOT NULL
      ) WITH (fillfactor = 50)`);
    await runner.query('CREATE INDEX truck_states_partition_idx ON truck_states (partition)');
    await runner.query(`
      CREATE TABLE alerts (
        alert_id text CONSTRAINT alerts_pkey PRIMARY KEY,
        raised_at timestamptz NOT NULL,
        alert json NOT NULL
      )`);
    await runner.query('CREATE INDEX alerts_raised_at_idx ON alerts (raised_at)');
    await runner.query(`
      CREATE TABLE deliveries (
        alert_id text NOT NULL,
        channel text NOT NULL,
        attempts int NOT NULL,
        due_at_ms bigint NOT NULL,
        last_error text,
        CONSTRAINT deliveries_pkey PRIMARY KEY (alert_id, channel)
      )`);
    await runner.query('CREATE INDEX deliveries_due_idx ON deliveries (due_at_ms)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE deliveries, alerts, truck_states, rule_progress, rules');
  }
}
