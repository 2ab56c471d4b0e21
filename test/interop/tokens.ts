// What a user of Kafka's listeners has beside rights: delegation tokens by Kafka's DelegationTokenCommand, quotas by its
// ConfigCommand, and sessions that end (KIP-48, KIP-13, KIP-368). The producers of Java and of librdkafka are the user.
import { join } from 'node:path';
import { nodeHost } from '@milepost/node-host';
import { PrometheusMeter } from '@milepost/telemetry';
import { BrokerUnderTest } from '../../libs/broker/src/testing/broker-under-test.ts';
import { check, command, type Finished, type Report } from '../support/run.ts';
import { here } from './here.ts';
import { type Jvm, propertiesFile } from './jvm.ts';
import { installed, interpreter } from './python.ts';

const ADMIN = { username: 'admin', password: 'correct-horse' };
const ALICE = { username: 'alice', password: 'diesel' };
const SESSION_MS = 3_000;
const RECORD_BYTES = 1_000;

interface Login {
  readonly username: string;
  readonly password: string;
  readonly isToken?: boolean;
}

export async function tokenCases(report: Report, _broker: string, jvm: Jvm, folder: string): Promise<void> {
  const users = new Users(jvm, folder);
  await users.begin();
  try {
    await report.run('DelegationTokenCommand creates a token, and Java produces by it as its owner', () =>
      users.produceByToken(),
    );
    await report.run('DelegationTokenCommand creates a token for another user with that right only', () =>
      users.createForOthers(),
    );
    await report.run('DelegationTokenCommand renews and expires a token, which is good for nothing then', () =>
      users.renewAndExpire(),
    );
    await report.run(
      'ConfigCommand sets quotas of a user, of its clients and of all users, and Java is throttled',
      () => users.quotas(),
    );
    await report.run('Java authenticates again before its session ends', () => users.reauthenticate());
    const absent = await installed();
    if (absent) report.skip('confluent-kafka authenticates again', absent);
    else
      await report.run('confluent-kafka authenticates again before its session ends', () =>
        users.reauthenticateInPython(),
      );
  } finally {
    await users.end();
  }
}

class Users {
  readonly #jvm: Jvm;
  readonly #folder: string;
  readonly #meter = new PrometheusMeter();
  readonly #broker: BrokerUnderTest;
  #configs = 0;
  #token: Login = { username: '', password: '', isToken: true };

