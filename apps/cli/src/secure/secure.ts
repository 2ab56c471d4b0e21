// `milepost secure`: everything for a first start on a network. Makes an authority and a server certificate unless one is given, a
// password for the appliance's own apps, an admin with a one-time password, and settings.env in the data folder, which closes
// every port to those who do not authenticate. Of several brokers it makes a certificate and settings for each. A second run renews the
// server certificates and changes nothing else.
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { silentLogger } from '@milepost/core';
import { nodeRandom } from '@milepost/node-host';
import { connectDatabase } from '@milepost/postgres';
import { newSessionSecret } from '@milepost/security';
import { readSettings, type Settings } from '@milepost/settings';
import { passwordOfSetting } from '../../../chassis/src/setting-file.ts';
import { SETTINGS_FILE } from '../../../chassis/src/settings-file.ts';
import { withDatabase } from '../database.ts';
import { usersOn } from '../users.ts';
import { say } from '../words.ts';
import { Authority, SERVER_DAYS } from './certificate-authority.ts';
import { INTER_BROKER_LISTENER, settingsText } from './settings-text.ts';

const USAGE = `usage: milepost secure [--name NAME]... [--broker ID=NAME]... [--certificate FILE]
  --name NAME          a name or address by which clients reach this machine; Kafka's clients are told the first one.
                       Without it: ${hostname()}. The certificate has all of them, and the addresses of this machine
  --broker ID=NAME     one of several brokers on machines of their own, and its name or address; this machine's is that of
                       MILEPOST_BROKER_ID (1 by default). For the others it makes folders to copy
  --certificate FILE   your own: a PEM file with the private key and the certificates, instead of an authority of our own
Run it again to renew the certificates of our own authority.`;

const ADMIN = 'admin';
const OWN_APPS = 'milepost';

export async function secure(args: readonly string[]): Promise<void> {
  if (args.some((arg) => arg === '--help' || arg === '-h' || arg === 'help')) return print(`${USAGE}\n`);
  // Of a container's address, which is refused before this has run.
  const settings = readSettings('appliance', { ...process.env, MILEPOST_LISTEN: undefined });
  const { brokers, certificate, names } = wishes(args, settings);
  const dataDir = resolve(settings.dataDir);
  const folder = join(dataDir, 'security');
  const settingsFile = join(dataDir, SETTINGS_FILE);
  const isFirst = !existsSync(settingsFile);
  if (!isFirst && brokers.length > 0 && !readFileSync(settingsFile, 'utf8').includes(INTER_BROKER_LISTENER))
    throw new Error(
      `${settingsFile}: expected the settings of one of several brokers, found those of a broker alone: move the file away, and run this again`,
    );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const authority = certificate === undefined ? authorityIn(folder) : undefined;
  const certificateFile = certificate ?? join(folder, 'server.pem');
  if (authority)
    write(certificateFile, serverCertificate(authority, [...names, hostname(), 'localhost', ...addresses()]));
  const passwordFile = join(folder, 'apps.password');
  const ownAdmin = adminIn(settings);
  if (!ownAdmin && !existsSync(passwordFile)) write(passwordFile, `${newSessionSecret(nodeRandom)}\n`);
  say('looking for an admin in the database');
  const oneTimePassword = await makeAdmin(settings, ownAdmin);
  const textFor = (advertisedHost: string, id: number): string =>
    settingsText({
      certificateFile,
      ownApps: ownAdmin ? undefined : { username: OWN_APPS, passwordFile },
      admin: ownAdmin?.username ?? ADMIN,
      advertisedHost,
      broker:
        settings.bootstrapServers === undefined
          ? {
              kafkaPort: settings.kafkaPort,
              cluster: brokers.length === 0 ? undefined : { id, authorityFile: join(folder, 'ca.pem') },
            }
          : undefined,
    });
  const host = names[0] ?? hostname();
  if (isFirst) write(settingsFile, textFor(host, settings.brokerId));
  const others = brokers.filter(({ id }) => id !== settings.brokerId);
  if (authority)
    for (const other of others) prepareBroker(folder, other, { authority, text: textFor(other.name, other.id) });
  print(
    [
      ...(oneTimePassword === undefined
        ? []
        : [`The admin:        ${ADMIN}, with the password ${oneTimePassword} until the first sign-in`]),
      `The certificate:  ${certificateFile}${authority ? `, for ${SERVER_DAYS} days` : ''}`,
      ...(authority ? [`Its authority:    ${join(folder, 'ca.pem')}: give it to browsers and clients`] : []),
      `The settings:     ${settingsFile}${isFirst ? '' : ' (unchanged)'}`,
      ...others.map(
        ({ id, name }) =>
          `Broker ${id}:`.padEnd(18) + `copy what is in ${brokerFolder(folder, id)} to ${dataDir} of ${name}`,
      ),
      `Next:             npm start, then https://${host}:${settings.httpPort}/`,
      '',
    ].join('\n'),
  );
}

interface ClusterBroker {
  readonly id: number;
  readonly name: string;
}

interface Wishes {
  /** Of this machine. */
  readonly names: readonly string[];
  readonly certificate: string | undefined;
  /** Empty: one alone. */
  readonly brokers: readonly ClusterBroker[];
}

