// Every setting of Milepost: its environment variable, its possible values, its default, its meaning. One table; the
// types, `npx milepost config` and docs/CONFIG.md are generated from it. Broker properties have Kafka's own names.
import { z } from 'zod';
import { httpMistakes, httpTable } from './http-settings.ts';
import { kafkaMistakes, kafkaTable } from './kafka-settings.ts';
import { oidcMistakes, oidcTable } from './oidc-settings.ts';
import { mqttMistakes, mqttTable, tlsTable } from './mqtt-settings.ts';
import { aPort, flag, port, type Setting, setting, text, type Value } from './row.ts';

export type ProgramName = 'appliance' | 'broker' | 'gateway' | 'dashboard' | 'notifications' | 'schema-registry';

/** One `host:port`, with or without the listener's protocol; TLS and several listeners are not supported yet. */
const advertised = z.string().transform((value, context) => {
  const match = /^(?:(?:SASL_)?PLAINTEXT:\/\/)?(\[[0-9a-fA-F:]+\]|[^:/\s]+):(\d{1,5})$/.exec(value);
  if (match?.[1] && Number(match[2]) <= 65_535)
    return { host: match[1].replace(/^\[|\]$/g, ''), port: Number(match[2]) };
  context.addIssue({ code: 'custom', message: 'not a listener' });
  return z.NEVER;
});

