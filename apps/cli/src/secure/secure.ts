// `milepost secure`: everything for a first start on a network. Makes an authority and a server certificate unless one is given, a
// password for the appliance's own apps, an admin with a one-time password, and settings.env in the data folder, which closes
// every port to those who do not authenticate. A second run renews the server certificate and changes nothing else.
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
import { SETTINGS_FILE } from '../../../chassis/src/settings-file.ts';
import { withDatabase } from '../database.ts';
import { usersOn } from '../users.ts';
import { say } from '../words.ts';
import { Authority, SERVER_DAYS } from './certificate-authority.ts';
import { settingsText } from './settings-text.ts';

const USAGE = `usage: milepost secure [--name NAME]... [--certificate FILE]
  --name NAME          a name or address by which clients reach this machine; Kafka's clients are told the first one.
                       Without it: ${hostname()}. The certificate has all of them, and the addresses of this machine
  --certificate FILE   your own: a PEM file with the private key and the certificates, instead of an authority of our own
Run it again to renew the certificate of our own authority.`;

const ADMIN = 'admin';
const OWN_APPS = 'milepost';

export async function secure(args: readonly string[]): Promise<void> {
  if (args.some((arg) => arg === '--help' || arg === '-h' || arg === 'help')) return print(`${USAGE}\n`);
  const { names, certificate } = wishes(args);
  const settings = readSettings('appliance', process.env);
  const folder = join(resolve(settings.dataDir), 'security');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const certificateFile = certificate ?? makeCertificate(folder, names);
  const passwordFile = join(folder, 'apps.password');
  if (!existsSync(passwordFile)) write(passwordFile, `${newSessionSecret(nodeRandom)}\n`);
  say('looking for an admin in the database');
  const oneTimePassword = await makeAdmin(settings);
  const settingsFile = join(resolve(settings.dataDir), SETTINGS_FILE);
  const isFirst = !existsSync(settingsFile);
  if (isFirst)
    write(
      settingsFile,
      settingsText({
        certificateFile,
        passwordFile,
        ownApps: OWN_APPS,
        admin: ADMIN,
        advertisedHost: names[0] ?? hostname(),
        hasBroker: settings.bootstrapServers === undefined,
        kafkaPort: settings.kafkaPort,
      }),
    );
  print(
    [
      ...(oneTimePassword === undefined
        ? []
        : [`The admin:        ${ADMIN}, with the password ${oneTimePassword} until the first sign-in`]),
      `The certificate:  ${certificateFile}${certificate === undefined ? `, for ${SERVER_DAYS} days` : ''}`,
      ...(certificate === undefined
        ? [`Its authority:    ${join(folder, 'ca.pem')}: give it to browsers and clients`]
        : []),
      `The settings:     ${settingsFile}${isFirst ? '' : ' (unchanged)'}`,
      `Next:             npm start, then https://${names[0] ?? hostname()}:${settings.httpPort}/`,
      '',
    ].join('\n'),
  );
}

function wishes(args: readonly string[]): {
  readonly names: readonly string[];
  readonly certificate: string | undefined;
} {
  const options = { name: { type: 'string', multiple: true }, certificate: { type: 'string' } } as const;
  let values: { name?: string[]; certificate?: string };
  try {
    ({ values } = parseArgs({ args: [...args], options, strict: true }));
  } catch {
    throw new Error(USAGE);
  }
  const { name: names = [], certificate } = values;
  const wrong = names.find((name) => !/^[A-Za-z0-9.:*-]{1,253}$/.test(name));
  if (wrong !== undefined) throw new Error(`--name: expected a host name or an address, got "${wrong}"`);
  const pem = certificate === undefined ? undefined : textOf(certificate);
  if (pem !== undefined && !(/BEGIN CERTIFICATE/.test(pem) && /PRIVATE KEY/.test(pem)))
    throw new Error(
      `--certificate: expected a private key and its certificates in PEM, got something else in ${certificate}`,
    );
  return { names, certificate: certificate === undefined ? undefined : resolve(certificate) };
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

/** Key and certificate in one file, as Kafka's listeners want it. */
function makeCertificate(folder: string, names: readonly string[]): string {
  const [certFile, keyFile, serverFile] = ['ca.pem', 'ca-key.pem', 'server.pem'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const exists = existsSync(certFile) && existsSync(keyFile);
  const authority = new Authority(
    exists
      ? { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
      : `Milepost authority of ${hostname()}`,
  );
  if (!exists) {
    write(keyFile, authority.key);
    write(certFile, authority.cert, 0o644);
  }
  const all = [...new Set([...names, hostname(), 'localhost', ...addresses()])];
  const { cert, key } = authority.issue({ subject: [['CN', names[0] ?? hostname()]], names: all });
  write(serverFile, key + cert);
  return serverFile;
}

/** Without those that only mean something beside their interface. */
const addresses = (): string[] =>
  Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ address, scopeid }) => !scopeid && !address.startsWith('fe80:'))
    .map(({ address }) => address);

/** Undefined: there is an admin already. */
async function makeAdmin(settings: Settings): Promise<string | undefined> {
  return withDatabase(settings, { command: 'secure', mayCreate: true }, async (url) => {
    const database = await connectDatabase(url, { logger: silentLogger });
    try {
      const users = usersOn(database);
      await users.prepare(undefined);
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
