// `milepost devices`: who may connect by MQTT. A change counts at once in running gateways.
//
// Never: takes a password as an argument, or prints one that it has not made itself.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  checkId,
  type DeviceList,
  DeviceRefused,
  DeviceRegistration,
  type ImportOptions,
  readDeviceList,
} from '@milepost/devices';
import { nodeKeyDerivation, nodeRandom } from '@milepost/node-host';
import { PostgresDeviceStore } from '@milepost/postgres';
import type { DeviceStatus, DeviceStore } from '@milepost/security';
import { readSettings } from '@milepost/settings';
import { askPassword } from './ask-password.ts';
import { withDataSource } from './database.ts';
import { table } from './kafka.ts';
import { say } from './words.ts';

const USAGE = `usage: milepost devices add <id> [--ask-password | --no-password] [--publish FILTER] [--subscribe FILTER] [--replace]
       milepost devices import <file> [--no-password] [--skip-broken] [--replace]
       milepost devices remove | block | unblock <id>
       milepost devices list [--json]

  add        a device that may connect by MQTT; its password is made and printed once
  import     devices of a CSV file (columns id, password, publish, subscribe) or a JSON list; passwords that it lacks are
             made, and printed once as CSV
  block      ends the device's connections and lets it connect no more, also with a certificate
  list       with the time when each was seen last, and its failed logins

  --ask-password      asks for the password, or reads it from standard input
  --no-password       it connects with a certificate
  --publish FILTER    topics beside its own; what it publishes there may be of any truck. Several: give it again
  --subscribe FILTER  topics beside its own
  --replace           one that exists gets this password and these topics
  --skip-broken       imports the others; otherwise nothing
`;

/** Of 4 threads of Node's pool. */
const DERIVED_AT_ONCE = 4;
const SAID_EVERY = 5_000;
const BROKEN_SHOWN = 20;
const PAGE = 1_000;

