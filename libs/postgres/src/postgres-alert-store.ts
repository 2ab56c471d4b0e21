// The notifications' state in PostgreSQL. One statement applies the steps: it moves the progress of a partition only
// from the offset that the caller expected, so that no record counts twice, even if two processes read it.
import {
  type Alert,
  type AlertStore,
  type Delivery,
  type PartitionProgress,
  type PartitionStep,
  type TruckState,
} from '@milepost/alerts';
import type { DataSource } from 'typeorm';
import { inTransaction, queryWithin } from './transaction.ts';

const TIMEOUT_MS = 10_000;

export class PostgresAlertStore implements AlertStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /** Read in one statement, so that progress and states are of the same moment. From then on the progress has a row. */
  async load(partition: number): Promise<PartitionProgress> {
    await this.#query('INSERT INTO rule_progress VALUES ($1, 0) ON CONFLICT DO NOTHING', [partition]);
    const rows = await this.#query<{ next_offset: string | null; state: TruckState | null }>(
      `SELECT next_offset, state FROM (SELECT $1::int AS partition) AS asked
       LEFT JOIN rule_progress USING (partition) LEFT JOIN truck_states USING (partition)`,
      [partition],
    );
    return { nextOffset: Number(rows[0]?.next_offset ?? 0), states: rows.flatMap(({ state }) => state ?? []) };
  }

  commit(steps: readonly PartitionStep[]): Promise<readonly number[]> {
    return inTransaction(this.#database, { timeoutMs: TIMEOUT_MS, repeatable: false }, async (runner) => {
      const moved: { partition: number }[] = await runner.query(TAKE_STEPS, [
        JSON.stringify(
          steps.map(({ partition, expectedOffset, nextOffset }) => ({ partition, expectedOffset, nextOffset })),
        ),
        JSON.stringify(steps.flatMap(({ partition, states }) => states.map((state) => ({ partition, state })))),
        JSON.stringify(
          steps.flatMap(({ partition, alerts, channels }) => alerts.map((alert) => ({ partition, alert, channels }))),
        ),
      ]);
      return moved.map(({ partition }) => partition);
    });
  }

  async due(channel: string, nowMs: number, limit: number): Promise<readonly Delivery[]> {
    return this.#query<Delivery>(
      `SELECT alert, channel, attempts FROM deliveries JOIN alerts USING (alert_id)
       WHERE channel = $1 AND due_at_ms <= $2 ORDER BY due_at_ms, raised_at LIMIT $3`,
      [channel, nowMs, limit],
    );
  }

  async delivered({ alert, channel }: Delivery): Promise<void> {
    await this.#query('DELETE FROM deliveries WHERE alert_id = $1 AND channel = $2', [alert.alertId, channel]);
  }

  async postponed({ alert, channel }: Delivery, untilMs: number, error: string): Promise<void> {
    await this.#query(
      `UPDATE deliveries SET attempts = attempts + 1, due_at_ms = $3, last_error = $4
       WHERE alert_id = $1 AND channel = $2`,
      [alert.alertId, channel, untilMs, error],
    );
  }

  /** The newest first. */
  async recent(limit: number): Promise<readonly Alert[]> {
    const rows = await this.#query<{ alert: Alert }>(
      'SELECT alert FROM alerts ORDER BY raised_at DESC, alert_id LIMIT $1',
      [limit],
    );
    return rows.map(({ alert }) => alert);
  }

  #query<Row>(sql: string, parameters?: unknown[]): Promise<Row[]> {
    return queryWithin<Row>(this.#database, TIMEOUT_MS, sql, parameters);
  }
}

/**
 * Locks are acquired in an order that all processes share. A truck may appear in two partitions: producers choose them.
 * IS TRUE makes PostgreSQL look up alerts in a hash table. Otherwise it expects one row from JSON, and compares each
 * with each.
 */
const TAKE_STEPS = `
  WITH locked AS (
    SELECT partition, "nextOffset"
    FROM json_to_recordset($1) AS step (partition int, "expectedOffset" bigint, "nextOffset" bigint)
    JOIN rule_progress USING (partition)
    WHERE next_offset = "expectedOffset"
    ORDER BY partition FOR UPDATE OF rule_progress
  ), moved AS (
    UPDATE rule_progress AS progress SET next_offset = "nextOffset"
    FROM locked WHERE progress.partition = locked.partition
    RETURNING progress.partition
  ), kept AS (
    INSERT INTO truck_states (truck_id, partition, state)
    SELECT DISTINCT ON (truck_id) state ->> 'truckId' AS truck_id, partition, state
    FROM json_to_recordset($2) AS changed (partition int, state json) JOIN moved USING (partition)
    ORDER BY truck_id, partition
    ON CONFLICT (truck_id) DO UPDATE SET partition = EXCLUDED.partition, state = EXCLUDED.state
  ), fired AS (
    SELECT alert ->> 'alertId' AS alert_id, alert, channels
    FROM json_to_recordset($3) AS fired (partition int, alert json, channels json) JOIN moved USING (partition)
  ), raised AS (
    INSERT INTO alerts (alert_id, raised_at, alert)
    SELECT alert_id, (alert ->> 'ts')::timestamptz, alert FROM fired
    ON CONFLICT DO NOTHING RETURNING alert_id
  ), owed AS (
    INSERT INTO deliveries (alert_id, channel, attempts, due_at_ms)
    SELECT alert_id, channel, 0, 0
    FROM fired, json_array_elements_text(channels) AS channel
    WHERE (alert_id IN (SELECT alert_id FROM raised)) IS TRUE
  )
  SELECT partition FROM moved`;
