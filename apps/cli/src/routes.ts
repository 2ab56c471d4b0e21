// `milepost routes`: what becomes of the messages that arrive by MQTT. A change counts within a second in running gateways.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { dryRun, type TriedRecord } from '@milepost/ingress';
import { nodeClock } from '@milepost/node-host';
import { PostgresRouteStore } from '@milepost/postgres';
import { type ListedRoute, readRoutes, RouteCatalog, type RouteList, RouteRefused } from '@milepost/routes';
import { readSettings } from '@milepost/settings';
import { baseRoutes } from '../../chassis/src/base-routes.ts';
import { withDataSource } from './database.ts';
import { table } from './kafka.ts';

const USAGE = `usage: milepost routes list [--json]
       milepost routes add <name> --filter FILTER [options]
       milepost routes remove | enable | disable <name>
       milepost routes try --topic TOPIC [--file FILE|-] [--route FILE] [--json]
       milepost routes export [<file>]
       milepost routes import <file> [--replace]

  list       in the order in which they are compared with a topic: the first that matches takes a message
  add        a route: its messages go by the filter to a topic of the log
  remove     a route that was added; if it replaced a built-in one, that returns
  try        what would become of a payload: the records, or the reason of the dead letter; nothing is stored
  export     the routes that were added, as JSON; to standard output without a file
  import     routes of such a file, all or none

  --filter FILTER     MQTT topic filter, such as yard/+/position
  --topic TOPIC       add: topic of the log (truck_gps); try: MQTT topic
  --decoder NAME      milepost, owntracks, traccar, ..., or raw: the payload is stored as it came;
                      a declared one (docs/DEVICES.md) comes by --file
  --key TEMPLATE      names the truck by levels of the MQTT topic, from 0: {1}; by default the + levels of the filter
  --header NAME=TEXT  an additional header, such as site={0}. Several: give it again
  --time gateway      the receive time counts, not the device's
  --order N           lower ones first (100; built-in routes from 1000)
  --disabled          is added, and takes nothing yet
  --replace           one that exists is replaced
  --file FILE         add: the route as JSON; try: the payload (- or nothing: standard input)
  --route FILE        try: as if this route (JSON) were added
`;

