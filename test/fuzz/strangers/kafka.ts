// Strangers at a Kafka listener with SASL, on a simulated machine: requests and tokens before the login, cut, mangled, in any
// order.
//
//   every connection    is ended by the broker, whatever its client sent
//   no stranger         is told of a topic
//   in the end          nothing was logged as an error, no connection and no timer is left, and the administrator logs in
import type { Connection } from '@milepost/core';
import { type DeriveKey, logInByScram } from '@milepost/security';
import type { SimRandom } from '@milepost/simulator';
import {
  type AnyApi,
  ApiVersions,
  CreateTopics,
  Metadata,
  requestFrame,
  SaslAuthenticate,
  SaslHandshake,
} from '@milepost/wire';
import { handlers } from '../../../libs/broker/src/handlers/index.ts';
import { BrokerUnderTest } from '../../../libs/broker/src/testing/broker-under-test.ts';
import type { RawClient } from '../../../libs/broker/src/testing/raw-client.ts';
import { Misbehaviour } from '../conversation.ts';
import { mutated } from '../mutation.ts';
import { makeRequest } from '../request.ts';
import { Values } from '../values.ts';
import { World } from '../world.ts';
import { garbage, mangled } from './mangle.ts';
import type { StrangerRound } from './stranger.ts';

const ADMIN = { username: 'admin', password: 'correct horse' };
const SECRET = 'secret-of-the-fleet';
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'SCRAM-SHA-512', 'GSSAPI', ''];
const AT_ONCE = 40;
const MOST_FRAMES = 5;
/** A connection must have ended by then: the limits of the broker are below it. */
const PATIENCE_MS = 180_000;

const apis = handlers.map(({ api }) => api);

export const kafkaRound: StrangerRound = async (seed, inputs, tally) => {
  const world = new World(seed);
  const { clock, random } = world;
  const broker = new BrokerUnderTest(world.host, '/data', {
    listeners: 'SASL_PLAINTEXT://:9092',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  });
  await clock.settle(broker.start({ admin: ADMIN }));
  await asAdministrator(broker, world, (client) =>
    client.ask(CreateTopics, 5, { topics: [{ name: SECRET, numPartitions: 1, replicationFactor: 1 }] }),
  );
  const values = new Values(random.fork(), () => clock.now());
  for (let left = inputs; left > 0; ) {
    const strangers = await Promise.all(
      Array.from({ length: AT_ONCE }, () => clock.settle(Stranger.open(world, broker, values))),
    );
    for (let frames = 0; frames < MOST_FRAMES; frames++)
      for (const stranger of strangers) {
        left -= stranger.sendOne();
        if (random.chance(0.5))
          await clock.settle(new Promise<void>((resolve) => clock.after(random.below(50), resolve)));
      }
    for (const stranger of strangers) stranger.askForTopics();
    await clock.until(() => strangers.every(({ isClosed }) => isClosed), PATIENCE_MS).catch(() => {});
    for (const stranger of strangers) {
      stranger.judge();
      tally.connections++;
      if (stranger.received.length > 0) tally.answered++;
    }
  }
  tally.inputs += inputs;
  await asAdministrator(broker, world, async (client) => {
    const { topics } = await client.ask(Metadata, 12, { topics: null });
    if (!topics.some(({ name }) => name === SECRET)) throw new Misbehaviour('the topic is gone');
  });
  await clock.until(() => world.connections.live === 0, PATIENCE_MS);
  await clock.settle(broker.stop(), PATIENCE_MS);
  await clock.until(() => world.timers.live === 0, PATIENCE_MS);
  if (world.errors.length > 0) throw new Misbehaviour(`an error was logged: ${world.errors[0]}`);
};

class Stranger {
  readonly #random: SimRandom;
  readonly #values: Values;
  readonly #sent: string[] = [];
  #connection!: Connection;
  #correlationId = 0;
  #hasShakenHands = false;
  received = Buffer.alloc(0);
  isClosed = false;

