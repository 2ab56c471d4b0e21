import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What outlives a gateway: persistent sessions, their queued messages, retained messages, last wills. `gateway` is the
 * number of the one that holds the session; it lives while it has the advisory lock of that number.
 */
export class MqttSessions1763900000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE mqtt_sessions (
        id text COLLATE "C" CONSTRAINT mqtt_sessions_pkey PRIMARY KEY,
        gateway integer NOT NULL,
        acquired_from integer,
        subscriptions jsonb NOT NULL,
        unreleased integer[] NOT NULL,
        expiry_ms bigint NOT NULL,
        left_at timestamptz
      )`);
    await runner.query('CREATE INDEX mqtt_sessions_gateway_idx ON mqtt_sessions (gateway)');
    await runner.query(
      'CREATE INDEX mqtt_sessions_acquired_from_idx ON mqtt_sessions (acquired_from) WHERE acquired_from IS NOT NULL',
    );
    await runner.query(`
      CREATE TABLE mqtt_queued_messages (
        session text COLLATE "C" NOT NULL,
        position bigint NOT NULL,
        topic text NOT NULL,
        payload bytea NOT NULL,
        qos smallint NOT NULL,
        retain boolean NOT NULL,
        message_id integer NOT NULL,
        state text NOT NULL CONSTRAINT mqtt_queued_messages_state CHECK (state IN ('queued', 'sent', 'released')),
        expires_at timestamptz NOT NULL,
        CONSTRAINT mqtt_queued_messages_pkey PRIMARY KEY (session, position)
      )`);
    await runner.query(`
      CREATE TABLE mqtt_retained_messages (
        topic text COLLATE "C" CONSTRAINT mqtt_retained_messages_pkey PRIMARY KEY,
        payload bytea NOT NULL,
        qos smallint NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE mqtt_wills (
        session text COLLATE "C" CONSTRAINT mqtt_wills_pkey PRIMARY KEY,
        gateway integer NOT NULL,
        client_id text NOT NULL,
        rights jsonb,
        topic text NOT NULL,
        payload bytea NOT NULL,
        qos smallint NOT NULL,
        retain boolean NOT NULL
      )`);
    await runner.query('CREATE INDEX mqtt_wills_gateway_idx ON mqtt_wills (gateway)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE mqtt_wills, mqtt_retained_messages, mqtt_queued_messages, mqtt_sessions');
  }
}
