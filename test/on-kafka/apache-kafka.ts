// One real Apache Kafka 4.3.1, from Maven's central repository, with four listeners on this machine: plaintext, TLS,
// and both with SASL. The JDK's keytool generates its certificate.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listening } from '../compat/brokers.ts';
import { cache } from '../compat/suite.ts';
import { freePort } from '../support/free-port.ts';
import { check, command } from '../support/run.ts';

export const USER = 'milepost';
export const PASSWORD = 'one two; three';

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export class ApacheKafka {
  readonly #ports: Readonly<Record<Protocol, number>>;
  readonly #folder: string;
  readonly #java: readonly string[];
  readonly #config: string;
  #child: ChildProcess | undefined;

  private constructor(folder: string, jars: string, ports: Readonly<Record<Protocol, number>>) {
    this.#folder = folder;
    this.#ports = ports;
    this.#config = join(folder, 'server.properties');
    this.#java = [
      '-Xmx512m',
      '-XX:TieredStopAtLevel=1',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      join(jars, '*'),
    ];
  }

  /** `jars`: the folder of its programs. @throws Error when it does not start. */
  static async start(jars: string): Promise<ApacheKafka> {
    const folder = mkdtempSync(join(tmpdir(), 'milepost-apache-kafka-'));
    const ports = {
      PLAINTEXT: await freePort(),
      SSL: await freePort(),
      SASL_PLAINTEXT: await freePort(),
      SASL_SSL: await freePort(),
    };
    const kafka = new ApacheKafka(folder, jars, ports);
    await kafka.#makeCertificate();
    await kafka.empty();
    return kafka;
  }

  bootstrap(protocol: Protocol): string {
    return `127.0.0.1:${this.#ports[protocol]}`;
  }

  /** Its own, self-signed certificate. */
  get caFile(): string {
    return join(this.#folder, 'ca.pem');
  }

  /** Runs it empty: no topic, no group. */
  async empty(): Promise<void> {
    await this.halt();
    rmSync(join(this.#folder, 'logs'), { recursive: true, force: true });
    await this.#format(await freePort());
    await this.run();
  }

  /** Resolves when it responds. */
  async run(): Promise<void> {
    mkdirSync(cache('logs'), { recursive: true });
    const child = spawn('java', [...this.#java, 'kafka.Kafka', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.pipe(createWriteStream(cache('logs', 'on-kafka.log'), { flags: 'a' }));
    this.#child = child;
    await listening(child, this.#ports.SASL_SSL, 'on-kafka.log');
  }

  /** Its process ends; its data remains. */
  async halt(): Promise<void> {
    if (!this.#child || this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }

  async stop(): Promise<void> {
    await this.halt();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #makeCertificate(): Promise<void> {
    const store = [
      '-alias',
      'kafka',
      '-keystore',
      join(this.#folder, 'kafka.p12'),
      '-storetype',
      'PKCS12',
      '-storepass',
      'secret',
    ];
    const who = [
      '-dname',
      'CN=localhost',
      '-ext',
      'SAN=DNS:localhost,IP:127.0.0.1',
      '-keyalg',
      'RSA',
      '-validity',
      '30',
    ];
    const made = await command('keytool', ['-genkeypair', ...store, ...who]);
    check(made.status === 0, 'keytool makes a certificate', made.stdout + made.stderr);
    const shown = await command('keytool', ['-exportcert', '-rfc', ...store]);
    check(shown.status === 0, 'keytool shows it', shown.stdout + shown.stderr);
    writeFileSync(this.caFile, shown.stdout);
  }

  async #format(controllerPort: number): Promise<void> {
    const listener = (name: string): string => `${name}://127.0.0.1:${this.#ports[name as Protocol]}`;
    const login = 'org.apache.kafka.common.security';
    const quoted = PASSWORD.replaceAll('"', '\\"');
    const properties = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: [...PROTOCOLS.map(listener), `CONTROLLER://127.0.0.1:${controllerPort}`].join(','),
      'advertised.listeners': PROTOCOLS.map(listener).join(','),
      'controller.listener.names': 'CONTROLLER',
      'listener.security.protocol.map': [...PROTOCOLS, 'PLAINTEXT']
        .map((protocol, index) => `${PROTOCOLS[index] ?? 'CONTROLLER'}:${protocol}`)
        .join(','),
      'inter.broker.listener.name': 'PLAINTEXT',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'ssl.keystore.location': join(this.#folder, 'kafka.p12'),
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.password': 'secret',
      'ssl.key.password': 'secret',
      'log.dirs': join(this.#folder, 'logs'),
      'group.initial.rebalance.delay.ms': '0',
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '5',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      ...Object.fromEntries(
        ['sasl_plaintext', 'sasl_ssl'].flatMap((name) => [
          [
            `listener.name.${name}.plain.sasl.jaas.config`,
            `${login}.plain.PlainLoginModule required user_${USER}="${quoted}";`,
          ],
          [`listener.name.${name}.scram-sha-256.sasl.jaas.config`, `${login}.scram.ScramLoginModule required;`],
          [`listener.name.${name}.scram-sha-512.sasl.jaas.config`, `${login}.scram.ScramLoginModule required;`],
        ]),
      ),
    };
    const lines = Object.entries(properties).map(([name, value]) => `${name}=${value.replaceAll('\\', '\\\\')}\n`);
    writeFileSync(this.#config, lines.join(''));
    const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${USER},password="${quoted}"]`,
    ]);
    const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', this.#config, ...users];
    const done = await command('java', [...this.#java, ...format]);
    check(done.status === 0, "Kafka's storage is made", done.stdout + done.stderr);
  }
}

/** The certificate of another authority, which no Kafka here uses. */
export async function strangeCa(folder: string): Promise<string> {
  const path = join(folder, 'strange.pem');
  const store = ['-alias', 'x', '-keystore', join(folder, 'x.p12'), '-storetype', 'PKCS12', '-storepass', 'secret'];
  await command('keytool', ['-genkeypair', ...store, '-dname', 'CN=strange', '-keyalg', 'RSA', '-ext', 'BC=ca:true']);
  writeFileSync(path, (await command('keytool', ['-exportcert', '-rfc', ...store])).stdout);
  check(readFileSync(path, 'utf8').includes('BEGIN CERTIFICATE'), 'a certificate is made', path);
  return path;
}