function wishes(args: readonly string[], settings: Settings): Wishes {
  const several = { type: 'string', multiple: true } as const;
  const options = { name: several, broker: several, certificate: { type: 'string' } } as const;
  let values: { name?: string[]; broker?: string[]; certificate?: string };
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true }));
  } catch {
    throw new Error(USAGE);
  }
  const { name: names = [], certificate } = values;
  const wrong = names.find((name) => !HOST.test(name));
  if (wrong !== undefined) throw new Error(`--name: expected a host name or an address, got "${wrong}"`);
  const brokers = brokersIn(values.broker ?? [], settings);
  if (brokers.length > 0 && certificate !== undefined)
    throw new Error('--broker: expected no --certificate beside it, as each broker gets one of our own authority');
  const pem = certificate === undefined ? undefined : textOf(certificate);
  if (pem !== undefined && !(/BEGIN CERTIFICATE/.test(pem) && /PRIVATE KEY/.test(pem)))
    throw new Error(
      `--certificate: expected a private key and its certificates in PEM, got something else in ${certificate}`,
    );
  const own = brokers.find(({ id }) => id === settings.brokerId);
  return {
    names: own ? [own.name, ...names] : names,
    certificate: certificate === undefined ? undefined : resolve(certificate),
    brokers,
  };
}

const HOST = /^[A-Za-z0-9.:*-]{1,253}$/;
const BROKER = /^(?<id>\d{1,9})=(?<name>[A-Za-z0-9.:-]{1,253})$/;

function brokersIn(texts: readonly string[], { bootstrapServers, brokerId, databaseUrl }: Settings): ClusterBroker[] {
  const brokers = texts.map((text) => {
    const { id, name } = BROKER.exec(text)?.groups ?? {};
    if (id !== undefined && name !== undefined) return { id: Number(id), name };
    throw new Error(`--broker: expected ID=NAME, such as 2=broker-2.example, got "${text}"`);
  });
  const ids = brokers.map(({ id }) => id);
  const twice = ids.find((id, at) => ids.indexOf(id) < at);
  if (twice !== undefined) throw new Error(`--broker: expected each id once, got ${twice} twice`);
  if (brokers.length === 0) return brokers;
  if (bootstrapServers !== undefined)
    throw new Error('--broker: is for brokers of Milepost, and MILEPOST_BOOTSTRAP_SERVERS names another Kafka');
  if (!ids.includes(brokerId))
    throw new Error(
      `--broker: expected this machine among them, ${brokerId}=NAME (MILEPOST_BROKER_ID), got ${ids.join(', ')}`,
    );
  if (databaseUrl === undefined)
    throw new Error('DATABASE_URL: expected the PostgreSQL that the brokers share, as there is --broker; got none');
  return brokers;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `--certificate: expected a file that can be read, got ${path} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

/** The one that is there, or a new one. */
function authorityIn(folder: string): Authority {
  const [certFile, keyFile] = [join(folder, 'ca.pem'), join(folder, 'ca-key.pem')];
  if (existsSync(certFile) && existsSync(keyFile))
    return new Authority({ cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') });
  const authority = new Authority(`Milepost authority of ${hostname()}`);
  write(keyFile, authority.key);
  write(certFile, authority.cert, 0o644);
  return authority;
}

/** Key and certificate in one file, as Kafka's listeners want it. */
function serverCertificate(authority: Authority, names: readonly string[]): string {
  const { cert, key } = authority.issue({ subject: [['CN', names[0] ?? hostname()]], names: [...new Set(names)] });
  return key + cert;
}

const brokerFolder = (folder: string, id: number): string => join(folder, `broker-${id}`);

/** What another broker's data folder needs. */
function prepareBroker(
  folder: string,
  { id, name }: ClusterBroker,
  { authority, text }: { readonly authority: Authority; readonly text: string },
): void {
  const own = brokerFolder(folder, id);
  const security = join(own, 'security');
  mkdirSync(security, { recursive: true, mode: 0o700 });
  write(join(security, 'server.pem'), serverCertificate(authority, [name, 'localhost', '127.0.0.1']));
  write(join(security, 'ca.pem'), authority.cert, 0o644);
  const password = join(folder, 'apps.password');
  if (existsSync(password)) write(join(security, 'apps.password'), readFileSync(password, 'utf8'));
  if (!existsSync(join(own, SETTINGS_FILE))) write(join(own, SETTINGS_FILE), text);
}

/** Without those that only mean something beside their interface. */
const addresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ address, scopeid }) => !scopeid && !address.startsWith('fe80:'))
    .map(({ address }) => address);

type Login = { readonly username: string; readonly password: string };

/** The administrator of the environment: in a container it comes from a secret, and no other is made. */
function adminIn({ adminPassword, adminPasswordFile, adminUsername: username }: Settings): Login | undefined {
  if (username === OWN_APPS) return undefined; // of the settings.env of an earlier run
  const password = adminPassword ?? passwordOfSetting('MILEPOST_ADMIN_PASSWORD_FILE', adminPasswordFile);
  return password === undefined ? undefined : { username, password };
}

/** The one-time password; undefined: there is an admin already. */
async function makeAdmin(settings: Settings, ownAdmin: Login | undefined): Promise<string | undefined> {
  return withDatabase(settings, { command: 'secure', mayCreate: true }, async (url) => {
    const database = await connectDatabase(url, { logger: silentLogger });
    try {
      const users = usersOn(database);
      await users.prepare(ownAdmin);
      const admins = (await users.store.users()).filter(({ name, role }) => role === 'admin' && name !== OWN_APPS);
      if (admins.length > 0) return undefined;
      const password = oneTime();
      await users.set({ name: ADMIN, role: 'admin', mustChangePassword: true }, password);
      return password;
    } finally {
      await database.destroy();
    }
  });
}

/** 98 random bits, without letters that look like digits. */
function oneTime(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789';
  const group = (): string => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
  return [group(), group(), group(), group()].join('-');
}

/** Whole or not at all, and for nobody else's eyes. */
function write(path: string, text: string, mode = 0o600): void {
  writeFileSync(`${path}.new`, text, { mode });
  renameSync(`${path}.new`, path);
}

const print = (text: string): void => void process.stdout.write(text);
