// Locked doors: an administrator and a user with few rights, over TLS, by password and by certificate, on a broker of our own
// with an authorizer. Kafka's AclCommand grants; kcat and confluent-kafka are the user.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeHost } from '@milepost/node-host';
import { BrokerUnderTest } from '../../libs/broker/src/testing/broker-under-test.ts';
import { Authority } from '../support/certificates.ts';
import { check, command, type Finished, missing, type Report } from '../support/run.ts';
import { here } from './here.ts';
import { type Jvm, propertiesFile } from './jvm.ts';
import { installed, interpreter } from './python.ts';

const ADMIN = { username: 'admin', password: 'correct-horse' };
const ACL_COMMAND = 'org.apache.kafka.tools.AclCommand';
const CONFIG_COMMAND = 'kafka.admin.ConfigCommand';

export async function rightsCases(report: Report, _broker: string, jvm: Jvm, folder: string): Promise<void> {
  const door = new LockedDoor(jvm, folder);
  await door.open();
  try {
    await report.run('ConfigCommand makes a user, who logs in over TLS and may do nothing', () => door.makeAlice());
    await report.run('AclCommand grants, and kcat writes what it may', () => door.grantToKcat());
    await report.run('AclCommand denies and takes back, and kcat is refused', () => door.takeFromKcat());
    await report.run('AclCommand lists what there is, by principal and by pattern', () => door.list());
    const absent = await installed();
    if (absent) report.skip('confluent-kafka with a certificate', absent);
    else await report.run('confluent-kafka with a certificate is the user of its name', () => door.certificate());
  } finally {
    await door.close();
  }
}

class LockedDoor {
  readonly #jvm: Jvm;
  readonly #broker: BrokerUnderTest;
  readonly #ca: string;
  readonly #truck: { readonly cert: string; readonly key: string };
  readonly #folder: string;
  #config = '';

