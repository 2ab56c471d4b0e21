// `milepost rules`: the rules for alerts. A change is in force within a second or two, also in a running appliance.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  backTest,
  isRuleId,
  MOST_RULES,
  observationOf,
  readRule,
  readRules,
  type Rule,
  type RuleDraft,
  type RuleStore,
} from '@milepost/alerts';
import { silentLogger } from '@milepost/core';
import { parseTime, PositionReader } from '@milepost/fleet';
import { nodeClock } from '@milepost/node-host';
import { connectDatabase, PostgresRuleStore } from '@milepost/postgres';
import { readSettings } from '@milepost/settings';
import { headerOf, productTopics, readBack, TRUCK_GPS } from '@milepost/streams';
import { schemasOf } from '../../chassis/src/schemas.ts';
import { withDatabase } from './database.ts';
import { table, withKafka } from './kafka.ts';
import { say } from './words.ts';

const USAGE = `usage: milepost rules [list] [--json]
       milepost rules add <rule> [--id ID] [--name NAME] [--event enter|exit]
       milepost rules remove | enable | disable <id>
       milepost rules export [<file>]
       milepost rules import <file> [--replace]
       milepost rules backtest <id or rule> [--from TIME] [--to TIME] [--json]

  add        <rule> is JSON such as '{"id":"fast","kind":"speeding","limitKmh":90}', a file of it, or - for standard input.
             A GeoJSON file of polygons becomes a geofence: give --id, --name and --event
  import     the file of an export: all or none. --replace: rules with the same ids are replaced
  backtest   what the rule would have raised in that time (the last week): the log is read again; nothing else happens

  The kinds and fields of rules: docs/RULES.md
`;

const CONNECT_MS = 30_000;
const WEEK_MS = 7 * 24 * 3_600_000;
const MOST_ALERTS = 100_000;

const OPTIONS = {
  json: { type: 'boolean' },
  replace: { type: 'boolean' },
  id: { type: 'string' },
  name: { type: 'string' },
  event: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Options = ReturnType<typeof parsed>['values'];
type Action = (
  store: RuleStore,
  operand: string | undefined,
  options: Options,
  positions: PositionReader,
) => Promise<void>;

const actions: Record<
  string,
  { readonly operand: 'none' | 'one' | 'optional'; readonly options: readonly string[]; readonly run: Action }
> = {
  list: { operand: 'none', options: ['json'], run: list },
  add: { operand: 'one', options: ['id', 'name', 'event'], run: add },
  remove: { operand: 'one', options: [], run: remove },
  enable: { operand: 'one', options: [], run: (store, id) => enable(store, id ?? '', true) },
  disable: { operand: 'one', options: [], run: (store, id) => enable(store, id ?? '', false) },
  export: { operand: 'optional', options: [], run: exportRules },
  import: { operand: 'one', options: ['replace'], run: importRules },
  backtest: { operand: 'one', options: ['from', 'to', 'json'], run: runBackTest },
};

export async function rules(args: readonly string[]): Promise<void> {
  const { positionals, values } = parsed(args);
  const [name = 'list', operand, ...more] = positionals;
  if (values.help || name === 'help') return void process.stdout.write(USAGE);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (!action) throw new Error(`rules: expected ${Object.keys(actions).join(', ')}; saw ${name}`);
  const wrong = Object.keys(values).find((option) => !action.options.includes(option));
  if (wrong !== undefined) throw new Error(`rules ${name}: --${wrong} is no option of it; see milepost rules --help`);
  const isMissing = operand === undefined && action.operand === 'one';
  if (isMissing || (operand !== undefined && action.operand === 'none') || more.length > 0)
    throw new Error(`rules ${name}: the arguments are wrong; see milepost rules --help`);
  await withRules((store, positions) => action.run(store, operand, values, positions));
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new Error(`rules: ${(error as Error).message.replace(/\.\s.*$/s, '')}; see milepost rules --help`);
  }
}

async function withRules(work: (store: RuleStore, positions: PositionReader) => Promise<void>): Promise<void> {
  const settings = readSettings('appliance', process.env);
  await withDatabase(settings, { command: 'rules' }, async (url) => {
    const signal = AbortSignal.timeout(CONNECT_MS);
    const database = await connectDatabase(url, { logger: silentLogger, poolSize: 3, signal }).catch(
      (error: unknown) => {
        if (!signal.aborted) throw error;
        throw new Error(
          `PostgreSQL could not be reached within ${CONNECT_MS / 1000} s: start it, or correct DATABASE_URL`,
        );
      },
    );
    try {
      const positions = new PositionReader(
        schemasOf(settings, () => database),
        () => {},
      );
      await work(new PostgresRuleStore(database), positions);
    } finally {
      await database.destroy();
    }
  });
}

async function list(store: RuleStore, _: string | undefined, { json = false }: Options): Promise<void> {
  const { broken, rules: all } = await store.list();
  for (const { id, reason } of broken) say(`rule ${id} cannot be read, and does not apply: ${reason}`);
  if (json) return print(all);
  const rows = all.map(({ enabled, id, kind, name, trucks, version }) => [
    id,
    kind,
    enabled ? 'on' : 'off',
    trucks === 'all' ? 'all' : 'ids' in trucks ? `${trucks.ids.length} named` : trucks.pattern,
    String(version),
    name,
  ]);
  const header = ['RULE', 'KIND', 'STATE', 'TRUCKS', 'VERSION', 'NAME'];
  process.stdout.write(rows.length === 0 ? 'there are no rules\n' : table([header, ...rows]));
}

