// Real clients log in with the token of an issuer (OAUTHBEARER): kafkajs and @platformatic/kafka.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeHost, nodeReadText } from '@milepost/node-host';
import { Admin } from '@platformatic/kafka';
import kafkajs from 'kafkajs';
import { TokenIssuer, unsignedToken } from '../../../test/support/token-issuer.ts';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'milepost-bearer-'));
const keysFile = join(folder, 'keys.json');
const { Kafka, logLevel } = kafkajs;
const it = new BrokerUnderTest(nodeHost(), join(folder, 'log'), {
  listeners: 'SASL_PLAINTEXT://:9092',
  'sasl.enabled.mechanisms': 'OAUTHBEARER',
  'sasl.oauthbearer.jwks.endpoint.url': pathToFileURL(keysFile).href,
  'sasl.oauthbearer.expected.issuer': 'https://issuer.example',
  'sasl.oauthbearer.expected.audience': 'milepost',
});
let issuer: TokenIssuer;

beforeAll(async () => {
  issuer = await TokenIssuer.withKey();
  writeFileSync(keysFile, await issuer.keySet());
  await it.start({ readText: nodeReadText });
});
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

const kafkaWith = (token: string) =>
  new Kafka({
    clientId: 'js',
    logLevel: logLevel.NOTHING,
    connectionTimeout: 30_000,
    retry: { retries: 0 },
    brokers: [it.bootstrap],
    sasl: { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: token }) },
  });

test('kafkajs produces with a token of the issuer', async () => {
  const producer = kafkaWith(await issuer.token('t-1')).producer();
  await producer.connect();
  const [written] = await producer.send({ topic: 'of-t-1', messages: [{ value: 'one' }] });
  await producer.disconnect();
  expect(written?.errorCode).toBe(0);
});

test('@platformatic/kafka lists topics with a token of the issuer', async () => {
  const admin = new Admin({
    clientId: 'platformatic',
    bootstrapBrokers: [it.bootstrap],
    retries: 0,
    connectTimeout: 60_000,
    requestTimeout: 60_000,
    timeout: 60_000,
    sasl: { mechanism: 'OAUTHBEARER', token: await issuer.token('t-1') },
  });
  expect(await admin.listTopics()).toEqual(expect.any(Array));
  await admin.close();
});

test.each([
  ['that has expired', () => issuer.token('t-1', Date.now() - 86_400_000)],
  ['for another audience', () => issuer.token('t-1', Date.now(), { aud: 'payroll' })],
  ['without a signature', async () => unsignedToken({ sub: 't-1', exp: 4_000_000_000 })],
  ['by another key', async () => (await TokenIssuer.withKey()).token('t-1')],
])('kafkajs is refused with a token %s', async (_name, make) => {
  const admin = kafkaWith(await make()).admin();
  await admin.connect(); // kafkajs takes the status of the refusal for a success
  await expect(admin.listTopics()).rejects.toThrow();
  await admin.disconnect();
});
