// Real clients log in to a listener with SASL: kafkajs, @platformatic/kafka and kcat (librdkafka), each with its own SCRAM.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@milepost/node-host';
import { Admin } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const ADMIN = { username: 'admin', password: 'correct horse, =battery' };
const folder = mkdtempSync(join(tmpdir(), 'milepost-login-'));
const it = new BrokerUnderTest(nodeHost(), folder, {
  listeners: 'SASL_PLAINTEXT://:9092',
  'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
});

beforeAll(() => it.start({ admin: ADMIN }));
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

const { Kafka, logLevel } = kafkajs;
const quiet = { clientId: 'js', logLevel: logLevel.NOTHING, connectionTimeout: 30_000, retry: { retries: 0 } };

describe.each([
  ['plain', 'PLAIN'],
  ['scram-sha-256', 'SCRAM-SHA-256'],
  ['scram-sha-512', 'SCRAM-SHA-512'],
] as const)('%s', (name, mechanism) => {
  const kafka = (password: string) =>
    new Kafka({
      brokers: [it.bootstrap],
      ...quiet,
      sasl: { mechanism: name, username: ADMIN.username, password } as never,
    });

  test('kafkajs produces with the right password', async () => {
    const producer = kafka(ADMIN.password).producer();
    await producer.connect();
    const [written] = await producer.send({ topic: `js-${name}`, messages: [{ value: 'one' }] });
    await producer.disconnect();
    expect(written?.errorCode).toBe(0);
  });

  test('kafkajs is told that its password is wrong', async () => {
    const admin = kafka('wrong').admin();
    await expect(admin.connect()).rejects.toThrow('SASL');
    await admin.disconnect();
  });

  test('@platformatic/kafka lists topics with the right password', async () => {
    const admin = new Admin({
      clientId: 'platformatic',
      bootstrapBrokers: [it.bootstrap],
      retries: 0,
      connectTimeout: 60_000,
      requestTimeout: 60_000,
      timeout: 60_000,
      sasl: { mechanism, ...ADMIN },
    });
    expect(await admin.listTopics()).toContain(`js-${name}`);
    await admin.close();
  });

  test('kcat writes and reads with the right password', async () => {
    const isThere = await kcat(['-V']).then(
      () => true,
      () => false,
    );
    if (!isThere) return void process.stderr.write('skipped: kcat is not installed\n');
    const login = ['-X', 'security.protocol=SASL_PLAINTEXT', '-X', `sasl.mechanism=${mechanism}`];
    const user = ['-X', `sasl.username=${ADMIN.username}`, '-X', `sasl.password=${ADMIN.password}`];
    const topic = `kcat-${name}`;
    await kcat(['-b', it.bootstrap, ...login, ...user, '-P', '-t', topic], 'one');
    const read = ['-C', '-t', topic, '-o', 'beginning', '-e', '-q'];
    expect(await kcat(['-b', it.bootstrap, ...login, ...user, ...read])).toBe('one\n');
  });
});

function kcat(args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('kcat', args, (failure, stdout) => (failure ? reject(failure) : resolve(stdout)));
    // The process may be gone before it has read anything.
    child.stdin?.on('error', () => {}).end(input);
  });
}