const OPTIONS = {
  filter: { type: 'string' },
  topic: { type: 'string' },
  decoder: { type: 'string' },
  key: { type: 'string' },
  header: { type: 'string', multiple: true },
  time: { type: 'string' },
  order: { type: 'string' },
  disabled: { type: 'boolean' },
  replace: { type: 'boolean' },
  file: { type: 'string' },
  route: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Options = ReturnType<typeof parsed>['values'];
type Action = (catalog: RouteCatalog, operand: string, options: Options) => Promise<void>;

const actions: Record<
  string,
  {
    readonly takes: string | undefined;
    readonly isOptional?: true;
    readonly options: readonly string[];
    readonly run: Action;
  }
> = {
  list: { takes: undefined, options: ['json'], run: list },
  add: {
    takes: 'name',
    options: ['filter', 'topic', 'decoder', 'key', 'header', 'time', 'order', 'disabled', 'replace', 'file'],
    run: add,
  },
  remove: { takes: 'name', options: [], run: remove },
  enable: { takes: 'name', options: [], run: (catalog, name) => enable(catalog, name, true) },
  disable: { takes: 'name', options: [], run: (catalog, name) => enable(catalog, name, false) },
  export: { takes: 'file', isOptional: true, options: [], run: exportRoutes },
  import: { takes: 'file', options: ['replace'], run: importRoutes },
  try: { takes: undefined, options: ['topic', 'file', 'route', 'json'], run: tryPayload },
};

export async function routes(args: readonly string[]): Promise<void> {
  const { positionals, values } = parsed(args);
  const [name, operand, ...more] = positionals;
  const action = name !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (values.help || name === undefined || name === 'help') return void process.stdout.write(USAGE);
  if (!action) throw new Error(`routes: expected ${Object.keys(actions).join(', ')}, seen ${name}`);
  const wrong = Object.keys(values).find((option) => !action.options.includes(option));
  if (wrong !== undefined) throw new Error(`routes ${name}: --${wrong} is no option of it; see milepost routes --help`);
  const isMissing = operand === undefined && action.takes !== undefined && !action.isOptional;
  if (more.length > 0 || isMissing || (operand !== undefined && action.takes === undefined))
    throw new Error(
      `routes ${name}: expected ${action.takes === undefined ? 'nothing else' : `one ${action.takes}`}; see milepost routes --help`,
    );
  const settings = readSettings('appliance', process.env);
  const base = baseRoutes(settings);
  await withDataSource(settings, { command: 'routes' }, (database) =>
    action.run(new RouteCatalog(base, new PostgresRouteStore(database)), operand ?? '', values),
  );
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (failure) {
    throw new Error(`routes: ${(failure as Error).message.replace(/\.\s.*$/s, '')}; see milepost routes --help`);
  }
}

async function list(catalog: RouteCatalog, _operand: string, { json = false }: Options): Promise<void> {
  const all: RouteList = await catalog.list();
  if (json) return void process.stdout.write(`${JSON.stringify(all, undefined, 2)}\n`);
  const header = ['ORDER', 'ROUTE', 'FILTER', 'DECODER', 'TOPIC', 'KEY', 'TIME', 'STATE', 'ORIGIN'];
  process.stdout.write(table([header, ...all.routes.map(rowOf)]));
}

const rowOf = ({ order, name, filter, decoder, topic, key, time, enabled, origin }: ListedRoute): string[] => [
  String(order),
  name,
  filter,
  typeof decoder === 'string' ? decoder : `(declared, ${decoder.format})`,
  topic,
  key === '' ? '(payload)' : key,
  time,
  enabled ? 'enabled' : 'disabled',
  origin,
];

async function add(catalog: RouteCatalog, name: string, options: Options): Promise<void> {
  const { filter, topic, decoder, key, time, order, disabled, file, header, replace = false } = options;
  const given = {
    ...(filter === undefined ? {} : { filter }),
    ...(topic === undefined ? {} : { topic }),
    ...(decoder === undefined ? {} : { decoder }),
    ...(key === undefined ? {} : { key }),
    ...(time === undefined ? {} : { time }),
    ...(order === undefined ? {} : { order: /^\d+$/.test(order) ? Number(order) : order }),
    ...(disabled ? { enabled: false } : {}),
    ...(header === undefined ? {} : { headers: headersOf(header) }),
  };
  const fromFile = file === undefined ? {} : documentOf(file);
  await catalog.put([{ ...fromFile, name, ...given }], replace ? 'replace' : 'add');
  process.stdout.write(`route ${name} is ${disabled ? 'stored, and disabled' : 'in force within a second'}\n`);
}

function headersOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new Error(`--header: expected NAME=TEXT, seen ${text}`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

async function remove(catalog: RouteCatalog, name: string): Promise<void> {
  const { routes: left } = await catalog.remove(name);
  const returned = left.some((route) => route.name === name);
  process.stdout.write(returned ? `route ${name} is the original again\n` : `route ${name} is removed\n`);
}

async function enable(catalog: RouteCatalog, name: string, enabled: boolean): Promise<void> {
  await catalog.setEnabled(name, enabled);
  process.stdout.write(`route ${name} is ${enabled ? 'enabled' : 'disabled'}\n`);
}

async function exportRoutes(catalog: RouteCatalog, file: string): Promise<void> {
  const text = `${JSON.stringify(await catalog.exported(), undefined, 2)}\n`;
  if (file === '' || file === '-') process.stdout.write(text);
  else writeFileSync(file, text);
}

async function importRoutes(catalog: RouteCatalog, file: string, { replace = false }: Options): Promise<void> {
  const routes = readRoutesOf(file);
  await catalog.put(routes, replace ? 'replace' : 'add');
  process.stdout.write(`${routes.length} routes are in force within a second\n`);
}

function readRoutesOf(file: string) {
  try {
    return readRoutes(contentOf(file).toString());
  } catch (failure) {
    throw failure instanceof RouteRefused ? new Error(`${file}: ${failure.message}; nothing is imported`) : failure;
  }
}

async function tryPayload(catalog: RouteCatalog, _operand: string, options: Options): Promise<void> {
  const { topic, file = '-', route: routeFile, json = false } = options;
  if (topic === undefined || topic === '' || /[+#]/.test(topic))
    throw new Error(`routes try: expected --topic with an MQTT topic, such as trucks/t-1/gps, seen ${topic ?? 'none'}`);
  const payload = contentOf(file);
  const compiled = await catalog.compiled(routeFile === undefined ? undefined : documentOf(routeFile));
  const { route, records } = await dryRun(compiled, { topic, payload, client: 'dry-run' }, nodeClock);
  const shown = records.map(({ value, ...record }) => ({ ...record, value: textOf(value) }));
  if (json)
    return void process.stdout.write(`${JSON.stringify({ route: route ?? null, records: shown }, undefined, 2)}\n`);
  process.stdout.write(`${route === undefined ? `no route takes ${topic}` : `route ${route}`}\n`);
  for (const record of records) process.stdout.write(`${linesOf(record)}\n`);
}

function linesOf({ topic, key, headers, value, isDeadLetter }: TriedRecord): string {
  const { reason, detail, ...others } = headers;
  return [
    isDeadLetter ? `dead letter (${reason}): ${detail}` : `record in ${topic}`,
    `  key      ${key ?? '(none)'}`,
    ...Object.entries(isDeadLetter ? others : headers).map(([name, text]) => `  header   ${name}=${text}`),
    `  value    ${textOf(value)}`,
  ].join('\n');
}

function textOf(value: Buffer): string {
  const text = value.toString();
  return Buffer.from(text).equals(value) ? text : `(${value.length} bytes, in base64) ${value.toString('base64')}`;
}

function documentOf(file: string): object {
  let document: unknown;
  try {
    document = JSON.parse(contentOf(file).toString());
  } catch (failure) {
    if (!(failure instanceof SyntaxError)) throw failure;
    throw new Error(`${file}: expected a route as JSON (${failure.message.split('\n')[0]?.slice(0, 100)})`);
  }
  if (typeof document !== 'object' || document === null) throw new Error(`${file}: expected a route as a JSON object`);
  return document;
}

/** `-` is standard input. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (failure) {
    throw new Error(`expected a file that can be read, seen ${file} (${(failure as NodeJS.ErrnoException).code})`);
  }
}