async function add(store: RuleStore, given = '', { event, id, name }: Options): Promise<void> {
  const document = documentOf(given);
  const isArea = typeof document === 'object' && document !== null && 'type' in document;
  const written = isArea ? { kind: 'geofence', event, area: document } : document;
  const draft = readRule({
    ...(written as object),
    ...(id !== undefined && { id }),
    ...(name !== undefined && { name }),
  });
  const outcome = await store.add([draft], 'refuse');
  if (outcome.kind === 'exists')
    throw new Error(`there is a rule ${draft.id} already: choose another id, or remove it`);
  if (outcome.kind === 'full') throw new Error(`there are ${MOST_RULES} rules, the limit: remove one first`);
  process.stdout.write(`rule ${draft.id} is added\n`);
  await nameUnheard(store, draft);
}

/** Perhaps an id is misspelled. */
async function nameUnheard(store: RuleStore, { trucks }: RuleDraft): Promise<void> {
  const unheard = trucks !== 'all' && 'ids' in trucks ? await store.unheard(trucks.ids) : [];
  if (unheard.length > 0) say(`no position so far of ${unheard.join(', ')}: the rule waits for them`);
}

async function remove(store: RuleStore, id = ''): Promise<void> {
  if (!(await store.remove(id))) throw missing(id);
  process.stdout.write(`rule ${id} is removed\n`);
}

async function enable(store: RuleStore, id: string, enabled: boolean): Promise<void> {
  const { version, ...rule } = await ruleOf(store, id);
  const outcome = await store.replace({ ...rule, enabled }, version);
  if (outcome.kind !== 'replaced') throw new Error(`rule ${id} has been changed meanwhile: try again`);
  process.stdout.write(`rule ${id} is ${enabled ? 'on' : 'off'}\n`);
}

async function exportRules(store: RuleStore, file?: string): Promise<void> {
  const { rules: all } = await store.list();
  if (file === undefined) return print(all);
  writeFileSync(file, textOf(all));
  process.stdout.write(`${all.length} rules are in ${file}\n`);
}

async function importRules(store: RuleStore, file = '', { replace = false }: Options): Promise<void> {
  const drafts = readRules(documentOf(file), MOST_RULES);
  const outcome = await store.add(drafts, replace ? 'replace' : 'refuse');
  if (outcome.kind === 'exists')
    throw new Error(`${outcome.ids.join(', ')} exist: nothing is imported; --replace gives them the file's content`);
  if (outcome.kind === 'full') throw new Error(`more than ${MOST_RULES} rules: nothing is imported`);
  process.stdout.write(`${outcome.rules.length} rules are imported\n`);
}

async function runBackTest(
  store: RuleStore,
  given = '',
  { from, json = false, to }: Options,
  positions: PositionReader,
): Promise<void> {
  const rule: Rule = isRuleId(given)
    ? await ruleOf(store, given)
    : { ...readRule(documentOf(given), () => 'back-test'), version: 0 };
  const toMs = to === undefined ? nodeClock.now() : timeOf('--to', to);
  const fromMs = from === undefined ? toMs - WEEK_MS : timeOf('--from', from);
  if (fromMs > toMs) throw new Error(`--from: expected a time before --to; saw ${from}`);
  await withKafka(async (kafka) => {
    const events = backTest({
      rule,
      log: readBack({ ...kafka, clientId: 'milepost-cli', topic: TRUCK_GPS, fromTimestamp: Math.max(0, fromMs) }),
      prepare: (records) => positions.prepare(records),
      observe: (record) => observationOf(record, positions, headerOf),
      fromMs,
      toMs,
      partitions: productTopics.find(({ name }) => name === TRUCK_GPS)?.partitions ?? 1,
      mostAlerts: MOST_ALERTS,
      clock: nodeClock,
    });
    for await (const event of events) {
      if (event.kind === 'alert')
        process.stdout.write(json ? `${JSON.stringify(event.alert)}\n` : `${event.alert.ts}  ${event.alert.message}\n`);
      else if (event.kind === 'progress')
        say(`${Math.floor(event.fraction * 100)} %: ${event.positions} positions, ${event.alerts} alerts`);
      else
        say(`${event.positions} positions, ${event.alerts} alerts${event.isCut ? ': the limit, there are more' : ''}`);
    }
  });
}

async function ruleOf(store: RuleStore, id: string): Promise<Rule> {
  const rule = (await store.list()).rules.find((one) => one.id === id);
  if (!rule) throw missing(id);
  return rule;
}

const missing = (id: string): Error => new Error(`there is no rule ${id}: milepost rules list shows them`);

function timeOf(option: string, text: string): number {
  const timeMs = parseTime(text);
  if (timeMs === undefined) throw new Error(`${option}: expected a time such as 2026-05-01T12:00:00Z; saw ${text}`);
  return timeMs;
}

/** JSON as it is, or from a file; - is standard input. */
function documentOf(given: string): unknown {
  const isText = /^\s*[[{]/.test(given);
  try {
    return JSON.parse(isText ? given : readFileSync(given === '-' ? 0 : given, 'utf8'));
  } catch (error) {
    const place = isText ? 'the argument' : given;
    throw new Error(
      error instanceof SyntaxError
        ? `${place}: expected JSON; ${error.message}`
        : `expected a file that can be read; saw ${place} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

const textOf = (all: readonly Rule[]): string => `${JSON.stringify(all, undefined, 2)}\n`;
const print = (all: readonly Rule[]): void => void process.stdout.write(textOf(all));
