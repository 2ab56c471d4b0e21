// The devices that may connect by MQTT, in PostgreSQL. Each change takes a version while it holds the lock of
// `device_changes`, and notifies DEVICE_CHANNEL: DeviceFollower notices the changes of other processes.
import type { Logger } from '@milepost/core';
import type {
  Device,
  DeviceChanges,
  DeviceFilter,
  DeviceReport,
  DeviceStatus,
  DeviceStore,
  NewDevice,
  ScramCredential,
} from '@milepost/security';
import type { DataSource, QueryRunner } from 'typeorm';
import { ChangeFollower } from './change-follower.ts';
import type { StoredCredential } from './entities/devices.ts';
import { inTransaction, queryWithin } from './transaction.ts';

const TIMEOUT_MS = 10_000;
/** A device that waits for longer has given up. */
const LOOKUP_TIMEOUT_MS = 5_000;
const DEVICE_CHANNEL = 'milepost_devices';

interface Row {
  readonly id: string;
  readonly credential: StoredCredential | null;
  readonly is_blocked: boolean;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly version: string;
  readonly last_seen: Date | null;
  readonly failed_logins: string;
  readonly last_failure: Date | null;
  readonly certificate_ends: Date | null;
}

export class PostgresDeviceStore implements DeviceStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  async find(ids: readonly string[]): Promise<readonly Device[]> {
    const sql = 'SELECT id, credential, is_blocked, publish, subscribe, version FROM devices WHERE id = ANY ($1)';
    const rows = await queryWithin<Row>(this.#database, LOOKUP_TIMEOUT_MS, sql, [ids]);
    return rows.map(({ id, credential, is_blocked, publish, subscribe, version }) => ({
      id,
      credential: credential ? decoded(credential) : undefined,
      isBlocked: is_blocked,
      publish,
      subscribe,
      version: Number(version),
    }));
  }

  /** Devices in the order of their ids: two gateways that report do not wait for each other in a circle. */
  async report(reports: readonly DeviceReport[]): Promise<void> {
    const rows = [...reports].sort((one, other) => (one.id < other.id ? -1 : 1));
    await queryWithin(
      this.#database,
      TIMEOUT_MS,
      `WITH noticed AS (
         SELECT id, to_timestamp("seenAtMs" / 1000.0) AS seen, "failedLogins" AS failed,
           to_timestamp("failedAtMs" / 1000.0) AS failure, to_timestamp("certificateEndsMs" / 1000.0) AS ends
         FROM json_to_recordset($1) AS report
           (id text, "seenAtMs" float8, "failedLogins" bigint, "failedAtMs" float8, "certificateEndsMs" float8)
       ), locked AS (
         SELECT id FROM devices JOIN noticed USING (id) ORDER BY id FOR UPDATE OF devices
       )
       UPDATE devices SET last_seen = greatest(last_seen, seen), failed_logins = failed_logins + failed,
         last_failure = greatest(last_failure, failure), certificate_ends = coalesce(ends, certificate_ends)
       FROM noticed JOIN locked USING (id) WHERE devices.id = noticed.id`,
      [JSON.stringify(rows)],
    );
  }

