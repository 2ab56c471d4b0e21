// `milepost devices`: who may connect by MQTT. A change counts at once in running gateways.
//
// Never: takes a password as an argument, or prints one that it has not made itself.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { nodeKeyDerivation } from '@milepost/node-host';
import { isTopicFilter } from '@milepost/routes';
import { PostgresDeviceStore } from '@milepost/postgres';
import {
  type DeviceStatus,
  type DeviceStore,
  EXPECTED_DEVICE_ID,
  isDeviceId,
  LEAST_ITERATIONS,
  LONGEST_PASSWORD_BYTES,
  type NewDevice,
  scramCredential,
} from '@milepost/security';
import { readSettings } from '@milepost/settings';
import { askPassword } from './ask-password.ts';
import { withDataSource } from './database.ts';
import { type ListedDevice, readDeviceList } from './device-list.ts';
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
const STORED_AT_ONCE = 1_000;
const PROGRESS_MS = 2_000;
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

function checkId(id: string): void {
  if (!isDeviceId(id))
    throw new Error(`the id of a device: expected ${EXPECTED_DEVICE_ID}, seen ${JSON.stringify(id)}`);
}

async function add(store: DeviceStore, id: string, options: Options): Promise<void> {
  const { publish = [], subscribe = [], replace = false } = options;
  if (options['ask-password'] && options['no-password'])
    throw new Error('devices add: expected --ask-password or --no-password, seen both');
  for (const filter of [...publish, ...subscribe])
    if (!isTopicFilter(filter)) throw new Error(`expected a topic filter, such as trucks/#, seen ${filter}`);
  const password = options['ask-password'] ? await askPassword(id) : generated();
  if (Buffer.byteLength(password) > LONGEST_PASSWORD_BYTES)
    throw new Error(`the password: expected at most ${LONGEST_PASSWORD_BYTES} bytes`);
  const credential = options['no-password'] ? undefined : await credentialOf(password);
  const { existing } = await store.add([{ id, credential, publish, subscribe }], replace);
  if (existing.length > 0) throw new Error(`${id} exists: --replace gives it a new password and these topics`);
  const isShown = credential !== undefined && !options['ask-password'];
  process.stdout.write(isShown ? `${id}: its password, which is shown only now, is ${password}\n` : `${id} is added\n`);
}

async function importFile(store: DeviceStore, file: string, options: Options): Promise<void> {
  const { devices: listed, broken } = readDeviceList(textOf(file));
  for (const line of broken.slice(0, 20)) say(`${file}: ${line}`);
  if (broken.length > 20) say(`${file}: and ${broken.length - 20} more`);
  if (broken.length > 0 && !options['skip-broken'])
    throw new Error(
      `${file}: ${broken.length} broken of ${broken.length + listed.length}: nothing is imported; --skip-broken imports the others`,
    );
  if (!options.replace) await refuseExisting(store, listed);
  const made = listed.filter(({ password }) => password === undefined).length;
  const withPasswords = listed.map((device) =>
    device.password === undefined && !options['no-password'] ? { ...device, password: generated() } : device,
  );
  const progress = new Progress(listed.length);
  if (made > 0 && !options['no-password']) process.stdout.write('id,password\n');
  for (let at = 0; at < withPasswords.length; at += STORED_AT_ONCE) {
    const some = withPasswords.slice(at, at + STORED_AT_ONCE);
    const { existing } = await store.add(await withCredentials(some, progress), options.replace ?? false);
    if (existing.length > 0) throw new Error(`${existing[0]} has been added meanwhile: ${at} devices are imported`);
    // Only what is stored is printed, and only what was made here.
    for (const [index, { id, password }] of some.entries())
      if (listed[at + index]?.password === undefined && password !== undefined)
        process.stdout.write(`${id},${password}\n`);
  }
  progress.end();
  say(`${listed.length} devices are imported${broken.length > 0 ? `, ${broken.length} broken ones are not` : ''}`);
}

async function refuseExisting(store: DeviceStore, listed: readonly ListedDevice[]): Promise<void> {
  for (let at = 0; at < listed.length; at += STORED_AT_ONCE) {
    const [first, ...others] = await store.find(listed.slice(at, at + STORED_AT_ONCE).map(({ id }) => id));
    if (first)
      throw new Error(
        `${first.id}${others.length > 0 ? ` and ${others.length} more` : ''} exist: nothing is imported; --replace gives them the file's passwords and topics`,
      );
  }
}

async function withCredentials(listed: readonly ListedDevice[], progress: Progress): Promise<NewDevice[]> {
  const devices: NewDevice[] = [];
  for (let at = 0; at < listed.length; at += DERIVED_AT_ONCE) {
    const some = listed.slice(at, at + DERIVED_AT_ONCE).map(async ({ id, password, publish, subscribe }) => ({
      id,
      credential: password === undefined ? undefined : await credentialOf(password),
      publish,
      subscribe,
    }));
    devices.push(...(await Promise.all(some)));
    progress.advance(some.length);
  }
  return devices;
}

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

const credentialOf = (password: string) =>
  scramCredential('SCRAM-SHA-256', password, { salt: randomBytes(16), iterations: LEAST_ITERATIONS }, (...input) =>
    nodeKeyDerivation.pbkdf2(...input),
  );

/** 144 random bits. */
const generated = (): string => randomBytes(18).toString('base64url');

/** On standard error, every two seconds. */
class Progress {
  readonly #total: number;
  readonly #timer: NodeJS.Timeout;
  #done = 0;

  constructor(total: number) {
    this.#total = total;
    this.#timer = setInterval(() => say(`${this.#done} of ${this.#total}`), PROGRESS_MS).unref();
  }

  advance(count: number): void {
    this.#done += count;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