export const table = {
  settingsFile: setting({
    variable: 'MILEPOST_SETTINGS_FILE',
    schema: text,
    expected: 'a file',
    meaning:
      'File with more settings, NAME=value in each line; the environment wins. Unset: settings.env in the data folder, if there is one.',
  }),
  dataDir: setting({
    variable: 'MILEPOST_DATA_DIR',
    kafkaVariables: ['KAFKA_LOG_DIRS', 'KAFKA_LOG_DIR'],
    schema: text,
    expected: 'a folder',
    fallback: './data',
    meaning: 'Folder of the log and of the embedded PostgreSQL.',
  }),
  listen: setting({
    variable: 'MILEPOST_LISTEN',
    schema: text.regex(/^\S+$/),
    expected: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
    fallback: '127.0.0.1',
    meaning:
      'Address that every port listens on. Any other than loopback requires authentication, or MILEPOST_ALLOW_ANONYMOUS=true.',
  }),
  allowAnonymous: setting({
    variable: 'MILEPOST_ALLOW_ANONYMOUS',
    schema: flag,
    expected: 'true or false',
    fallback: 'false',
    meaning: 'Allows devices, clients and viewers without credentials on addresses that other machines can reach.',
  }),
  kafkaPort: setting({
    variable: 'MILEPOST_KAFKA_PORT',
    schema: port,
    expected: aPort,
    fallback: '9092',
    meaning: 'Port of the Kafka protocol.',
  }),
  ...mqttTable,
  ...tlsTable,
  ...httpTable,
  ...oidcTable,
  databaseUrl: setting({
    variable: 'DATABASE_URL',
    schema: z.string().regex(/^postgres(ql)?:\/\//),
    expected: 'postgres://user:password@host:port/database',
    meaning: 'PostgreSQL 14 or newer. Unset: an embedded one in the data folder.',
  }),
  databaseWaitSeconds: setting({
    variable: 'MILEPOST_DATABASE_WAIT_SECONDS',
    schema: z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number),
    expected: 'a whole number of seconds, up to 99999',
    fallback: '30',
    meaning: 'How long a start waits for a PostgreSQL that cannot be reached before it gives up with status 1.',
  }),
  ...kafkaTable,
  brokerId: setting({
    variable: 'MILEPOST_BROKER_ID',
    kafkaVariables: ['KAFKA_NODE_ID', 'KAFKA_BROKER_ID'],
    schema: z
      .string()
      .regex(/^\d{1,9}$/)
      .transform(Number),
    expected: 'a whole number from 0 to 999999999',
    fallback: '1',
    meaning: "The broker's node.id.",
  }),
  acceptLostLog: setting({
    variable: 'MILEPOST_ACCEPT_LOST_LOG',
    schema: z.string().regex(/^\d{1,16}$/),
    expected: 'the number that the refused start names',
    meaning:
      'Confirms that the logs in the data folder are really gone, after a start has refused an empty folder. The number is valid for one ' +
      'loss only; left in place it does nothing.',
  }),
  rack: setting({
    variable: 'MILEPOST_RACK',
    kafkaVariables: ['KAFKA_BROKER_RACK'],
    schema: text,
    expected: 'a name',
    meaning: "The broker's rack, for replica placement and rack-aware consumers.",
  }),
  advertised: setting({
    variable: 'MILEPOST_ADVERTISED_LISTENERS',
    kafkaVariables: ['KAFKA_ADVERTISED_LISTENERS'],
    schema: advertised,
    isKafkaAlone: (value) => !advertised.safeParse(value).success && /^\w+:\/\//.test(value),
    expected: 'host:port, PLAINTEXT://host:port or SASL_PLAINTEXT://host:port',
    meaning: 'The address that clients receive. Unset: the address listened on.',
  }),
  adminUsername: setting({
    variable: 'MILEPOST_ADMIN_USERNAME',
    schema: text,
    expected: 'a user name',
    fallback: 'admin',
    meaning: 'The user that always exists where clients authenticate; it creates the others.',
  }),
  adminPassword: setting({
    variable: 'MILEPOST_ADMIN_PASSWORD',
    schema: text,
    expected: 'a password',
    meaning: 'Its password, which each start stores in hashed form; or MILEPOST_ADMIN_PASSWORD_FILE.',
    isSecret: true,
  }),
  adminPasswordFile: setting({
    variable: 'MILEPOST_ADMIN_PASSWORD_FILE',
    schema: text,
    expected: 'a file',
    meaning: 'File with that password and nothing else; a line break at its end is ignored.',
  }),
  flush: setting({
    variable: 'MILEPOST_FLUSH',
    schema: z.enum(['always', 'os']),
    expected: 'always or os',
    fallback: 'always',
    meaning:
      'always: acks=1 and acks=all wait for fsync (group commit). os: the page cache, as in Kafka; a power cut can lose records.',
  }),
  openFiles: setting({
    variable: 'MILEPOST_OPEN_FILES',
    schema: z
      .string()
      .regex(/^[1-9]\d{0,6}$/)
      .transform(Number),
    expected: 'a whole number from 1 to 9999999',
    fallback: '4000',
    meaning:
      "The number of idle files of the log that stay open; others are closed and reopened at their next use. Capped, with a warning, by the system's limit (ulimit -n) less 1000 for connections (half of a limit below 2000).",
  }),
  mqttMaxPacketBytes: setting({
    variable: 'MILEPOST_MQTT_MAX_PACKET_BYTES',
    schema: z
      .string()
      .regex(/^[1-9]\d{2,8}$/)
      .transform(Number),
    expected: 'a whole number of bytes from 100 to 268435460',
    fallback: '16000000',
    meaning:
      'The largest MQTT packet that is read; a device that announces a larger one is disconnected before its bytes are buffered (MQTT 5: 0x95).',
  }),
  positionFormat: setting({
    variable: 'MILEPOST_POSITION_FORMAT',
    schema: z.enum(['json', 'avro', 'protobuf']),
    expected: 'json, avro or protobuf',
    fallback: 'json',
    meaning:
      'Format of the positions that the gateway writes to truck_gps; avro and protobuf register their schema as truck_gps-value (docs/SCHEMAS.md).',
  }),
  schemaRegistryUrl: setting({
    variable: 'MILEPOST_SCHEMA_REGISTRY_URL',
    schema: z.url({ protocol: /^https?$/ }),
    expected: 'an http or https address',
    meaning:
      "Schema registry for the programs' own records, such as http://127.0.0.1:8085/api/registry; user and password, or a token as the password, may be in it. Unset: the registry in the program's PostgreSQL.",
    isSecret: true,
  }),
  webhookUrl: setting({
    variable: 'MILEPOST_WEBHOOK_URL',
    schema: z.url({ protocol: /^https?$/ }),
    expected: 'an http or https address',
    meaning: 'The URL to POST alerts to. Unset: no webhook.',
  }),
  logLevel: setting({
    variable: 'MILEPOST_LOG_LEVEL',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    expected: 'debug, info, warn, error or silent',
    fallback: 'info',
    meaning: 'The least severe log line that is written.',
  }),
  logFormat: setting({
    variable: 'MILEPOST_LOG_FORMAT',
    schema: z.enum(['auto', 'json', 'pretty']),
    expected: 'auto, json or pretty',
    fallback: 'auto',
    meaning: 'Log lines on standard error; auto: pretty on a terminal, else JSON.',
  }),
} as const;

type Table = typeof table;

export type Settings = { readonly [Name in keyof Table]: Value<Table[Name]> } & { readonly httpPort: number };

/** The mistakes in the environment, a line for each: the variable, the expected and the seen value. */
export class SettingsInvalid extends Error {
  override readonly name = 'SettingsInvalid';
}

const httpPorts: Record<ProgramName, string> = {
  appliance: '8080',
  dashboard: '8080',
  broker: '8081',
  gateway: '8082',
  notifications: '8084',
  'schema-registry': '8085',
};

