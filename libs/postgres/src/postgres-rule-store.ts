// The rules in PostgreSQL. Each change takes a version while it holds the lock of `rule_changes`, and notifies
// RULE_CHANNEL: RuleFollower notices the changes of other processes.
import {
  type AddOutcome,
  MOST_RULES,
  readRule,
  type ReplaceOutcome,
  type Rule,
  type RuleDraft,
  type RuleList,
  type RuleStore,
} from '@milepost/alerts';
import type { Logger } from '@milepost/core';
import type { DataSource, QueryRunner } from 'typeorm';
import { ChangeFollower } from './change-follower.ts';
import { inTransaction, queryWithin } from './transaction.ts';

const TIMEOUT_MS = 10_000;
const RULE_CHANNEL = 'milepost_rules';

interface Row {
  readonly id: string;
  readonly rule: unknown;
  readonly version: string;
}

export class PostgresRuleStore implements RuleStore {
  readonly #database: DataSource;

  constructor(database: DataSource) {
    this.#database = database;
  }

  /** One statement, so that version and rules are of the same moment. */
  async list(): Promise<RuleList> {
    const rows = await queryWithin<Row & { readonly changes: string }>(
      this.#database,
      TIMEOUT_MS,
      `SELECT changes.version AS changes, rules.id, rules.rule, rules.version
       FROM rule_changes AS changes LEFT JOIN rules ON true ORDER BY rules.id COLLATE "C"`,
    );
    const rules: Rule[] = [];
    const broken: { id: string; reason: string }[] = [];
    for (const row of rows) {
      if (row.id === null) continue; // there are no rules
      try {
        rules.push({ ...readRule(row.rule), version: Number(row.version) });
      } catch (error) {
        broken.push({ id: row.id, reason: (error as Error).message });
      }
    }
    return { version: Number(rows[0]?.changes ?? 0), rules, broken };
  }

  add(drafts: readonly RuleDraft[], existing: 'refuse' | 'replace' | 'keep'): Promise<AddOutcome> {
    return this.#change<AddOutcome>(async (runner, version) => {
      const known: { id: string }[] = await runner.query('SELECT id FROM rules ORDER BY id COLLATE "C"');
      const ids = new Set(known.map(({ id }) => id));
      const found = drafts.filter(({ id }) => ids.has(id));
      if (existing === 'refuse' && found.length > 0)
        return { kind: 'exists', ids: found.map(({ id }) => id).toSorted() };
      if (ids.size + drafts.length - found.length > MOST_RULES) return { kind: 'full' };
      const added = existing === 'keep' ? drafts.filter(({ id }) => !ids.has(id)) : drafts;
      await runner.query(
        `INSERT INTO rules (id, rule, version)
         SELECT rule ->> 'id', rule, $2 FROM json_array_elements($1::json) AS rule
         ON CONFLICT (id) DO UPDATE SET rule = EXCLUDED.rule, version = EXCLUDED.version`,
        [JSON.stringify(added), version],
      );
      return { kind: 'added', rules: added.map((draft) => ({ ...draft, version })) };
    });
  }

  replace(draft: RuleDraft, expectedVersion?: number): Promise<ReplaceOutcome> {
    return this.#change<ReplaceOutcome>(async (runner, version) => {
      const [known]: { version: string }[] = await runner.query('SELECT version FROM rules WHERE id = $1', [draft.id]);
      if (!known) return { kind: 'missing' };
      if (expectedVersion !== undefined && Number(known.version) !== expectedVersion)
        return { kind: 'changed', version: Number(known.version) };
      const values = [draft.id, JSON.stringify(draft), version];
      await runner.query('UPDATE rules SET rule = $2, version = $3 WHERE id = $1', values);
      return { kind: 'replaced', rule: { ...draft, version } };
    });
  }

  remove(id: string): Promise<boolean> {
    return this.#change(async (runner) => {
      const [removed]: [unknown[], number] = await runner.query('DELETE FROM rules WHERE id = $1 RETURNING id', [id]);
      return removed.length > 0;
    });
  }

  async unheard(truckIds: readonly string[]): Promise<readonly string[]> {
    const rows = await queryWithin<{ id: string }>(
      this.#database,
      TIMEOUT_MS,
      `SELECT id FROM unnest($1::text[]) AS asked (id)
       WHERE NOT EXISTS (SELECT FROM truck_states WHERE truck_id = id)`,
      [truckIds],
    );
    return rows.map(({ id }) => id);
  }

  /** Changes wait for each other, so that their versions are committed in their order. */
  #change<Result>(work: (runner: QueryRunner, version: number) => Promise<Result>): Promise<Result> {
    return inTransaction(this.#database, { timeoutMs: TIMEOUT_MS, repeatable: false }, async (runner) => {
      const [rows]: [{ version: string }[], number] = await runner.query(
        'UPDATE rule_changes SET version = version + 1 RETURNING version',
      );
      const version = Number(rows[0]?.version);
      const result = await work(runner, version);
      await runner.query('SELECT pg_notify($1, $2)', [RULE_CHANNEL, String(version)]);
      return result;
    });
  }
}

/** Passes on the rules after each change, of any process. While the database is away, the last ones remain in force. */
export class RuleFollower {
  readonly #follower: ChangeFollower<{ readonly version: string }>;
  #version: number;

  constructor(database: DataSource, logger: Logger, known: RuleList, changed: (rules: RuleList) => void) {
    const store = new PostgresRuleStore(database);
    this.#version = known.version;
    this.#follower = new ChangeFollower(database, logger, {
      channel: RULE_CHANNEL,
      whenAway: 'the last known rules remain in force',
      seen: async ([row]) => {
        if (row === undefined || Number(row.version) === this.#version) return;
        const list = await store.list();
        changed(list);
        this.#version = list.version;
      },
    });
  }

  start(): void {
    this.#follower.start('SELECT version FROM rule_changes');
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }
}
