// `milepost users`: who may sign in to the map and its API, and the tokens of scripts. Works on the database, whether the appliance
// runs or not; it takes effect at once.
import { parseArgs } from 'node:util';
import { silentLogger } from '@milepost/core';
import { nodeKeyDerivation, nodeRandom } from '@milepost/node-host';
import { connectDatabase } from '@milepost/postgres';
import {
  type HttpUser,
  isRole,
  isUserName,
  NAME_RULE,
  newToken,
  type Role,
  ROLES,
  secretHash,
} from '@milepost/security';
import { readSettings } from '@milepost/settings';
import { HttpUsers } from '../../chassis/src/http-users.ts';
import { askPassword } from './ask-password.ts';
import { withDatabase } from './database.ts';
import { table } from './kafka.ts';

const USAGE = `usage: milepost users                                          the users
       milepost users add NAME --role ${ROLES.join('|')}   asks for the password
       milepost users role NAME --role ${ROLES.join('|')}
       milepost users password NAME                            asks for a new password
       milepost users remove NAME                              also from Kafka's listeners; ends all sessions
       milepost users tokens                                   the tokens of scripts
       milepost users token NAME --role viewer [--days N]      makes one, and prints it once
       milepost users remove-token NAME
A password that is not typed at a terminal is read from standard input.`;

const DAY_MS = 24 * 3_600_000;

export async function users(args: readonly string[]): Promise<void> {
  if (args.some((arg) => arg === '--help' || arg === '-h' || arg === 'help')) return print(`${USAGE}\n`);
  const { positionals, values } = parsed(args);
  const [verb = 'list', name] = positionals;
  const work = verbs[verb];
  const isNamed = verb !== 'list' && verb !== 'tokens';
  if (!work || positionals.length > 2 || isNamed !== (name !== undefined)) throw new Error(USAGE);
  if (name !== undefined && !isUserName(name)) throw new Error(`the name: expected ${NAME_RULE}; saw "${name}"`);
  const needsPassword = verb === 'add' || verb === 'password';
  // Before the database is opened: somebody is typing.
  const password = needsPassword ? await askPassword(name ?? '') : undefined;
  await withUsers((all) => work(all, { name: name ?? '', password, ...values }));
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { role: { type: 'string' }, days: { type: 'string' } },
      allowPositionals: true,
    });
  } catch {
    throw new Error(USAGE);
  }
}

interface Wish {
  readonly name: string;
  readonly password?: string | undefined;
  readonly role?: string | undefined;
  readonly days?: string | undefined;
}

const verbs: Record<string, (users: HttpUsers, wish: Wish) => Promise<void>> = {
  list: async ({ store }) => {
    const rows = (await store.users()).map(({ name, role, mustChangePassword }) => [
      name,
      role,
      mustChangePassword ? 'must change it' : '',
    ]);
    print(rows.length === 0 ? 'no users yet\n' : table([['USER', 'ROLE', 'PASSWORD'], ...rows]));
  },
  add: async (all, { name, password, role }) => {
    if ((await all.store.users()).some((user) => user.name === name))
      throw new Error(`there is a user ${name} already: use \`milepost users role\` or \`milepost users password\``);
    await all.set({ name, role: roleOf(role), mustChangePassword: false }, password);
    print(`${name} may sign in as ${role}\n`);
  },
  role: async (all, { name, role }) => {
    await all.set({ ...(await userOf(all, name)), role: roleOf(role) });
    print(`${name} is ${role}\n`);
  },
  password: async (all, { name, password }) => {
    await all.set({ ...(await userOf(all, name)), mustChangePassword: false }, password);
    print(`${name} has a new password; the sessions of ${name} are over\n`);
  },
  remove: async (all, { name }) => {
    await all.remove(name);
    print(`${name} is removed\n`);
  },
  tokens: async ({ store }) => {
    const day = (date: Date | null): string => date?.toISOString().slice(0, 10) ?? 'never';
    const rows = (await store.tokens()).map(({ name, role, createdAt, expiresAt }) => [
      name,
      role,
      day(createdAt),
      day(expiresAt),
    ]);
    print(rows.length === 0 ? 'no tokens yet\n' : table([['TOKEN', 'ROLE', 'MADE', 'EXPIRES'], ...rows]));
  },
  token: async ({ store }, { name, role = 'viewer', days }) => {
    if (days !== undefined && !/^[1-9]\d{0,3}$/.test(days))
      throw new Error(`--days: expected a whole number from 1 to 9999, got "${days}"`);
    const createdAt = new Date();
    const expiresAt = days === undefined ? null : new Date(createdAt.getTime() + Number(days) * DAY_MS);
    const secret = newToken(nodeRandom);
    if (!(await store.addToken(secretHash(secret), { name, role: roleOf(role), createdAt, expiresAt })))
      throw new Error(`there is a token ${name} already: use \`milepost users remove-token ${name}\` first`);
    print(`${secret}\n`);
  },
  'remove-token': async ({ store }, { name }) => {
    if (!(await store.removeToken(name))) throw new Error(`there is no token ${name}`);
    print(`the token ${name} is removed\n`);
  },
};

async function userOf({ store }: HttpUsers, name: string): Promise<HttpUser> {
  const user = (await store.users()).find((one) => one.name === name);
  if (user) return user;
  throw new Error(`there is no user ${name}`);
}

function roleOf(role: string | undefined): Role {
  if (isRole(role)) return role;
  throw new Error(`--role: expected ${ROLES.join(', ')}, got ${role === undefined ? 'none' : `"${role}"`}`);
}

async function withUsers(work: (users: HttpUsers) => Promise<void>): Promise<void> {
  const settings = readSettings('appliance', process.env);
  await withDatabase(settings, { command: 'users' }, async (url) => {
    const database = await connectDatabase(url, { logger: silentLogger });
    try {
      await work(usersOn(database));
    } finally {
      await database.destroy();
    }
  });
}

export const usersOn = (database: Awaited<ReturnType<typeof connectDatabase>>): HttpUsers =>
  new HttpUsers({ database, host: { keys: nodeKeyDerivation, random: nodeRandom }, logger: silentLogger });

const print = (text: string): void => void process.stdout.write(text);