const OPTIONS = {
  'ask-password': { type: 'boolean' },
  'no-password': { type: 'boolean' },
  publish: { type: 'string', multiple: true },
  subscribe: { type: 'string', multiple: true },
  replace: { type: 'boolean' },
  'skip-broken': { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Options = ReturnType<typeof parsed>['values'];
type Action = (store: DeviceStore, operand: string, options: Options) => Promise<void>;

const actions: Record<
  string,
  { readonly takes: string | undefined; readonly options: string[]; readonly run: Action }
> = {
  add: { takes: 'id', options: ['ask-password', 'no-password', 'publish', 'subscribe', 'replace'], run: add },
  import: { takes: 'file', options: ['no-password', 'skip-broken', 'replace'], run: importFile },
  remove: { takes: 'id', options: [], run: remove },
  block: { takes: 'id', options: [], run: (store, id) => block(store, id, true) },
  unblock: { takes: 'id', options: [], run: (store, id) => block(store, id, false) },
  list: { takes: undefined, options: ['json'], run: list },
};

export async function devices(args: readonly string[]): Promise<void> {
  const { positionals, values } = parsed(args);
  const [name, operand, ...more] = positionals;
  const action = name !== undefined && Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (values.help || name === undefined || name === 'help') return void process.stdout.write(USAGE);
  if (!action) throw new Error(`devices: expected ${Object.keys(actions).join(', ')}, seen ${name}`);
  const wrong = Object.keys(values).find((option) => !action.options.includes(option));
  if (wrong !== undefined)
    throw new Error(`devices ${name}: --${wrong} is no option of it; see milepost devices --help`);
  if (more.length > 0 || (operand === undefined) !== (action.takes === undefined))
    throw new Error(
      `devices ${name}: expected ${action.takes === undefined ? 'nothing else' : `one ${action.takes}`}; see milepost devices --help`,
    );
  if (action.takes === 'id') checkId(operand ?? '');
  const settings = readSettings('appliance', process.env);
  await withDataSource(settings, { command: 'devices' }, (database) =>
    action.run(new PostgresDeviceStore(database), operand ?? '', values),
  );
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (failure) {
    throw new Error(`devices: ${(failure as Error).message.replace(/\.\s.*$/s, '')}; see milepost devices --help`);
  }
}

const registrationOn = (store: DeviceStore): DeviceRegistration =>
  new DeviceRegistration({ store, keys: nodeKeyDerivation, random: nodeRandom, derivedAtOnce: DERIVED_AT_ONCE });

async function add(store: DeviceStore, id: string, options: Options): Promise<void> {
  const { publish = [], subscribe = [], replace = false } = options;
  if (options['ask-password'] && options['no-password'])
    throw new Error('devices add: expected --ask-password or --no-password, seen both');
  const asked = options['ask-password'] ? ({ given: await askPassword(id) } as const) : undefined;
  const password = asked ?? (options['no-password'] ? 'none' : 'made');
  const made = await registrationOn(store)
    .add({ id, password, publish, subscribe }, replace)
    .catch((failure: unknown) => {
      throw withCure(failure, '--replace gives it a new password and these topics');
    });
  process.stdout.write(
    made === undefined ? `${id} is added\n` : `${id}: its password, which is shown only now, is ${made}\n`,
  );
}

async function importFile(store: DeviceStore, file: string, options: Options): Promise<void> {
  const list = readDeviceList(textOf(file));
  sayBroken(file, list);
  const { broken, devices: listed } = list;
  if (broken.length > 0 && !options['skip-broken'])
    throw new Error(
      `${file}: ${broken.length} broken of ${broken.length + listed.length}: nothing is imported; --skip-broken imports the others`,
    );
  const wanted: ImportOptions = {
    skipBroken: true,
    replaces: options.replace ?? false,
    passwords: options['no-password'] ? 'none' : 'made',
  };
  const makes = wanted.passwords === 'made' && listed.some(({ password }) => password === undefined);
  try {
    for await (const { made, of, stored } of registrationOn(store).importList(list, wanted)) {
      if (stored === 0 && makes) process.stdout.write('id,password\n');
      for (const { id, password } of made) process.stdout.write(`${id},${password}\n`);
      if (stored > 0 && stored < of && stored % SAID_EVERY === 0) say(`${stored} of ${of}`);
    }
  } catch (failure) {
    throw withCure(failure, "--replace gives them the file's passwords and topics");
  }
  say(`${listed.length} devices are imported${broken.length > 0 ? `, ${broken.length} broken ones are not` : ''}`);
}

function sayBroken(file: string, { broken }: DeviceList): void {
  for (const line of broken.slice(0, BROKEN_SHOWN)) say(`${file}: ${line}`);
  if (broken.length > BROKEN_SHOWN) say(`${file}: and ${broken.length - BROKEN_SHOWN} more`);
}

const withCure = (failure: unknown, cure: string): unknown =>
  failure instanceof DeviceRefused && failure.kind === 'exists' ? new Error(`${failure.message}; ${cure}`) : failure;

async function remove(store: DeviceStore, id: string): Promise<void> {
  if (!(await store.remove(id))) throw new Error(`there is no device ${id}: milepost devices list shows them`);
  process.stdout.write(
    `${id} is removed, and its connections by password end (a certificate lets it in until it is blocked)\n`,
  );
}

async function block(store: DeviceStore, id: string, isBlocked: boolean): Promise<void> {
  await store.setBlocked(id, isBlocked);
  process.stdout.write(isBlocked ? `${id} is blocked, and its connections end\n` : `${id} is no longer blocked\n`);
}

async function list(store: DeviceStore, _operand: string, { json = false }: Options): Promise<void> {
  const rows: string[][] = [['DEVICE', 'STATE', 'PASSWORD', 'LAST SEEN', 'FAILED LOGINS', 'PUBLISH', 'SUBSCRIBE']];
  for (let page: readonly DeviceStatus[] = await store.list('', PAGE); page.length > 0; ) {
    for (const device of page) {
      if (json) process.stdout.write(`${JSON.stringify(device)}\n`);
      else rows.push(rowOf(device));
    }
    page = await store.list(page.at(-1)?.id ?? '', PAGE);
  }
  if (json) return;
  process.stdout.write(rows.length === 1 ? 'no devices yet\n' : table(rows));
}

const rowOf = ({
  id,
  isBlocked,
  hasPassword,
  lastSeenMs,
  failedLogins,
  publish,
  subscribe,
}: DeviceStatus): string[] => [
  id,
  isBlocked ? 'blocked' : 'active',
  hasPassword ? 'yes' : 'no',
  lastSeenMs === undefined ? 'never' : new Date(lastSeenMs).toISOString(),
  String(failedLogins),
  publish.join(' '),
  subscribe.join(' '),
];

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (failure) {
    throw new Error(`expected a file that can be read, seen ${file} (${(failure as NodeJS.ErrnoException).code})`);
  }
}