  static async open({ network, random }: World, broker: BrokerUnderTest, values: Values): Promise<Stranger> {
    const stranger = new Stranger(random.fork(), values);
    stranger.#connection = await network.connect(broker.broker.address, {
      bytes: (chunk) => (stranger.received = Buffer.concat([stranger.received, chunk])),
      drained: () => {},
      closed: () => (stranger.isClosed = true),
    });
    return stranger;
  }

  private constructor(random: SimRandom, values: Values) {
    this.#random = random;
    this.#values = values;
  }

  /** The number of inputs: 1, or 0 for a connection that was closed. */
  sendOne(): number {
    if (this.isClosed) return 0;
    const frame = this.#frame();
    this.#send(this.#random.chance(0.3) ? mutated(frame, this.#random) : frame);
    return 1;
  }

  /** The last that it sends: nobody may answer that. */
  askForTopics(): void {
    if (!this.isClosed) this.#send(this.#request(Metadata, 12, { topics: null }));
  }

  judge(): void {
    const story = `${this.#sent.join(' ')}, received ${this.received.toString('hex', 0, 400)}`;
    if (!this.isClosed) throw new Misbehaviour(`a stranger is still connected: sent ${story}`);
    if (this.received.includes(SECRET)) throw new Misbehaviour(`a stranger was told of a topic: sent ${story}`);
  }

  #send(bytes: Buffer): void {
    this.#sent.push(bytes.toString('hex', 0, 200));
    this.#connection.send([bytes]);
  }

  /** As a client would begin, mostly; any frame at any time otherwise. */
  #frame(): Buffer {
    const random = this.#random;
    const isInOrder = random.chance(0.7);
    const step = this.#sent.length;
    if (isInOrder && step === 0 && random.chance(0.3))
      return this.#request(ApiVersions, random.below(5), { clientSoftwareName: 'x', clientSoftwareVersion: '1' });
    if (isInOrder && step <= 1 && !this.#hasShakenHands) return this.#handshake();
    if (isInOrder || random.chance(0.5)) return random.chance(0.8) ? this.#authenticate() : this.#bareToken();
    return random.chance(0.3)
      ? this.#handshake()
      : makeRequest(apis, this.#correlationId++, { random, values: this.#values }).bytes;
  }

  #handshake(): Buffer {
    this.#hasShakenHands = true;
    return this.#request(SaslHandshake, this.#random.below(2), { mechanism: this.#random.pick(MECHANISMS) });
  }

  #authenticate(): Buffer {
    return this.#request(SaslAuthenticate, this.#random.below(3), { authBytes: this.#token() });
  }

  /** As it follows a handshake of version 0. */
  #bareToken(): Buffer {
    const token = this.#token();
    return Buffer.concat([lengthOf(token), token]);
  }

  #token(): Buffer {
    const random = this.#random;
    const user = random.pick(['admin', 'nobody', '', 'a=2Cb', 'a=b', '\u{1F69A}', 'x'.repeat(300)]);
    const good = random.pick([
      `\0${user}\0wrong`,
      `n,,n=${user},r=${random.uuid()}`,
      `y,a=${user},n=${user},r=${random.uuid()},tokenauth=true`,
      this.#finalMessage(),
      '',
    ]);
    const token = Buffer.from(good);
    return random.chance(0.5) ? mangled(token, random) : token;
  }

  /** To the last challenge, with a proof that is none, and sometimes with another nonce. */
  #finalMessage(): string {
    const nonce = /r=([0-9a-zA-Z-]+)/.exec(this.received.toString('latin1').slice(-500))?.[1] ?? this.#random.uuid();
    const header = this.#random.pick(['biws', 'eSws', 'cD10bHM=']);
    return `c=${header},r=${nonce},p=${garbage(this.#random.pick([0, 16, 32, 64]), this.#random).toString('base64')}`;
  }

  #request(api: AnyApi, apiVersion: number, body: object): Buffer {
    return requestFrame(api, { apiVersion, correlationId: this.#correlationId++, clientId: 'stranger' }, body as never);
  }
}

function lengthOf({ length }: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(length);
  return bytes;
}

async function asAdministrator(
  broker: BrokerUnderTest,
  world: World,
  work: (client: RawClient) => Promise<unknown>,
): Promise<void> {
  const { clock } = world;
  const client = await clock.settle(broker.client());
  await clock.settle(logIn(client, world));
  await clock.settle(work(client));
  client.close();
}

async function logIn(client: RawClient, { host }: World): Promise<void> {
  await client.ask(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' });
  const exchange = async (authBytes: Buffer): Promise<Buffer> => {
    const response = await client.ask(SaslAuthenticate, 2, { authBytes });
    if (response.errorCode !== 0) throw new Misbehaviour(`the administrator is refused: ${response.errorMessage}`);
    return response.authBytes;
  };
  const derive: DeriveKey = (...input) => host.keys.pbkdf2(...input);
  await logInByScram({ mechanism: 'SCRAM-SHA-256', ...ADMIN }, host.random.uuid(), derive, exchange);
}