  constructor(jvm: Jvm, folder: string) {
    this.#jvm = jvm;
    this.#folder = folder;
    this.#broker = new BrokerUnderTest(nodeHost({ meter: this.#meter }), join(folder, 'data'), {
      listeners: 'SASL_PLAINTEXT://:9092',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'delegation.token.secret.key': 'of every broker',
      'connections.max.reauth.ms': String(SESSION_MS),
    });
  }

  async begin(): Promise<void> {
    await this.#broker.start({ admin: ADMIN });
    for (const { username, password } of [ALICE, { username: 'bob', password: 'petrol' }])
      await this.#config(`SCRAM-SHA-256=[password=${password}]`, '--entity-type', 'users', '--entity-name', username);
    await this.#acl('User:alice', '--producer', '--topic', 'trucks');
  }

  end(): Promise<void> {
    return this.#broker.stop();
  }

  async produceByToken(): Promise<void> {
    const made = await this.#tokens(
      ALICE,
      '--create',
      '--max-life-time-period',
      '-1',
      '--renewer-principal',
      'User:bob',
    );
    const [, id = '', hmac = ''] = /^(\S+)\s+(\S+)\s+User:alice\s+User:alice\s+\[User:bob\]/m.exec(made.stdout) ?? [];
    check(id !== '', 'the token is printed', made.stdout + made.stderr);
    this.#token = { username: id, password: hmac, isToken: true };
    const { stdout, stderr } = await this.#produce(this.#token, 20);
    check(/"acked":20/.test(stdout), 'records are acknowledged', stdout + stderr);
    const again = await this.#tokens(this.#token, '--create', '--max-life-time-period', '-1');
    check(/not allowed/.test(again.stderr + again.stdout), 'by a token there is no other', again.stderr + again.stdout);
  }

  async createForOthers(): Promise<void> {
    const create = ['--create', '--max-life-time-period', '60000', '--owner-principal', 'User:bob'];
    const denied = await this.#tokens(ALICE, ...create);
    check(/authorization failed/i.test(denied.stderr + denied.stdout), 'it is denied', denied.stderr + denied.stdout);
    await this.#acl('User:alice', '--operation', 'CreateTokens', '--user-principal', 'User:bob');
    const made = await this.#tokens(ALICE, ...create);
    check(/User:bob\s+User:alice/.test(made.stdout), 'it is created', made.stdout + made.stderr);
    const describe = ['--describe', '--owner-principal', 'User:bob'];
    const seen = await this.#tokens({ username: 'bob', password: 'petrol' }, ...describe);
    check(/number of tokens : 2/.test(seen.stdout), 'bob sees his token and the one that he may renew', seen.stdout);
  }

  async renewAndExpire(): Promise<void> {
    const hmac = ['--hmac', this.#token.password];
    const renewed = await this.#tokens(ALICE, '--renew', '--renew-time-period', '60000', ...hmac);
    check(/Completed renew/.test(renewed.stdout), 'it is renewed', renewed.stdout + renewed.stderr);
    const expired = await this.#tokens(ALICE, '--expire', '--expiry-time-period', '-1', ...hmac);
    check(/Completed expire/.test(expired.stdout), 'it is expired', expired.stdout + expired.stderr);
    const refused = await this.#produce(this.#token, 1);
    check(/Authentication failed/i.test(refused.stdout + refused.stderr), 'the login is refused', refused.stderr);
  }

  async quotas(): Promise<void> {
    const quota = (bytes: number) => `producer_byte_rate=${bytes}`;
    const free = await this.#perform(ALICE, 'any');
    check(free.throttledMs === 0, 'without a quota there is no throttle', free.text);
    await this.#config(quota(20_000), '--entity-type', 'users', '--entity-default');
    check((await this.#perform(ALICE, 'any')).throttledMs > 0, 'the quota of all users throttles', '');
    await this.#config(quota(100_000_000), '--entity-type', 'users', '--entity-name', 'alice');
    check((await this.#perform(ALICE, 'any')).throttledMs === 0, "the user's own quota counts more", '');
    const slow = [
      '--entity-type',
      'users',
      '--entity-name',
      'alice',
      '--entity-type',
      'clients',
      '--entity-name',
      'slow',
    ];
    await this.#config(quota(20_000), ...slow);
    check((await this.#perform(ALICE, 'slow')).throttledMs > 0, "that of the user's client counts still more", '');
    check((await this.#perform(ALICE, 'other')).throttledMs === 0, 'and not for another client', '');
    const described = await this.#tool('kafka.admin.ConfigCommand', ADMIN, '--describe', '--entity-type', 'users');
    check(
      /producer_byte_rate=2\.0?E?4|producer_byte_rate=20000/.test(described.stdout),
      'they are described',
      described.stdout,
    );
  }

  async reauthenticate(): Promise<void> {
    const before = await this.#sessions();
    // Four sessions long.
    const { stdout, stderr } = await this.#produce(ALICE, 60, '--throughput', '5');
    check(/"acked":60/.test(stdout), 'Java writes on', stdout + stderr);
    await this.#expectRenewedSince(before);
  }

  async reauthenticateInPython(): Promise<void> {
    const before = await this.#sessions();
    const { username, password } = ALICE;
    const args = [this.#broker.bootstrap, username, password, 'trucks', String((4 * SESSION_MS) / 1_000)];
    const { stdout, stderr } = await command(interpreter, [here('python', 'session.py'), ...args]);
    check(/"errors": \[\]/.test(stdout), 'it writes on without an error', stdout + stderr);
    await this.#expectRenewedSince(before);
  }

  /** Sessions that were renewed, and connections that were closed as they were used after their session. */
  async #sessions(): Promise<{ renewed: number; expired: number }> {
    const text = await this.#meter.text();
    const counted = (name: string): number =>
      [...text.matchAll(new RegExp(`^kafka_server_\\w+_${name}_total(?:\\{[^}]*\\})? (\\d+)`, 'gm'))].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    return { renewed: counted('successful_reauthentication'), expired: counted('expired_connections_killed') };
  }

  async #expectRenewedSince({ renewed, expired }: { renewed: number; expired: number }): Promise<void> {
    const now = await this.#sessions();
    check(now.renewed > renewed, 'it has authenticated again', now);
    check(now.expired === expired, 'no session has ended in use', now);
  }

  async #perform(login: Login, clientId: string): Promise<{ throttledMs: number; text: string }> {
    const config = this.#configFile(login, { 'client.id': clientId, acks: 1 });
    const args = [
      '--topic',
      'trucks',
      '--num-records',
      '400',
      '--record-size',
      String(RECORD_BYTES),
      '--throughput',
      '-1',
    ];
    const on = ['--bootstrap-server', this.#broker.bootstrap, '--command-config', config, '--print-metrics'];
    const { stdout, stderr } = await this.#jvm.run('org.apache.kafka.tools.ProducerPerformance', [...args, ...on]);
    check(/400 records sent/.test(stdout), 'all records are sent', stdout + stderr);
    return { throttledMs: Number(/produce-throttle-time-max[^\n]*: ([\d.]+)/.exec(stdout)?.[1] ?? -1), text: stdout };
  }

  #produce(login: Login, count: number, ...more: string[]): Promise<Finished> {
    const config = this.#configFile(login, { 'max.block.ms': 20_000 });
    const args = ['--topic', 'trucks', '--max-messages', String(count), '--command-config', config, ...more];
    return this.#jvm.run('org.apache.kafka.tools.VerifiableProducer', [
      '--bootstrap-server',
      this.#broker.bootstrap,
      ...args,
    ]);
  }

  #tokens(login: Login, ...args: string[]): Promise<Finished> {
    return this.#tool('org.apache.kafka.tools.DelegationTokenCommand', login, ...args);
  }

  async #config(value: string, ...entity: string[]): Promise<void> {
    const set = await this.#tool('kafka.admin.ConfigCommand', ADMIN, '--alter', '--add-config', value, ...entity);
    check(set.status === 0, `ConfigCommand sets ${value}`, set.stderr + set.stdout);
  }

  async #acl(principal: string, ...args: string[]): Promise<void> {
    const add = ['--add', '--allow-principal', principal, ...args];
    const { status, stdout, stderr } = await this.#tool('org.apache.kafka.tools.AclCommand', ADMIN, ...add);
    check(status === 0 && !/Error/.test(stdout), `AclCommand ${args.join(' ')} succeeds`, stdout + stderr);
  }

  #tool(name: string, login: Login, ...args: string[]): Promise<Finished> {
    const config = this.#configFile(login);
    return this.#jvm.run(name, ['--bootstrap-server', this.#broker.bootstrap, '--command-config', config, ...args]);
  }

  #configFile({ username, password, isToken }: Login, more: Readonly<Record<string, string | number>> = {}): string {
    const options = `username="${username}" password="${password}"${isToken ? ' tokenauth="true"' : ''}`;
    return propertiesFile(join(this.#folder, `client-${++this.#configs}.properties`), {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': username === ADMIN.username ? 'SCRAM-SHA-512' : 'SCRAM-SHA-256',
      'sasl.jaas.config': `org.apache.kafka.common.security.scram.ScramLoginModule required ${options};`,
      ...more,
    });
  }
}
