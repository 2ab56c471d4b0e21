// Every client library over SASL_SSL, by each mechanism, on a broker of our own with an authorizer: it writes, reads in a group
// and commits. kcat is told that its password is wrong.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@milepost/node-host';
import { BrokerUnderTest } from '../../libs/broker/src/testing/broker-under-test.ts';
import { Authority } from '../support/certificates.ts';
import { check, command, missing, type Report } from '../support/run.ts';
import { type Client, writesAndReads } from './client.ts';
import { here } from './here.ts';
import { Jvm, propertiesFile } from './jvm.ts';
import { program } from './node.ts';
import { installed, interpreter } from './python.ts';
import { saramaProgram } from './sarama.ts';

const ADMIN = { username: 'admin', password: 'correct-horse' };
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
const RECORDS = 1_000;

export async function loginCases(report: Report): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-login-'));
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const authority = new Authority();
  const server = authority.issue({ subject: [['CN', 'server']], names: ['127.0.0.1', 'localhost'] });
  const ca = file('ca.pem', authority.cert);
  const broker = new BrokerUnderTest(nodeHost(), join(folder, 'data'), {
    listeners: 'SASL_PLAINTEXT://:9092,SASL_SSL://127.0.0.1:0',
    'sasl.enabled.mechanisms': MECHANISMS.join(','),
    'ssl.keystore.location': file('server.pem', server.key + server.cert),
    'ssl.truststore.location': ca,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'num.partitions': '4',
  });
  await broker.start({ admin: ADMIN, readFile: (path) => readFileSync(path) });
  const at = `127.0.0.1:${broker.broker.listeners.get('SASL_SSL')?.port}`;
  try {
    for (const client of await libraries(report)) await libraryCases(report, at, client, ca);
    await kcatCases(report, at, ca);
    await javaCases(report, at, { ca, folder });
  } finally {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function libraries(report: Report): Promise<Client[]> {
  const shared = { codecs: [], protocols: [] } as const;
  const clients: Client[] = [
    { ...shared, name: 'kafkajs', ...program('kafkajs.ts') },
    { ...shared, name: 'platformatic', ...program('platformatic.ts') },
  ];
  const absent = (await missing('python3', '--version')) ?? (await installed());
  if (absent) report.skip('the Python clients over SASL_SSL', absent);
  else
    for (const [name, script] of [
      ['confluent-kafka', 'confluent.py'],
      ['aiokafka', 'aio.py'],
      ['kafka-python', 'kafka_python.py'],
    ] as const)
      clients.push({ ...shared, name, file: interpreter, args: [here('python', script)] });
  const sarama = await saramaProgram();
  if ('absent' in sarama) report.skip('sarama over SASL_SSL', sarama.absent);
  else clients.push({ ...shared, name: 'sarama', ...sarama });
  return clients;
}

async function libraryCases(report: Report, at: string, client: Client, ca: string): Promise<void> {
  const login = (mechanism: string) => ({
    INTEROP_CA: ca,
    INTEROP_MECHANISM: mechanism,
    INTEROP_USERNAME: ADMIN.username,
    INTEROP_PASSWORD: ADMIN.password,
  });
  for (const mechanism of MECHANISMS)
    await report.run(`${client.name} writes and reads in a group over SASL_SSL, by ${mechanism}`, () =>
      writesAndReads({ ...client, env: login(mechanism) }, at, `${client.name}-${mechanism}`, 'none'),
    );
}

async function kcatCases(report: Report, at: string, ca: string): Promise<void> {
  const absent = await missing('kcat', '-V');
  if (absent) return report.skip('kcat over SASL_SSL', absent);
  const kcat = (mechanism: string, args: readonly string[], input?: string, password = ADMIN.password) => {
    const login = [`sasl.mechanism=${mechanism}`, `sasl.username=${ADMIN.username}`, `sasl.password=${password}`];
    const options = ['security.protocol=SASL_SSL', `ssl.ca.location=${ca}`, ...login];
    return command('kcat', ['-b', at, ...options.flatMap((one) => ['-X', one]), ...args], input);
  };
  for (const mechanism of MECHANISMS)
    await report.run(`kcat writes and reads in a group over SASL_SSL, by ${mechanism}`, async () => {
      const topic = `kcat-${mechanism}`;
      const lines = Array.from({ length: RECORDS }, (_, n) => `${n}\n`).join('');
      const written = await kcat(mechanism, ['-P', '-t', topic], lines);
      check(written.status === 0, 'the records are written', written.stderr);
      const group = [
        '-G',
        topic,
        '-X',
        'auto.offset.reset=earliest',
        '-X',
        'enable.partition.eof=true',
        '-e',
        '-q',
        topic,
      ];
      const read = await kcat(mechanism, group);
      check(read.stdout.trim().split('\n').length === RECORDS, 'the group reads all', read.stderr);
    });
  await report.run('kcat with a wrong password over SASL_SSL is told so, by every mechanism', async () => {
    for (const mechanism of MECHANISMS) {
      const refused = await kcat(mechanism, ['-L', '-m', '10'], undefined, 'wrong');
      check(refused.status !== 0 && /authentication/i.test(refused.stderr), `${mechanism} is refused`, refused.stderr);
    }
  });
}

async function javaCases(report: Report, at: string, { ca, folder }: { ca: string; folder: string }): Promise<void> {
  const jvm = await Jvm.found();
  if (typeof jvm === 'string') return report.skip("Java's clients over SASL_SSL", jvm);
  for (const mechanism of MECHANISMS)
    await report.run(`VerifiableProducer and VerifiableConsumer over SASL_SSL, by ${mechanism}`, async () => {
      const module = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule';
      const config = propertiesFile(join(folder, mechanism), {
        'security.protocol': 'SASL_SSL',
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.location': ca,
        'sasl.mechanism': mechanism,
        'sasl.jaas.config': `org.apache.kafka.common.security.${module} required username="${ADMIN.username}" password="${ADMIN.password}";`,
      });
      const tool = (name: string, ...args: string[]) =>
        jvm.run(`org.apache.kafka.tools.${name}`, ['--bootstrap-server', at, '--command-config', config, ...args]);
      const topic = `java-${mechanism}`;
      const most = ['--topic', topic, '--max-messages', String(RECORDS)];
      const produced = await tool('VerifiableProducer', ...most, '--acks', '-1');
      check(
        produced.stdout.includes(`"acked":${RECORDS}`),
        'the records are acknowledged',
        produced.stdout + produced.stderr,
      );
      const consumed = await tool(
        'VerifiableConsumer',
        ...most,
        '--group-id',
        topic,
        '--reset-policy',
        'earliest',
        '--verbose',
      );
      const read = consumed.stdout.split('\n').filter((line) => line.includes('"record_data"')).length;
      check(read === RECORDS, 'the group reads all', consumed.stderr);
    });
}
