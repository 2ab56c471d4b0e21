// The MQTT sessions of gateways, in PostgreSQL. Each gateway has a number, and holds the advisory lock of it on a connection
// of its own: when the gateway dies, PostgreSQL releases the lock, and other gateways acquire its sessions.
import { randomInt } from 'node:crypto';
import type {
  Acquired,
  Adopted,
  SessionChanges,
  SessionState,
  SessionStore,
  StoredMessage,
  StoredRetained,
  StoredSession,
  StoredWill,
} from '@milepost/ingress';
import pg from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { inTransaction, queryWithin } from './transaction.ts';

const TIMEOUT_MS = 10_000;
/** A device that waits for longer has given up. */
const ACQUIRE_TIMEOUT_MS = 5_000;
const ROWS_OF_READ = 1_000;
/** With a gateway's number, the key of its lock. The number has no meaning; it is ours. */
const LOCK_CLASS = 419_021_254;
const MAX_GATEWAY = 2 ** 31;
/** A gateway whose machine lost its power does not end its connection. */
const KEEPALIVES = 'SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';

/** The numbers of the gateways that live. */
const LIVING = `
  SELECT objid::bigint::integer FROM pg_locks
  WHERE locktype = 'advisory' AND classid = ${LOCK_CLASS} AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

interface SessionRow {
  readonly id: string;
  readonly subscriptions: SessionState['subscriptions'];
  readonly unreleased: readonly number[];
  readonly expiry_ms: string;
  readonly left_at: Date | null;
}

interface MessageRow {
  readonly session: string;
  readonly position: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
  readonly message_id: number;
  readonly state: StoredMessage['state'];
  readonly expires_at: Date;
}

interface WillRow {
  readonly session: string;
  readonly client_id: string;
  readonly rights: StoredWill['rights'] | null;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
}

export class PostgresSessionStore implements SessionStore {
  readonly #database: DataSource;
  #gateway = 0;
  #lock: pg.Client | undefined;
  /** The last `adopt` failed: it may have acquired sessions that nobody has seen. */
  #isUnsure = false;
  #isClosed = false;

  constructor(database: DataSource) {
    this.#database = database;
  }

  async adopt(): Promise<Adopted> {
    const lock = (this.#lock ??= await this.#locked());
    const isUnsure = this.#isUnsure;
    this.#isUnsure = true;
    try {
      const adopted = await this.#adopt(lock, isUnsure);
      this.#isUnsure = false;
      return adopted;
    } catch (error) {
      this.#drop(lock);
      throw error;
    }
  }

  async acquire(id: string): Promise<Acquired> {
    await this.#isReady();
    const rows = await queryWithin<SessionRow & { held_by: number }>(
      this.#database,
      ACQUIRE_TIMEOUT_MS,
      `WITH former AS (SELECT id, gateway FROM mqtt_sessions WHERE id = $1 FOR UPDATE), acquired AS (
         UPDATE mqtt_sessions SET gateway = $2,
           acquired_from = CASE WHEN former.gateway = $2 THEN acquired_from
             WHEN former.gateway IN (${LIVING}) THEN former.gateway END
         FROM former WHERE mqtt_sessions.id = former.id
         RETURNING mqtt_sessions.*, former.gateway AS held_by
       ) SELECT * FROM acquired`,
      [id, this.#gateway],
    );
    const [row] = rows;
    if (!row) return { kind: 'absent' };
    if (row.held_by === this.#gateway) return { kind: 'held' };
    const [session] = await this.#whole([row]);
    return session ? { kind: 'acquired', session } : { kind: 'absent' };
  }

  async retained(): Promise<readonly StoredRetained[]> {
    const sql = 'SELECT topic, payload, qos FROM mqtt_retained_messages ORDER BY topic';
    return queryWithin<StoredRetained>(this.#database, TIMEOUT_MS, sql);
  }

  async write(changes: SessionChanges): Promise<void> {
    await this.#isReady();
    await inTransaction(this.#database, { timeoutMs: TIMEOUT_MS, repeatable: true }, async (runner) => {
      await removeSessions(runner, changes.discardedSessions);
      await this.#removeMessages(runner, changes.removedMessages);
      await this.#removeSessions(runner, changes.removedSessions);
      await this.#writeSessions(runner, changes.sessions);
      await this.#writeMessages(runner, changes.messages);
      await writeRetained(runner, changes.retained, changes.removedRetained);
      await this.#writeWills(runner, changes.wills, changes.removedWills);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const lock = this.#lock;
    this.#lock = undefined;
    await lock?.query('SELECT pg_advisory_unlock_all()').catch(() => {}); // the end of a connection is noticed later
    await lock?.end().catch(() => {});
  }

  async #adopt(lock: pg.Client, isUnsure: boolean): Promise<Adopted> {
    const { rows: living } = await lock.query<{ objid: number }>(LIVING);
    const { rows: sessions } = await lock.query<SessionRow>(
      `UPDATE mqtt_sessions SET gateway = $1, acquired_from = NULL
       WHERE gateway NOT IN (${LIVING}) OR ($2 AND gateway = $1) RETURNING mqtt_sessions.*`,
      [this.#gateway, isUnsure],
    );
    const { rows: wills } = await lock.query<WillRow>(
      `UPDATE mqtt_wills SET gateway = $1 WHERE gateway NOT IN (${LIVING})
       RETURNING mqtt_wills.*`,
      [this.#gateway],
    );
    const { rows: lost } = await lock.query<{ id: string }>(
      'UPDATE mqtt_sessions SET acquired_from = NULL WHERE acquired_from = $1 RETURNING id',
      [this.#gateway],
    );
    return {
      sessions: await this.#whole(sessions),
      wills: wills.map(willOf),
      lost: lost.map(({ id }) => id),
      hasOthers: living.length > 1,
    };
  }

  /** With their messages. */
  async #whole(rows: readonly SessionRow[]): Promise<StoredSession[]> {
    const whole: StoredSession[] = [];
    for (let at = 0; at < rows.length; at += ROWS_OF_READ) {
      const some = rows.slice(at, at + ROWS_OF_READ);
      const messages = await queryWithin<MessageRow>(
        this.#database,
        TIMEOUT_MS,
        'SELECT * FROM mqtt_queued_messages WHERE session = ANY ($1) ORDER BY session, position',
        [some.map(({ id }) => id)],
      );
      const bySession = Map.groupBy(messages.map(messageOf), ({ session }) => session);
      whole.push(...some.map((row) => ({ ...stateOf(row), messages: bySession.get(row.id) ?? [] })));
    }
    return whole;
  }

  /** A connection that holds the lock of a new number, or of ours. */
  async #locked(): Promise<pg.Client> {
    const { extra } = this.#database.options as { extra: pg.ClientConfig };
    const client = new pg.Client({ ...extra, query_timeout: TIMEOUT_MS });
    client.on('error', () => this.#drop(client));
    try {
      await client.connect();
      await client.query(KEEPALIVES);
      for (let isOurs = false; !isOurs; ) {
        const gateway = this.#gateway || randomInt(1, MAX_GATEWAY);
        const sql = 'SELECT pg_try_advisory_lock($1, $2) AS is_ours';
        const { rows } = await client.query<{ is_ours: boolean }>(sql, [LOCK_CLASS, gateway]);
        isOurs = rows[0]?.is_ours === true;
        if (isOurs) this.#gateway = gateway;
        else if (this.#gateway) throw new Error('the lock of the former connection is not released yet');
      }
      if (this.#isClosed) throw new Error('the store is closed');
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return client;
  }

  /** Before the first lock this gateway has no number. */
  async #isReady(): Promise<void> {
    if (this.#gateway === 0) throw new Error('the database has not responded yet');
    if (this.#isClosed) throw new Error('the store is closed');
  }

  #drop(client: pg.Client): void {
    if (this.#lock === client) this.#lock = undefined;
    client.end().catch(() => {});
  }

  async #removeSessions(runner: QueryRunner, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await runner.query('DELETE FROM mqtt_sessions WHERE gateway = $1 AND id = ANY ($2)', [this.#gateway, ids]);
  }

  async #writeSessions(runner: QueryRunner, sessions: readonly SessionState[]): Promise<void> {
    if (sessions.length === 0) return;
    const rows = [...sessions]
      .sort((one, other) => (one.id < other.id ? -1 : 1))
      .map(({ leftAtMs, ...state }) => ({ ...state, leftAtMs: leftAtMs ?? null }));
    await runner.query(
      `INSERT INTO mqtt_sessions (id, gateway, subscriptions, unreleased, expiry_ms, left_at)
       SELECT id, $1, subscriptions, unreleased, "expiryMs", to_timestamp("leftAtMs" / 1000.0)
       FROM json_to_recordset($2)
         AS session (id text, subscriptions jsonb, unreleased integer[], "expiryMs" bigint, "leftAtMs" float8)
       ON CONFLICT (id) DO UPDATE SET subscriptions = EXCLUDED.subscriptions, unreleased = EXCLUDED.unreleased,
         expiry_ms = EXCLUDED.expiry_ms, left_at = EXCLUDED.left_at
       WHERE mqtt_sessions.gateway = EXCLUDED.gateway`,
      [this.#gateway, JSON.stringify(rows)],
    );
  }

  async #removeMessages(runner: QueryRunner, messages: SessionChanges['removedMessages']): Promise<void> {
    if (messages.length === 0) return;
    await runner.query(
      `DELETE FROM mqtt_queued_messages USING mqtt_sessions, unnest($2::text[], $3::bigint[]) AS removed (session, position)
       WHERE mqtt_sessions.id = removed.session AND mqtt_sessions.gateway = $1
         AND mqtt_queued_messages.session = removed.session AND mqtt_queued_messages.position = removed.position`,
      [this.#gateway, messages.map(({ session }) => session), messages.map(({ position }) => position)],
    );
  }

  async #writeMessages(runner: QueryRunner, messages: readonly StoredMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const of = <Name extends keyof StoredMessage>(name: Name): StoredMessage[Name][] =>
      messages.map((message) => message[name]);
    await runner.query(
      `INSERT INTO mqtt_queued_messages
         (session, position, topic, payload, qos, retain, message_id, state, expires_at)
       SELECT message.session, position, topic, payload, qos, retain, message_id, state, to_timestamp(expires_ms / 1000.0)
       FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bytea[], $6::smallint[], $7::boolean[], $8::integer[],
           $9::text[], $10::float8[])
         AS message (session, position, topic, payload, qos, retain, message_id, state, expires_ms)
       JOIN mqtt_sessions ON mqtt_sessions.id = message.session AND mqtt_sessions.gateway = $1
       ON CONFLICT (session, position) DO UPDATE SET message_id = EXCLUDED.message_id, state = EXCLUDED.state`,
      [
        this.#gateway,
        of('session'),
        of('position'),
        of('topic'),
        of('payload'),
        of('qos'),
        of('retain'),
        of('messageId'),
        of('state'),
        of('expiresAtMs'),
      ],
    );
  }

  async #writeWills(runner: QueryRunner, wills: readonly StoredWill[], removed: readonly string[]): Promise<void> {
    if (removed.length > 0)
      await runner.query('DELETE FROM mqtt_wills WHERE gateway = $1 AND session = ANY ($2)', [this.#gateway, removed]);
    if (wills.length === 0) return;
    const rows = [...wills].sort((one, other) => (one.session < other.session ? -1 : 1));
    await runner.query(
      `INSERT INTO mqtt_wills (session, gateway, client_id, rights, topic, payload, qos, retain)
       SELECT session, $1, client_id, rights::jsonb, topic, payload, qos, retain
       FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::smallint[], $8::boolean[])
         AS will (session, client_id, rights, topic, payload, qos, retain)
       ON CONFLICT (session) DO UPDATE SET gateway = EXCLUDED.gateway, client_id = EXCLUDED.client_id,
         rights = EXCLUDED.rights, topic = EXCLUDED.topic, payload = EXCLUDED.payload, qos = EXCLUDED.qos,
         retain = EXCLUDED.retain`,
      [
        this.#gateway,
        rows.map(({ session }) => session),
        rows.map(({ clientId }) => clientId),
        rows.map(({ rights }) => (rights ? JSON.stringify(rights) : null)),
        rows.map(({ topic }) => topic),
        rows.map(({ payload }) => payload),
        rows.map(({ qos }) => qos),
        rows.map(({ retain }) => retain),
      ],
    );
  }
}

/** Whatever gateway holds them. */
async function removeSessions(runner: QueryRunner, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await runner.query('DELETE FROM mqtt_queued_messages WHERE session = ANY ($1)', [ids]);
  await runner.query('DELETE FROM mqtt_sessions WHERE id = ANY ($1)', [ids]);
}

async function writeRetained(
  runner: QueryRunner,
  retained: readonly StoredRetained[],
  removed: readonly string[],
): Promise<void> {
  if (removed.length > 0) await runner.query('DELETE FROM mqtt_retained_messages WHERE topic = ANY ($1)', [removed]);
  if (retained.length === 0) return;
  const rows = [...retained].sort((one, other) => (one.topic < other.topic ? -1 : 1));
  await runner.query(
    `INSERT INTO mqtt_retained_messages (topic, payload, qos)
     SELECT * FROM unnest($1::text[], $2::bytea[], $3::smallint[])
     ON CONFLICT (topic) DO UPDATE SET payload = EXCLUDED.payload, qos = EXCLUDED.qos`,
    [rows.map(({ topic }) => topic), rows.map(({ payload }) => payload), rows.map(({ qos }) => qos)],
  );
}

const stateOf = ({ id, subscriptions, unreleased, expiry_ms, left_at }: SessionRow): SessionState => ({
  id,
  subscriptions,
  unreleased,
  expiryMs: Number(expiry_ms),
  leftAtMs: left_at?.getTime(),
});

const messageOf = (row: MessageRow): StoredMessage => ({
  session: row.session,
  position: Number(row.position),
  topic: row.topic,
  payload: row.payload,
  qos: row.qos,
  retain: row.retain,
  messageId: row.message_id,
  state: row.state,
  expiresAtMs: row.expires_at.getTime(),
});

const willOf = ({ session, client_id, rights, topic, payload, qos, retain }: WillRow): StoredWill => ({
  session,
  clientId: client_id,
  rights: rights ?? undefined,
  topic,
  payload,
  qos,
  retain,
});