  add(devices: readonly NewDevice[], replaces: boolean): Promise<{ readonly existing: readonly string[] }> {
    return this.#change(async (runner, version) => {
      const ids = devices.map(({ id }) => id);
      const existing: { id: string }[] = replaces
        ? []
        : await runner.query('SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id', [ids]);
      if (existing.length > 0) return { existing: existing.map(({ id }) => id) };
      const rows = devices.map(({ credential, ...device }) => ({
        ...device,
        credential: credential ? encoded(credential) : null,
      }));
      await runner.query(
        `INSERT INTO devices (id, credential, publish, subscribe, version)
         SELECT id, credential, publish, subscribe, $2
         FROM json_to_recordset($1) AS device (id text, credential jsonb, publish text[], subscribe text[])
         ON CONFLICT (id) DO UPDATE SET credential = EXCLUDED.credential, publish = EXCLUDED.publish,
           subscribe = EXCLUDED.subscribe, version = EXCLUDED.version`,
        [JSON.stringify(rows), version],
      );
      return { existing: [] };
    });
  }

  change(id: string, { credential, publish, subscribe }: DeviceChanges): Promise<boolean> {
    return this.#change(async (runner, version) => {
      const [changed]: [{ id: string }[], number] = await runner.query(
        `UPDATE devices SET credential = coalesce($2, credential), publish = coalesce($3, publish),
           subscribe = coalesce($4, subscribe), version = $5
         WHERE id = $1 RETURNING id`,
        [id, credential ? JSON.stringify(encoded(credential)) : null, publish ?? null, subscribe ?? null, version],
      );
      return changed.length > 0;
    });
  }

  remove(id: string): Promise<boolean> {
    return this.#change(async (runner) => {
      const [removed]: [{ id: string }[], number] = await runner.query(
        'DELETE FROM devices WHERE id = $1 RETURNING id',
        [id],
      );
      return removed.length > 0;
    });
  }

  async setBlocked(id: string, isBlocked: boolean): Promise<void> {
    await this.#change((runner, version) =>
      runner.query(
        `INSERT INTO devices (id, is_blocked, version) VALUES ($1, $2, $3)
         ON CONFLICT (id) DO UPDATE SET is_blocked = EXCLUDED.is_blocked, version = EXCLUDED.version`,
        [id, isBlocked, version],
      ),
    );
  }

  async status(id: string): Promise<DeviceStatus | undefined> {
    const sql = 'SELECT * FROM devices WHERE id = $1';
    const [row] = await queryWithin<Row>(this.#database, TIMEOUT_MS, sql, [id]);
    return row && statusOf(row);
  }

  async list(after: string, limit: number, filter: DeviceFilter = {}): Promise<readonly DeviceStatus[]> {
    const sql = `SELECT * FROM devices WHERE ${MATCHING} AND id > $3 ORDER BY id LIMIT $4`;
    const parameters = [...parametersOf(filter), after, limit];
    const rows = await queryWithin<Row>(this.#database, TIMEOUT_MS, sql, parameters);
    return rows.map(statusOf);
  }

  async count(filter: DeviceFilter = {}): Promise<number> {
    const sql = `SELECT count(*) AS matching FROM devices WHERE ${MATCHING}`;
    const [row] = await queryWithin<{ matching: string }>(this.#database, TIMEOUT_MS, sql, parametersOf(filter));
    return Number(row?.matching);
  }

  /** Changes wait for each other, so that their versions are committed in their order. */
  #change<Result>(work: (runner: QueryRunner, version: number) => Promise<Result>): Promise<Result> {
    return inTransaction(this.#database, { timeoutMs: TIMEOUT_MS, repeatable: false }, async (runner) => {
      const [rows]: [{ version: string }[], number] = await runner.query(
        'UPDATE device_changes SET version = version + 1 RETURNING version',
      );
      const version = Number(rows[0]?.version);
      const result = await work(runner, version);
      await runner.query('SELECT pg_notify($1, $2)', [DEVICE_CHANNEL, String(version)]);
      return result;
    });
  }
}

const MATCHING = `($1::text = '' OR strpos(lower(id), lower($1)) > 0) AND ($2::boolean IS NULL OR is_blocked = $2)`;
const parametersOf = ({ isBlocked, search }: DeviceFilter): unknown[] => [search ?? '', isBlocked ?? null];

const statusOf = (row: Row): DeviceStatus => ({
  id: row.id,
  isBlocked: row.is_blocked,
  publish: row.publish,
  subscribe: row.subscribe,
  hasPassword: row.credential !== null,
  lastSeenMs: row.last_seen?.getTime(),
  failedLogins: Number(row.failed_logins),
  lastFailureMs: row.last_failure?.getTime(),
  certificateEndsMs: row.certificate_ends?.getTime(),
});

/** Calls `changed` after each change of devices, of any process; also after the database was away. */
export class DeviceFollower {
  readonly #follower: ChangeFollower<{ readonly version: string }>;
  #version: string | undefined;

  constructor(database: DataSource, logger: Logger, changed: () => Promise<void>) {
    this.#follower = new ChangeFollower(database, logger, {
      channel: DEVICE_CHANNEL,
      whenAway: 'devices that have connected before can connect, others cannot',
      seen: async ([row]) => {
        if (row?.version === this.#version) return;
        await changed();
        this.#version = row?.version;
      },
    });
  }

  start(): void {
    this.#follower.start('SELECT version FROM device_changes');
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }
}

const decoded = ({ salt, iterations, storedKey, serverKey }: StoredCredential): ScramCredential => ({
  salt: Buffer.from(salt, 'base64'),
  iterations,
  storedKey: Buffer.from(storedKey, 'base64'),
  serverKey: Buffer.from(serverKey, 'base64'),
});

const encoded = ({ salt, iterations, storedKey, serverKey }: ScramCredential): StoredCredential => ({
  salt: salt.toString('base64'),
  iterations,
  storedKey: storedKey.toString('base64'),
  serverKey: serverKey.toString('base64'),
});
