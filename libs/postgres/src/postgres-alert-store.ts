// The notifications' state in PostgreSQL. A step is one transaction: it moves the progress on only from where the caller
// believed it to be, so that no record counts twice, whoever reads it.
import {
  type Alert,
  type AlertStore,
  type Delivery,
  defaultRules,
  type PartitionProgress,
  type PartitionStep,
  type Rule,
  type TruckState,
} from '@milepost/alerts';
import type { DataSource, QueryRunner } from 'typeorm';
import { inTransaction } from './transaction.ts';

const TIMEOUT_MS = 10_000;

export class PostgresAlertStore implements AlertStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /** Writes the default rules where there has never been one. */
  async seed(): Promise<void> {
    await this.#database.query(
      `INSERT INTO rules (id, rule)
       SELECT rule ->> 'id', rule FROM json_array_elements($1::json) AS rule
       WHERE NOT EXISTS (SELECT FROM rules)`,
      [JSON.stringify(defaultRules)],
    );
  }

  async rules(): Promise<readonly Rule[]> {
    const rows: { rule: Rule }[] = await this.#database.query('SELECT rule FROM rules ORDER BY id');
    return rows.map(({ rule }) => rule);
  }

  /** One statement, so that progress and states are of one moment. */
  async load(partition: number): Promise<PartitionProgress> {
    const rows: { next_offset: string | null; state: TruckState | null }[] = await this.#database.query(
      `SELECT next_offset, state FROM (SELECT $1::int AS partition) AS asked
       LEFT JOIN rule_progress USING (partition) LEFT JOIN truck_states USING (partition)`,
      [partition],
    );
    return { nextOffset: Number(rows[0]?.next_offset ?? 0), states: rows.flatMap(({ state }) => state ?? []) };
  }

  commit(step: PartitionStep): Promise<boolean> {
    return inTransaction(this.#database, { timeoutMs: TIMEOUT_MS, repeatable: false }, async (runner) => {
      if (!(await moveOn(runner, step))) return false;
      await keepStates(runner, step);
      await raise(runner, step);
      return true;
    });
  }

  async due(nowMs: number, limit: number): Promise<readonly Delivery[]> {
    return this.#database.query(
      `SELECT alert, channel, attempts FROM deliveries JOIN alerts USING (alert_id)
       WHERE due_at_ms <= $1 ORDER BY due_at_ms, raised_at LIMIT $2`,
      [nowMs, limit],
    );
  }

  async delivered({ alert, channel }: Delivery): Promise<void> {
    await this.#database.query('DELETE FROM deliveries WHERE alert_id = $1 AND channel = $2', [alert.alertId, channel]);
  }

  async postponed({ alert, channel }: Delivery, untilMs: number, error: string): Promise<void> {
    await this.#database.query(
      `UPDATE deliveries SET attempts = attempts + 1, due_at_ms = $3, last_error = $4
       WHERE alert_id = $1 AND channel = $2`,
      [alert.alertId, channel, untilMs, error],
    );
  }

  /** The newest first. */
  async recent(limit: number): Promise<readonly Alert[]> {
    const rows: { alert: Alert }[] = await this.#database.query(
      'SELECT alert FROM alerts ORDER BY raised_at DESC, alert_id LIMIT $1',
      [limit],
    );
    return rows.map(({ alert }) => alert);
  }
}

/** False when the progress is not where the caller believed it to be. */
async function moveOn(runner: QueryRunner, { partition, expectedOffset, nextOffset }: PartitionStep): Promise<boolean> {
  await runner.query('INSERT INTO rule_progress VALUES ($1, 0) ON CONFLICT DO NOTHING', [partition]);
  const moved: unknown = await runner.query(
    'UPDATE rule_progress SET next_offset = $3 WHERE partition = $1 AND next_offset = $2 RETURNING 1',
    [partition, expectedOffset, nextOffset],
  );
  return (moved as [unknown[], number])[1] === 1;
}

async function keepStates(runner: QueryRunner, { partition, states }: PartitionStep): Promise<void> {
  if (states.length === 0) return;
  await runner.query(
    `INSERT INTO truck_states (truck_id, partition, state)
     SELECT truck_id, $2, state FROM unnest($1::text[], $3::json[]) AS changed (truck_id, state)
     ON CONFLICT (truck_id) DO UPDATE SET partition = EXCLUDED.partition, state = EXCLUDED.state`,
    [states.map(({ truckId }) => truckId), partition, states.map((state) => JSON.stringify(state))],
  );
}

async function raise(runner: QueryRunner, { alerts, channels }: PartitionStep): Promise<void> {
  if (alerts.length === 0) return;
  await runner.query(
    `WITH raised AS (
       INSERT INTO alerts (alert_id, raised_at, alert)
       SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::json[])
       ON CONFLICT DO NOTHING RETURNING alert_id
     )
     INSERT INTO deliveries (alert_id, channel, attempts, due_at_ms)
     SELECT alert_id, channel, 0, 0 FROM raised, unnest($4::text[]) AS channel`,
    [
      alerts.map(({ alertId }) => alertId),
      alerts.map(({ ts }) => ts),
      alerts.map((alert) => JSON.stringify(alert)),
      [...channels],
    ],
  );
}
