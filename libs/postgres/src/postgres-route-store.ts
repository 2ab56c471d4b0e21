// The routes of operators, in PostgreSQL. Each change takes a version while it holds the lock of `route_changes`, and
// notifies ROUTE_CHANNEL: RouteFollower notices the changes of other processes.
import type { Logger } from '@milepost/core';
import { type RouteDefinition, type RouteStore, routeText, type StoredRoutes } from '@milepost/routes';
import type { DataSource, QueryRunner } from 'typeorm';
import { ChangeFollower } from './change-follower.ts';
import { inTransaction, queryWithin } from './transaction.ts';

const TIMEOUT_MS = 10_000;
const ROUTE_CHANNEL = 'milepost_routes';

interface Row {
  readonly version: string;
  readonly name: string | null;
  readonly definition: Omit<RouteDefinition, 'name'> | null;
}

/** One statement, so that version and routes are those of one moment. */
const READ = `SELECT route_changes.version, name, definition FROM route_changes LEFT JOIN routes ON true ORDER BY name`;

export class PostgresRouteStore implements RouteStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  async read(): Promise<StoredRoutes> {
    return storedOf(await queryWithin<Row>(this.#database, TIMEOUT_MS, READ, []));
  }

  change(decide: (stored: readonly RouteDefinition[]) => readonly RouteDefinition[]): Promise<StoredRoutes> {
    return inTransaction(this.#database, { timeoutMs: TIMEOUT_MS, repeatable: false }, async (runner) => {
      await runner.query('SELECT version FROM route_changes FOR UPDATE');
      const { routes: before, version } = storedOf((await runner.query(READ)) as Row[]);
      const after = decide(before);
      const texts = new Map(before.map((route) => [route.name, routeText(route)]));
      const changed = after.filter((route) => texts.get(route.name) !== routeText(route));
      const names = new Set(after.map(({ name }) => name));
      const removed = before.filter(({ name }) => !names.has(name)).map(({ name }) => name);
      if (changed.length === 0 && removed.length === 0) return { version, routes: before };
      await write(runner, version + 1, changed, removed);
      return storedOf((await runner.query(READ)) as Row[]);
    });
  }
}

async function write(
  runner: QueryRunner,
  version: number,
  changed: readonly RouteDefinition[],
  removed: readonly string[],
): Promise<void> {
  await runner.query('UPDATE route_changes SET version = $1', [version]);
  await runner.query('DELETE FROM routes WHERE name = ANY ($1)', [removed]);
  const rows = changed.map(({ name, ...definition }) => ({ name, definition }));
  await runner.query(
    `INSERT INTO routes (name, definition, version)
     SELECT name, definition, $2 FROM json_to_recordset($1) AS route (name text, definition jsonb)
     ON CONFLICT (name) DO UPDATE SET definition = EXCLUDED.definition, version = EXCLUDED.version`,
    [JSON.stringify(rows), version],
  );
  await runner.query('SELECT pg_notify($1, $2)', [ROUTE_CHANNEL, String(version)]);
}

function storedOf(rows: readonly Row[]): StoredRoutes {
  return {
    version: Number(rows[0]?.version ?? 0),
    routes: rows.flatMap(({ name, definition }) => (name === null || !definition ? [] : [{ name, ...definition }])),
  };
}

/** Calls `changed` after each change of routes, of any process, and once at its start. */
export class RouteFollower {
  readonly #follower: ChangeFollower<Row>;
  #version: number | undefined;

  /** False from `changed`: not now, and it is called again a second later. */
  constructor(database: DataSource, logger: Logger, changed: (stored: StoredRoutes) => Promise<boolean>) {
    this.#follower = new ChangeFollower(database, logger, {
      channel: ROUTE_CHANNEL,
      whenAway: 'the routes stay as they are',
      seen: async (rows) => {
        const stored = storedOf(rows);
        if (stored.version !== this.#version && (await changed(stored))) this.#version = stored.version;
      },
    });
  }

  start(): void {
    this.#follower.start(READ);
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }
}
