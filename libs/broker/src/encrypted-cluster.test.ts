// Three brokers that reach each other, and their clients, by TLS and with a login only; kafkajs is the client.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerId } from '@milepost/core';
import { GroupTable, MemoryGroupStore, MemoryTransactionStore, TransactionTable } from '@milepost/coordinators';
import { MemoryMetadataDatabase } from '@milepost/metadata';
import { nodeHost } from '@milepost/node-host';
import kafkajs from 'kafkajs';
import { Authority } from '../../../test/support/certificates.ts';
import { BrokerUnderTest } from './testing/broker-under-test.ts';

const ADMIN = { username: 'admin', password: 'correct horse, =battery' };
const TOPIC = 't';
const folder = mkdtempSync(join(tmpdir(), 'milepost-encrypted-cluster-'));
const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content, { mode: 0o600 });
  return path;
};
const authority = new Authority();
const server = authority.issue({ subject: [['CN', 'server']], names: ['127.0.0.1', 'localhost'] });

const database = new MemoryMetadataDatabase();
const tables = { groups: new GroupTable(), transactions: new TransactionTable() };
const PROPERTIES = {
  listeners: 'PLAINTEXT://:0,BROKERS://127.0.0.1:0,CLIENTS://127.0.0.1:0',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,BROKERS:SASL_SSL,CLIENTS:SASL_SSL',
  'inter.broker.listener.name': 'BROKERS',
  'ssl.keystore.location': file('server.pem', server.key + server.cert),
  'ssl.truststore.location': file('ca.pem', authority.cert),
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'min.insync.replicas': '2',
};
const brokers = [1, 2, 3].map(
  (id) => new BrokerUnderTest(nodeHost(), join(folder, String(id)), { ...PROPERTIES }, database),
);

const start = (id: number): Promise<void> =>
  brokers[id - 1]?.start(
    { brokerId: BrokerId(id), admin: ADMIN, readFile: (path) => readFileSync(path) },
    {
      stores: {
        groups: new MemoryGroupStore(tables.groups),
        transactions: new MemoryTransactionStore(tables.transactions),
      },
    },
  ) ?? Promise.reject(new Error(`there is no broker ${id}`));
const at = (id: number): string => `127.0.0.1:${brokers[id - 1]?.broker.listeners.get('CLIENTS')?.port}`;

const { Kafka, logLevel } = kafkajs;
const kafka = () =>
  new Kafka({
    clientId: 'js',
    brokers: [at(1)],
    logLevel: logLevel.NOTHING,
    ssl: { ca: authority.cert },
    sasl: { mechanism: 'scram-sha-512', ...ADMIN },
    retry: { retries: 20, initialRetryTime: 50 },
  });

beforeAll(async () => {
  for (const id of [1, 2, 3]) await start(id);
  const admin = kafka().admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 3, replicationFactor: 3 }] });
  await admin.disconnect();
});
afterAll(async () => {
  for (const broker of brokers) await broker.stop();
  rmSync(folder, { recursive: true });
});

test('clients are told the addresses of the listener that they came by', async () => {
  const admin = kafka().admin();
  await admin.connect();
  const { brokers: told } = await admin.describeCluster();
  await admin.disconnect();
  expect(told.map(({ host, port }) => `${host}:${port}`).toSorted()).toEqual([1, 2, 3].map(at).toSorted());
});

test('a transaction over partitions of all leaders is replicated, committed and read', async () => {
  const producer = kafka().producer({ transactionalId: 'x', maxInFlightRequests: 1, idempotent: true });
  await producer.connect();
  const transaction = await producer.transaction();
  const messages = [0, 1, 2].map((partition) => ({ partition, value: `value ${partition}` }));
  const written = await transaction.send({ topic: TOPIC, messages, acks: -1 });
  await transaction.commit();
  await producer.disconnect();
  expect(written.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0]);
  const consumer = kafka().consumer({ groupId: 'g' });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  const values: string[] = [];
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        if (values.push(String(message.value)) === 3) resolve();
      },
    });
  });
  await consumer.disconnect();
  expect(values.toSorted()).toEqual(['value 0', 'value 1', 'value 2']);
});

test('acks=all is answered by a cluster that has lost one of three', async () => {
  await brokers[2]?.stop();
  const producer = kafka().producer();
  await producer.connect();
  const messages = [0, 1, 2].map((partition) => ({ partition, value: 'later' }));
  const written = await producer.send({ topic: TOPIC, messages, acks: -1 });
  await producer.disconnect();
  expect(written.map(({ errorCode }) => errorCode)).toEqual([0, 0, 0]);
});