  constructor(jvm: Jvm, folder: string) {
    this.#jvm = jvm;
    this.#folder = folder;
    const authority = new Authority();
    const server = authority.issue({ subject: [['CN', 'server']], names: ['127.0.0.1', 'localhost'] });
    const truck = authority.issue({
      subject: [
        ['O', 'Depot'],
        ['CN', 'truck-1'],
      ],
    });
    this.#ca = this.#file('ca.pem', authority.cert);
    this.#truck = { cert: this.#file('truck.cert', truck.cert), key: this.#file('truck.key', truck.key) };
    this.#broker = new BrokerUnderTest(nodeHost(), join(folder, 'data'), {
      listeners: 'SASL_PLAINTEXT://:9092,SASL_SSL://127.0.0.1:0,SSL://127.0.0.1:0',
      'ssl.keystore.location': this.#file('server.pem', server.key + server.cert),
      'ssl.truststore.location': this.#ca,
      'ssl.client.auth': 'required',
      'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+),.*$/$1/',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    });
  }

  async open(): Promise<void> {
    await this.#broker.start({ admin: ADMIN, readFile: (path) => readFileSync(path) });
    this.#config = propertiesFile(join(this.#folder, 'admin.properties'), {
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required username="${ADMIN.username}" password="${ADMIN.password}";`,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': this.#ca,
    });
  }

  close(): Promise<void> {
    return this.#broker.stop();
  }

  async makeAlice(): Promise<void> {
    const user = ['--entity-type', 'users', '--entity-name', 'alice'];
    const made = await this.#tool(
      CONFIG_COMMAND,
      '--alter',
      '--add-config',
      'SCRAM-SHA-256=[password=diesel]',
      ...user,
    );
    check(made.status === 0, 'the user is made', made.stderr + made.stdout);
    const { stdout } = await this.#kcat('-L', '-J');
    check(/"topics":\[\]/.test(stdout), 'the user sees no topic', stdout);
    const written = await this.#kcatWrites('trucks');
    check(written.status !== 0 && /authorization/i.test(written.stderr), 'the user may not write', written.stderr);
  }

  async grantToKcat(): Promise<void> {
    await this.#acl('--add', '--allow-principal', 'User:alice', '--producer', '--topic', 'trucks');
    const written = await this.#kcatWrites('trucks');
    check(written.status === 0, 'the user may write', written.stderr);
    const unread = await this.#kcatReads('trucks');
    check(unread.status !== 0 || unread.stdout === '', 'the user may not read', unread.stdout);
    await this.#acl(
      '--add',
      '--allow-principal',
      'User:alice',
      '--consumer',
      '--topic',
      'tru',
      '--group',
      '*',
      '--resource-pattern-type',
      'prefixed',
    );
    const read = await this.#kcatReads('trucks');
    check(read.stdout === 'one\n', 'the user may read', read.stderr);
    const listed = await this.#kcat('-L', '-J');
    check(/"topic":"trucks"/.test(listed.stdout), 'the user sees the topic', listed.stdout);
  }

  async takeFromKcat(): Promise<void> {
    await this.#acl('--add', '--deny-principal', 'User:alice', '--operation', 'Write', '--topic', 'trucks');
    check((await this.#kcatWrites('trucks')).status !== 0, 'a denial counts more', '');
    await this.#acl(
      '--remove',
      '--force',
      '--deny-principal',
      'User:alice',
      '--operation',
      'Write',
      '--topic',
      'trucks',
    );
    check((await this.#kcatWrites('trucks')).status === 0, 'without the denial the user writes again', '');
    await this.#acl('--remove', '--force', '--allow-principal', 'User:alice', '--producer', '--topic', 'trucks');
    check((await this.#kcatWrites('trucks')).status !== 0, 'without the grant the user does not', '');
  }

  async list(): Promise<void> {
    const all = await this.#acl('--list');
    check(/resourceType=TOPIC, name=tru, patternType=PREFIXED/.test(all), 'the prefixed pattern is listed', all);
    const ofAlice = await this.#acl(
      '--list',
      '--principal',
      'User:alice',
      '--topic',
      'trucks',
      '--resource-pattern-type',
      'match',
    );
    check(/name=tru, patternType=PREFIXED/.test(ofAlice), 'the pattern that matches is listed', ofAlice);
    const ofNobody = await this.#acl('--list', '--principal', 'User:nobody');
    check(!/User:alice/.test(ofNobody), 'nobody has none', ofNobody);
  }

  async certificate(): Promise<void> {
    const write = () =>
      command(interpreter, [
        here('python', 'rights.py'),
        this.#at('SSL'),
        'by-certificate',
        this.#ca,
        this.#truck.cert,
        this.#truck.key,
      ]);
    const refused = await write();
    check(
      /"error": "TOPIC_AUTHORIZATION_FAILED"/.test(refused.stdout),
      'without rights it is refused',
      refused.stdout + refused.stderr,
    );
    await this.#acl('--add', '--allow-principal', 'User:truck-1', '--producer', '--topic', 'by-certificate');
    const written = await write();
    check(
      /"error": null/.test(written.stdout),
      'with the rights of its name it writes',
      written.stdout + written.stderr,
    );
  }

  async #acl(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.#tool(ACL_COMMAND, ...args);
    check(status === 0 && !/Error/.test(stdout), `AclCommand ${args.join(' ')} succeeds`, stdout + stderr);
    return stdout;
  }

  #tool(name: string, ...args: string[]): Promise<Finished> {
    return this.#jvm.run(name, ['--bootstrap-server', this.#at('SASL_SSL'), '--command-config', this.#config, ...args]);
  }

  #kcatWrites(topic: string): Promise<Finished> {
    return this.#kcat('-P', '-t', topic, '-X', 'message.timeout.ms=10000', '-X', 'retries=0');
  }

  #kcatReads(topic: string): Promise<Finished> {
    return this.#kcat('-C', '-t', topic, '-o', 'beginning', '-c', '1', '-e', '-q');
  }

  /** As alice, over TLS. */
  async #kcat(...args: string[]): Promise<Finished> {
    const absent = await missing('kcat', '-V');
    if (absent) throw new Error(absent);
    const login = [
      'security.protocol=SASL_SSL',
      'sasl.mechanism=SCRAM-SHA-256',
      'sasl.username=alice',
      'sasl.password=diesel',
    ];
    const options = [...login, `ssl.ca.location=${this.#ca}`].flatMap((option) => ['-X', option]);
    return command('kcat', ['-b', this.#at('SASL_SSL'), ...options, ...args], 'one\n', { limitMs: 60_000 });
  }

  #at(listener: string): string {
    return `127.0.0.1:${this.#broker.broker.listeners.get(listener)?.port}`;
  }

  #file(name: string, content: string): string {
    const path = join(this.#folder, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }
}
