// Real clients on listeners with TLS: kafkajs, @platformatic/kafka and kcat (librdkafka), by certificate and by password.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@milepost/node-host';
import { Admin } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { Authority, type Certificate } from '../../../test/support/certificates.ts';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const ADMIN = { username: 'admin', password: 'correct horse, =battery' };
const folder = mkdtempSync(join(tmpdir(), 'milepost-encrypted-'));
const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};

const authority = new Authority();
const server = authority.issue({ subject: [['CN', 'server']], names: ['127.0.0.1', 'localhost'] });
const truck = authority.issue({
  subject: [
    ['O', 'Depot'],
    ['CN', 'Truck-1'],
  ],
});
const otherTruck = authority.issue({
  subject: [
    ['O', 'Depot'],
    ['CN', 'Truck-2'],
  ],
});
const stranger = new Authority().issue({
  subject: [
    ['O', 'Depot'],
    ['CN', 'Truck-1'],
  ],
});
const ca = file('ca.pem', authority.cert);

/** Of the users with certificates, only truck-1 may do anything. */
const it = new BrokerUnderTest(nodeHost(), join(folder, 'data'), {
  listeners: 'PLAINTEXT://:9092,SSL://127.0.0.1:0,SASL_SSL://127.0.0.1:0',
  'ssl.keystore.location': file('server.pem', server.key + server.cert),
  'ssl.truststore.location': ca,
  'ssl.client.auth': 'required',
  'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+),O=Depot$/$1/L',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:truck-1',
});

beforeAll(() => it.start({ admin: ADMIN, readFile: (path) => readFileSync(path) }));
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

const at = (listener: string): string => `127.0.0.1:${it.broker.listeners.get(listener)?.port}`;
const { Kafka, logLevel } = kafkajs;
const quiet = { clientId: 'js', logLevel: logLevel.NOTHING, connectionTimeout: 30_000, retry: { retries: 0 } };

async function writes(kafka: InstanceType<typeof Kafka>, topic: string): Promise<number | undefined> {
  const producer = kafka.producer();
  try {
    await producer.connect();
    const [written] = await producer.send({ topic, messages: [{ value: 'one' }] });
    return written?.errorCode;
  } finally {
    await producer.disconnect();
  }
}

describe('a client with a certificate', () => {
  const kafka = (identity: Certificate) =>
    new Kafka({ brokers: [at('SSL')], ...quiet, ssl: { ca: authority.cert, ...identity } });

  test('writes by kafkajs as the user of its name', async () => {
    expect(await writes(kafka(truck), 'js-ssl')).toBe(0);
  });

  test('has the rights of its own name only', async () => {
    await expect(writes(kafka(otherTruck), 'js-ssl')).rejects.toThrow('Not authorized');
  });

  test('of another authority is refused', async () => {
    await expect(writes(kafka(stranger), 'js-ssl')).rejects.toThrow();
  });

  test('writes and reads by kcat', async () => {
    if (!(await hasKcat())) return;
    const [cert, key] = [file('truck.cert', truck.cert), file('truck.key', truck.key)];
    const ssl = ['-b', at('SSL'), '-X', 'security.protocol=SSL', '-X', `ssl.ca.location=${ca}`];
    const own = ['-X', `ssl.certificate.location=${cert}`, '-X', `ssl.key.location=${key}`];
    await kcat([...ssl, ...own, '-P', '-t', 'kcat-ssl'], 'one');
    expect(await kcat([...ssl, ...own, '-C', '-t', 'kcat-ssl', '-o', 'beginning', '-e', '-q'])).toBe('one\n');
    await expect(kcat([...ssl, '-L', '-m', '5'])).rejects.toThrow();
  });
});

test('a client without a certificate is refused', async () => {
  const kafka = new Kafka({ brokers: [at('SSL')], ...quiet, ssl: { ca: authority.cert } });
  await expect(writes(kafka, 'js-ssl')).rejects.toThrow();
});

test('a client without encryption may connect where that is allowed, and is ANONYMOUS', async () => {
  const kafka = new Kafka({ brokers: [at('PLAINTEXT')], ...quiet });
  await expect(writes(kafka, 'js-ssl')).rejects.toThrow('Not authorized');
});

describe.each([
  ['plain', 'PLAIN'],
  ['scram-sha-512', 'SCRAM-SHA-512'],
] as const)('%s over TLS', (name, mechanism) => {
  test('kafkajs writes', async () => {
    const sasl = { mechanism: name, ...ADMIN } as never;
    const kafka = new Kafka({ brokers: [at('SASL_SSL')], ...quiet, ssl: { ca: authority.cert }, sasl });
    expect(await writes(kafka, `js-${name}`)).toBe(0);
  });

  test('@platformatic/kafka lists topics', async () => {
    const admin = new Admin({
      clientId: 'platformatic',
      bootstrapBrokers: [at('SASL_SSL')],
      retries: 0,
      connectTimeout: 60_000,
      requestTimeout: 60_000,
      timeout: 60_000,
      tls: { ca: authority.cert },
      sasl: { mechanism, ...ADMIN },
    });
    expect(await admin.listTopics()).toContain(`js-${name}`);
    await admin.close();
  });

  test('kcat writes and reads', async () => {
    if (!(await hasKcat())) return;
    const ssl = ['-b', at('SASL_SSL'), '-X', 'security.protocol=SASL_SSL', '-X', `ssl.ca.location=${ca}`];
    const user = ['-X', `sasl.username=${ADMIN.username}`, '-X', `sasl.password=${ADMIN.password}`];
    const login = [...ssl, '-X', `sasl.mechanism=${mechanism}`, ...user];
    await kcat([...login, '-P', '-t', `kcat-${name}`], 'one');
    expect(await kcat([...login, '-C', '-t', `kcat-${name}`, '-o', 'beginning', '-e', '-q'])).toBe('one\n');
  });
});

async function hasKcat(): Promise<boolean> {
  const isThere = await kcat(['-V']).then(
    () => true,
    () => false,
  );
  if (!isThere) process.stderr.write('skipped: kcat is not installed\n');
  return isThere;
}

function kcat(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('kcat', args, (failure, stdout) => (failure ? reject(failure) : resolve(stdout)));
    // The process may be gone before it has read anything.
    child.stdin?.on('error', () => {}).end(input);
  });
}
