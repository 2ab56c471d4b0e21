// The broker that a suite is run against: ours in a separate process with an embedded PostgreSQL, a real Apache Kafka
// from Maven's central repository, or one that is already running.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, createWriteStream, mkdirSync, mkdtempSync, rmSync, type WriteStream, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../support/free-port.ts';
import { kafkaJars } from './kafka-jars.ts';
import { cache, run } from './suite.ts';

export interface BrokerUnderTest {
  readonly bootstrap: string;
  /** Of a broker with an authorizer: the listener by which users log in. By `bootstrap` everything is allowed. */
  readonly sasl?: string;
  /** The folder of its partitions, if it is on this machine. */
  readonly logs?: string;
  /** Of its process, if that is ours. */
  readonly pid?: number | undefined;
  stop(): Promise<void>;
}

/** A kind of broker: with an authorizer, and a second listener with SASL. */
export const LOCKED = 'locked';

/** librdkafka's tests expect a broker with four partitions by default, and groups that begin without a wait. */
const properties = (kind: string): Record<string, string> => ({
  'num.partitions': '4',
  'group.initial.rebalance.delay.ms': '0',
  'transaction.state.log.replication.factor': '1',
  'auto.create.topics.enable': String(kind !== 'noautocreate'),
  // Records of the comparison are years old: retention must not delete them during a scenario.
  ...(kind === 'differential' && { 'log.retention.check.interval.ms': '86400000' }),
  ...(kind === LOCKED && {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:ANONYMOUS',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
    'delegation.token.secret.key': 'secret',
  }),
  ...(kind === 'bench' && { 'num.partitions': '1', 'log.segment.delete.delay.ms': '0' }),
});

/** `against`: ours, kafka or host:port. `more`: variables for ours. */
export function startBroker(
  against: string,
  kind: string,
  more: Readonly<Record<string, string>> = {},
): Promise<BrokerUnderTest> {
  if (against === 'ours') return startOurs(kind, more);
  if (against === 'kafka') return startKafka(kind);
  return Promise.resolve({ bootstrap: against, stop: async () => {} });
}

async function startOurs(kind: string, more: Readonly<Record<string, string>>): Promise<BrokerUnderTest> {
  const data = mkdtempSync(join(tmpdir(), 'milepost-compat-data-'));
  chmodSync(data, 0o711); // the embedded PostgreSQL does not run as root
  const sasl = kind === LOCKED ? `127.0.0.1:${await freePort()}` : undefined;
  const listeners = sasl && { listeners: `PLAINTEXT://:0,SASL_PLAINTEXT://${sasl}` };
  const settings = Object.entries({ ...properties(kind), ...listeners }).map(([name, value]): [string, string] => [
    `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`,
    value,
  ]);
  const env = {
    ...process.env,
    ...Object.fromEntries(settings),
    MILEPOST_DATA_DIR: data,
    MILEPOST_KAFKA_PORT: '0',
    MILEPOST_HTTP_PORT: '0',
    MILEPOST_LOG_LEVEL: 'info',
    MILEPOST_FLUSH: 'always',
    ...more,
  };
  const args = [
    '--max-semi-space-size=16',
    '--enable-source-maps',
    '--import',
    './tools/swc-hook.mjs',
    'apps/broker/src/main.ts',
  ];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stderr.pipe(brokerLog('ours'));
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the broker did not start')));
    lines.on('line', (line) => {
      if (line.startsWith('{"ready"')) resolve((JSON.parse(line) as { ports: { kafka: number } }).ports.kafka);
    });
  });
  const { pid } = child;
  const logs = join(data, 'log');
  return { bootstrap: `127.0.0.1:${port}`, ...(sasl && { sasl }), logs, pid, stop: () => stopped(child, data) };
}

async function startKafka(kind: string): Promise<BrokerUnderTest> {
  const jars = await kafkaJars();
  const data = mkdtempSync(join(tmpdir(), 'milepost-compat-kafka-'));
  const [port, controller, sasl] = [await freePort(), await freePort(), await freePort()];
  const config = join(data, 'server.properties');
  mkdirSync(join(data, 'logs'));
  writeFileSync(config, kafkaProperties(kind, { port, controller, sasl, logs: join(data, 'logs') }));
  const java = ['-Xmx1g', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(jars, '*')];
  const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', config];
  const formatted = await run('kafka-format', 'java', [...java, ...format]);
  if (formatted.status !== 0) throw new Error(`Kafka's storage could not be made: ${formatted.output.trim()}`);
  const child = spawn('java', [...java, 'kafka.Kafka', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  child.stderr.pipe(brokerLog('kafka'));
  await listening(child, port);
  const { pid } = child;
  return {
    bootstrap: `127.0.0.1:${port}`,
    ...(kind === LOCKED && { sasl: `127.0.0.1:${sasl}` }),
    logs: join(data, 'logs'),
    pid,
    stop: () => stopped(child, data),
  };
}

interface KafkaPlace {
  readonly port: number;
  readonly controller: number;
  /** Of the second listener, where there is one. */
  readonly sasl?: number;
  readonly logs: string;
}

export const kafkaProperties = (kind: string, on: KafkaPlace): string =>
  Object.entries({
    ...properties(kind),
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${on.controller}`,
    listeners: `PLAINTEXT://127.0.0.1:${on.port},CONTROLLER://127.0.0.1:${on.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${on.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': on.logs,
    ...(kind === LOCKED && {
      listeners: `PLAINTEXT://127.0.0.1:${on.port},SASL_PLAINTEXT://127.0.0.1:${on.sasl},CONTROLLER://127.0.0.1:${on.controller}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${on.port},SASL_PLAINTEXT://127.0.0.1:${on.sasl}`,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
      'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    }),
    ...(kind === 'differential' && { 'log.initial.task.delay.ms': '86400000' }),
    'offsets.topic.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

/** Its standard error, in .cache/compat/logs. */
function brokerLog(name: string): WriteStream {
  mkdirSync(cache('logs'), { recursive: true });
  return createWriteStream(cache('logs', `broker-${name}.log`));
}

/** Waits until it accepts a connection; it writes to that log. */
export async function listening(child: ChildProcess, port: number, log = 'broker-kafka.log'): Promise<void> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = connect(port, '127.0.0.1');
    const answered = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (answered) return;
    await delay(200);
  }
  throw new Error(`Kafka did not start: see ${cache('logs', log)}`);
}

async function stopped(child: ChildProcess, data: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exited = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    await exited;
  }
  rmSync(data, { recursive: true, force: true });
}
