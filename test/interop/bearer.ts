// Clients that log in with the token of an identity provider (SASL/OAUTHBEARER), on a broker of our own. The provider is in
// this process: it signs what it is told to, and its keys are at an HTTP address.
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nodeHost, nodeReadText } from '@milepost/node-host';
import { BrokerUnderTest } from '../../libs/broker/src/testing/broker-under-test.ts';
import { TokenIssuer, unsignedToken } from '../support/token-issuer.ts';
import { cleanUp, dataFolder } from '../support/program.ts';
import { check, command, missing, type Report } from '../support/run.ts';
import { here } from './here.ts';
import { Jvm, propertiesFile } from './jvm.ts';
import { installed, interpreter } from './python.ts';

const RECORDS = 20;

export async function bearerCases(report: Report): Promise<void> {
  const door = await TokenDoor.open();
  try {
    const withoutPython = await installed();
    if (withoutPython) report.skip('confluent-kafka with a token', withoutPython);
    else {
      await report.run('confluent-kafka writes and reads with a token of the provider', () => door.confluent());
      await report.run('confluent-kafka is refused with a token that does not count', () => door.confluentRefused());
    }
    const withoutKcat = await missing('kcat', '-V');
    if (withoutKcat) report.skip('kcat with an unsigned token', withoutKcat);
    else await report.run('kcat is refused with a token that it has made itself', () => door.kcatRefused());
    const jvm = await Jvm.found();
    if (typeof jvm === 'string') report.skip("Kafka's Java client with a token", jvm);
    else await report.run("Kafka's Java client writes with a token of the provider", () => door.java(jvm));
  } finally {
    await door.close();
  }
}

class TokenDoor {
  readonly #issuer: TokenIssuer;
  readonly #keys: Server;
  readonly #broker: BrokerUnderTest;
  readonly #folder: string;

  private constructor(issuer: TokenIssuer, keys: Server, broker: BrokerUnderTest, folder: string) {
    this.#issuer = issuer;
    this.#keys = keys;
    this.#broker = broker;
    this.#folder = folder;
  }

  static async open(): Promise<TokenDoor> {
    const folder = dataFolder();
    const issuer = await TokenIssuer.withKey();
    const keys = createServer((_request, response) => void issuer.keySet().then((text) => response.end(text)));
    await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
    const broker = new BrokerUnderTest(nodeHost(), join(folder, 'log'), {
      listeners: 'SASL_PLAINTEXT://:9092',
      'sasl.enabled.mechanisms': 'OAUTHBEARER',
      'sasl.oauthbearer.jwks.endpoint.url': `http://127.0.0.1:${(keys.address() as AddressInfo).port}/keys`,
      'sasl.oauthbearer.expected.issuer': issuer.issuer,
      'sasl.oauthbearer.expected.audience': issuer.audience,
      'sasl.oauthbearer.sub.claim.name': 'client_id',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:depot',
    });
    await broker.start({ readText: nodeReadText });
    return new TokenDoor(issuer, keys, broker, folder);
  }

  async close(): Promise<void> {
    this.#keys.close();
    await this.#broker.stop();
    await cleanUp();
  }

  /** Only depot may do anything: who the client is comes from the claim. */
  async confluent(): Promise<void> {
    const seen = await this.#confluent('of-depot', [await this.#token()]);
    check(seen['delivered'] === RECORDS && seen['read'] === RECORDS, `${RECORDS} records are written and read`, seen);
    const other = await this.#confluent('of-another', [await this.#token({ client_id: 'another' })]);
    check(JSON.stringify(other['failed']).includes('AUTHORIZATION'), 'another client may not write', other);
  }

  async confluentRefused(): Promise<void> {
    const now = Math.floor(Date.now() / 1_000);
    const stranger = await TokenIssuer.withKey();
    const tokens = {
      expired: await this.#token({ exp: now - 3_600 }),
      'for another audience': await this.#token({ aud: 'payroll' }),
      unsigned: unsignedToken({ client_id: 'depot', exp: now + 3_600 }),
      'by another key': await stranger.token('x', Date.now(), { client_id: 'depot' }),
    };
    for (const [name, token] of Object.entries(tokens)) {
      const seen = await this.#confluent('of-nobody', [token]);
      check(seen['delivered'] === 0, `nothing is written with a token that is ${name}`, seen);
      check(/invalid_token|authentication/i.test(JSON.stringify(seen['errors'])), 'the client is told so', seen);
    }
  }

  async kcatRefused(): Promise<void> {
    const login = ['security.protocol=SASL_PLAINTEXT', 'sasl.mechanism=OAUTHBEARER'];
    const unsigned = ['enable.sasl.oauthbearer.unsecure.jwt=true', 'sasl.oauthbearer.config=principal=depot'];
    const options = [...login, ...unsigned].flatMap((option) => ['-X', option]);
    const seen = await command('kcat', ['-b', this.#broker.bootstrap, ...options, '-L', '-m', '10']);
    check(seen.status !== 0, 'nothing is listed', seen.stdout);
    check(/invalid_token|authentication/i.test(seen.stderr), 'the client is told so', seen.stderr);
  }

  async java(jvm: Jvm): Promise<void> {
    const token = this.#file('token', await this.#token());
    const url = pathToFileURL(token).href;
    const config = propertiesFile(join(this.#folder, 'client.properties'), {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.jaas.config': 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
      'sasl.login.callback.handler.class':
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler',
      'sasl.oauthbearer.token.endpoint.url': url,
      'sasl.oauthbearer.sub.claim.name': 'client_id',
    });
    const args = ['--bootstrap-server', this.#broker.bootstrap, '--topic', 'of-java'];
    const most = ['--max-messages', String(RECORDS), '--command-config', config];
    const allowed = ['urls', 'files'].map(
      (kind) => `-Dorg.apache.kafka.sasl.oauthbearer.allowed.${kind}=${kind === 'urls' ? url : token}`,
    );
    const seen = await jvm.run('org.apache.kafka.tools.VerifiableProducer', [...args, ...most], undefined, allowed);
    check(seen.stdout.includes(`"acked":${RECORDS}`), `${RECORDS} records are acknowledged`, seen.stdout + seen.stderr);
  }

  #token(claims: object = {}): Promise<string> {
    return this.#issuer.token('service-account', Date.now(), { client_id: 'depot', ...claims });
  }

  async #confluent(topic: string, tokens: readonly string[]): Promise<Record<string, unknown>> {
    const file = this.#file('tokens', tokens.join('\n'));
    const args = [here('python', 'bearer.py'), this.#broker.bootstrap, topic, file, String(RECORDS)];
    const { status, stdout, stderr } = await command(interpreter, args);
    check(status === 0, 'the client ends well', stderr);
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  }

  #file(name: string, text: string): string {
    writeFileSync(join(this.#folder, name), text);
    return join(this.#folder, name);
  }
}