/** Reads and checks all settings. @throws SettingsInvalid with every bad one. */
export function readSettings(program: ProgramName, env: Readonly<Record<string, string | undefined>>): Settings {
  const wrong: string[] = [];
  const settings: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(table) as [keyof Table, Setting<z.ZodType>][]) {
    const seen = lookUp(row, env, wrong);
    const value = seen?.value ?? (name === 'httpPort' ? httpPorts[program] : row.fallback);
    if (value === undefined) continue;
    const parsed = row.schema.safeParse(value);
    if (parsed.success) settings[name] = parsed.data;
    else wrong.push(`${seen?.variable ?? row.variable}: expected ${row.expected}, got "${shown(row, value)}"`);
  }
  if (wrong.length === 0)
    wrong.push(
      ...openDoors(program, settings as Settings),
      ...kafkaMistakes(settings as Settings),
      ...mqttMistakes(settings as Settings),
      ...httpMistakes(program, settings as Settings),
      ...oidcMistakes(settings as Settings),
      ...twoPasswords(settings as Settings),
    );
  for (const variable of unknown(env)) wrong.push(`${variable}: no such setting; \`npx milepost config\` lists them`);
  if (wrong.length > 0) throw new SettingsInvalid(wrong.join('\n'));
  return settings as Settings;
}

/** The variable that is set, ours or Kafka's; an empty value counts as unset, as in a Compose file. */
function lookUp(
  row: Setting<z.ZodType>,
  env: Readonly<Record<string, string | undefined>>,
  wrong: string[],
): { variable: string; value: string } | undefined {
  const set = [row.variable, ...(row.kafkaVariables ?? [])].flatMap((variable) => {
    const value = env[variable];
    const isOther = variable !== row.variable && row.isKafkaAlone?.(value ?? '');
    return value === undefined || value === '' || isOther ? [] : [{ variable, value }];
  });
  const [first, ...others] = set;
  for (const other of others)
    if (first && other.value !== first.value)
      wrong.push(
        `${first.variable} and ${other.variable} are the same setting: expected equal values or only one of them, ` +
          `got "${first.value}" and "${other.value}"`,
      );
  return first;
}

/**
 * No listener is reachable from other machines without a decision. The broker checks its own: their protocols are properties.
 * Without the map, the HTTP port has metrics and health.
 */
function openDoors(program: ProgramName, settings: Settings): string[] {
  const { allowAnonymous, httpAuthentication, httpListen, listen, mqttAuthentication, mqttListen } = settings;
  if (allowAnonymous) return [];
  const hasMqtt = program === 'appliance' || program === 'gateway';
  const hasMap = program === 'appliance' || program === 'dashboard' || program === 'schema-registry';
  const open = [
    hasMqtt && mqttAuthentication === 'none' && !isLoopback(mqttListen ?? listen) && 'devices',
    hasMap && httpAuthentication === 'none' && !isLoopback(httpListen ?? listen) && 'viewers',
  ].filter((who) => who !== false);
  if (open.length === 0) return [];
  const [variable, address] = isLoopback(listen)
    ? open[0] === 'devices'
      ? ['MILEPOST_MQTT_LISTEN', mqttListen]
      : ['MILEPOST_HTTP_LISTEN', httpListen]
    : ['MILEPOST_LISTEN', listen];
  return [
    `${variable}: "${address}" is reachable from other machines, and ${open.join(' and ')} do not authenticate: run ` +
      '`npx milepost secure` (docs/SECURITY.md), listen on 127.0.0.1, or accept it by MILEPOST_ALLOW_ANONYMOUS=true',
  ];
}

const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || address.startsWith('127.');

const twoPasswords = ({ adminPassword, adminPasswordFile }: Settings): string[] =>
  adminPassword === undefined || adminPasswordFile === undefined
    ? []
    : ['MILEPOST_ADMIN_PASSWORD: expected it or MILEPOST_ADMIN_PASSWORD_FILE, got both'];

function unknown(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = new Set(Object.values(table).map((row) => row.variable));
  return Object.keys(env).filter((name) => name.startsWith('MILEPOST_') && !known.has(name));
}

/** The value for printing: without a password. */
export function shown({ variable, isSecret }: { variable: string; isSecret?: true }, value: string): string {
  if (isSecret) return '***';
  return variable === 'DATABASE_URL' ? value.replace(/:[^:@/]*@/, ':***@') : value;
}

/** Each setting with its default and meaning, for `npx milepost config` and docs/CONFIG.md. */
export function describeSettings(): (Setting<z.ZodType> & { readonly fallback: string })[] {
  return (Object.values(table) as Setting<z.ZodType>[]).map((row) => ({ ...row, fallback: row.fallback ?? '(unset)' }));
}
