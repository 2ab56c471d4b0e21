// What `milepost secure` refuses, before it touches anything. What it makes is shown by test/e2e/secure.test.ts for one broker and by
// test/deploy/locked-cluster.ts for three.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secure } from './secure.ts';
import { settingsText } from './settings-text.ts';

const DATABASE_URL = 'postgres://nobody@127.0.0.1:1/none';
const brokers = ['--broker', '1=a.example', '--broker', '2=b.example'];
let data: string;
let before: NodeJS.ProcessEnv;

beforeEach(() => {
  before = { ...process.env };
  data = mkdtempSync(join(tmpdir(), 'mp-'));
  process.env['MILEPOST_DATA_DIR'] = data;
});

afterEach(() => {
  process.env = before;
  rmSync(data, { recursive: true });
});

test.each([
  [['--broker', 'b.example'], {}, '--broker: expected ID=NAME, such as 2=broker-2.example, got "b.example"'],
  [[...brokers, '--broker', '2=c.example'], { DATABASE_URL }, '--broker: expected each id once, got 2 twice'],
  [brokers, {}, 'DATABASE_URL: expected the PostgreSQL that the brokers share, as there is --broker; got none'],
  [
    brokers,
    { DATABASE_URL, MILEPOST_BROKER_ID: '7' },
    '--broker: expected this machine among them, 7=NAME (MILEPOST_BROKER_ID), got 1, 2',
  ],
  [
    [...brokers, '--certificate', 'server.pem'],
    { DATABASE_URL },
    '--broker: expected no --certificate beside it, as each broker gets one of our own authority',
  ],
  [
    brokers,
    { MILEPOST_BOOTSTRAP_SERVERS: 'kafka:9092' },
    '--broker: is for brokers of Milepost, and MILEPOST_BOOTSTRAP_SERVERS names another Kafka',
  ],
  [['--name', 'a b'], {}, '--name: expected a host name or an address, got "a b"'],
])('%j is refused in one line, and nothing is made', async (args, env, said) => {
  Object.assign(process.env, env);
  await expect(secure(args)).rejects.toThrow(said);
  expect(readdirSync(data)).toEqual([]);
});

test('settings of a broker alone are not taken for those of one of several', async () => {
  process.env['DATABASE_URL'] = DATABASE_URL;
  writeFileSync(join(data, 'settings.env'), 'MILEPOST_HTTP_TLS=true\n');
  await expect(secure(brokers)).rejects.toThrow('expected the settings of one of several brokers');
});

const given = { certificateFile: '/d/server.pem', admin: 'admin', advertisedHost: 'fd00::7', ownApps: undefined };
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('KAFKA_'));

test('one of several brokers has a listener for the others, named for them', () => {
  const cluster = { id: 2, authorityFile: '/d/ca.pem' };
  const lines = linesOf(settingsText({ ...given, broker: { kafkaPort: 9_092, cluster } }));
  expect(lines).toEqual([
    'KAFKA_LISTENERS=APPS://127.0.0.1:9092,CLIENTS://0.0.0.0:9093,BROKERS://0.0.0.0:9094',
    'KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=APPS:SASL_PLAINTEXT,CLIENTS:SASL_SSL,BROKERS:SASL_SSL',
    'KAFKA_ADVERTISED_LISTENERS=CLIENTS://[fd00::7]:9093,BROKERS://[fd00::7]:9094',
    'KAFKA_AUTHORIZER_CLASS_NAME=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'KAFKA_SUPER_USERS=User:admin',
    'KAFKA_INTER_BROKER_LISTENER_NAME=BROKERS',
    'KAFKA_SSL_TRUSTSTORE_LOCATION=/d/ca.pem',
  ]);
});

test('a broker alone has none, and beside another Kafka there is no broker to lock', () => {
  expect(settingsText({ ...given, broker: { kafkaPort: 9_092 } })).not.toContain('BROKERS');
  expect(linesOf(settingsText({ ...given, broker: undefined }))).toEqual([]);
});
