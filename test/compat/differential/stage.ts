// The environment of a scenario: a broker, its own names, and a transcript of every response.
//
// A scenario does not know which broker it uses. Topics and groups have a prefix that is new each time, so that one
// broker serves all scenarios, side by side, and each begins empty.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Address, ByteReader, ErrorCode } from '@milepost/core';
import { nodeKeyDerivation, nodeNetwork } from '@milepost/node-host';
import { type DeriveKey, LEAST_ITERATIONS, logInByScram, SaslRefused } from '@milepost/security';
import {
  AlterUserScramCredentials,
  type AnyApi,
  apiOf,
  Metadata,
  readResponseHeader,
  type RequestInput,
  type ResponseOutput,
  SaslAuthenticate,
  SaslHandshake,
} from '@milepost/wire';
import { RawClient } from '../../../libs/broker/src/testing/raw-client.ts';
import type { BrokerUnderTest } from '../brokers.ts';
import { Normal } from './normal.ts';

export interface Scenario {
  /** `area/subject`. */
  readonly name: string;
  /** It plays on a broker with an authorizer, to whose second listener users log in. */
  readonly isLocked?: boolean;
  play(on: Stage): Promise<void>;
}

/** One response, in the form for comparison. */
export interface Line {
  readonly scenario: string;
  readonly label: string;
  readonly answer: unknown;
}

const ANSWER_LIMIT_MS = 60_000;
const WAIT_LIMIT_MS = 30_000;
const RAW_ANSWER_LIMIT_MS = 30_000;
const SCRAM_SHA_256 = 1;
const derive: DeriveKey = (...input) => nodeKeyDerivation.pbkdf2(...input);

/** Plain numbers and texts where the schema has branded ones: scenarios send wrong values, too. */
export type Loose<T> = T extends number
  ? number
  : T extends string
    ? string
    : T extends bigint | boolean | null | undefined | Uint8Array
      ? T
      : T extends readonly (infer Item)[]
        ? readonly Loose<Item>[]
        : { readonly [K in keyof T]: Loose<T[K]> };

type Said<A> = Loose<RequestInput<A>>;
type Heard<A> = Loose<ResponseOutput<A>>;

/** The broker closed the connection, or did not respond. */
export class Unanswered extends Error {}

export class Stage {
  readonly transcript: Line[] = [];
  readonly #scenario: string;
  readonly #address: Address;
  /** Of the listener with SASL. */
  readonly #locked: Address;
  readonly #clients = new Map<string, Promise<RawClient>>();
  readonly #prefix = `d${randomBytes(4).toString('hex')}-`;
  readonly #normal: Normal;

  constructor(scenario: string, { bootstrap, sasl = bootstrap }: Pick<BrokerUnderTest, 'bootstrap' | 'sasl'>) {
    this.#scenario = scenario;
    this.#address = addressIn(bootstrap);
    this.#locked = addressIn(sasl);
    this.#normal = new Normal(this.#prefix);
  }

  /** A name that no other scenario uses, for a topic, a group or anything else. */
  own(name: string): string {
    return `${this.#prefix}${name}`;
  }

  isOwn(name: string | null): boolean {
    return name?.startsWith(this.#prefix) ?? false;
  }

  versions({ oldest, newest }: AnyApi): number[] {
    return Array.from({ length: newest - oldest + 1 }, (_, index) => oldest + index);
  }

  /** Sends a request without recording the response: preparation of a scenario. @throws Unanswered */
  async get<A extends AnyApi>(
    api: A,
    version: number,
    body: Said<A>,
    { via = 'main', limitMs = ANSWER_LIMIT_MS }: { via?: string; limitMs?: number } = {},
  ): Promise<Heard<A>> {
    const client = await this.#client(via);
    const limit = new AbortController();
    try {
      const silence = delay(limitMs, undefined, { signal: limit.signal }).then(() => {
        throw new Unanswered('no answer');
      });
      silence.catch(() => {});
      const answer = client.ask(api, version, body as RequestInput<A>);
      answer.catch(() => {}); // it may fail after the limit
      return (await Promise.race([answer, silence])) as Heard<A>;
    } catch (failure) {
      await this.hangUp(via);
      if (failure instanceof TypeError) throw failure; // not a request that this version can carry
      throw failure instanceof Unanswered ? failure : new Unanswered(reasonOf(failure));
    } finally {
      limit.abort();
    }
  }

  /** Sends a request and records the response for comparison. @throws Unanswered, which is recorded, too */
  async ask<A extends AnyApi>(
    label: string,
    api: A,
    version: number,
    body: Said<A>,
    { keep, ...how }: { via?: string; limitMs?: number; keep?: (answer: Heard<A>) => unknown } = {},
  ): Promise<Heard<A>> {
    const note = this.#reserve(label);
    try {
      const answer = await this.get(api, version, body, how);
      note(keep ? keep(answer) : answer);
      return answer;
    } catch (failure) {
      note(reasonOf(failure));
      throw failure;
    }
  }

  /** Like `ask`, if nothing that follows depends on the response. */
  async see<A extends AnyApi>(...asked: Parameters<typeof this.ask<A>>): Promise<void> {
    await this.ask<A>(...asked).catch((failure: unknown) => {
      if (!(failure instanceof Unanswered)) throw failure;
    });
  }

  /**
   * Sends bytes that may not be a request, on a separate connection, and records what is returned, if anything. It is
   * decoded as a response to the API and version that the bytes begin with.
   */
  async raw(label: string, frame: Buffer, { isWhole = false, waitMs = RAW_ANSWER_LIMIT_MS } = {}): Promise<void> {
    const note = this.#reserve(label);
    const client = await RawClient.connect(nodeNetwork, this.#address);
    try {
      const length = Buffer.alloc(4);
      length.writeInt32BE(frame.length);
      const next = client.nextFrame().then(
        (answer) => ({ answered: answerTo(frame, answer) }),
        () => 'closed',
      );
      client.send(isWhole ? frame : Buffer.concat([length, frame]));
      note(await Promise.race([next, delay(waitMs, 'no answer')]));
    } finally {
      client.close();
    }
  }

  /** Records something that a scenario has observed itself. */
  note(label: string, value: unknown): void {
    this.#reserve(label)(value);
  }

  /** Waits until it holds: Kafka's brokers learn of a change a little later than its controller reports it. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + WAIT_LIMIT_MS;
    while (!(await holds())) {
      if (performance.now() > end) throw new Error('what was waited for did not come');
      await delay(20);
    }
  }

  /** Creates the user, whose password is its name. */
  async createUser(name: string): Promise<void> {
    const [salt, iterations] = [Buffer.from('salt'), LEAST_ITERATIONS];
    const saltedPassword = await derive(name, salt, iterations, 'sha256');
    const upsertions = [{ name, mechanism: SCRAM_SHA_256, iterations, salt, saltedPassword }];
    const { results } = await this.get(AlterUserScramCredentials, 0, { deletions: [], upsertions });
    if (results[0]?.errorCode !== ErrorCode.NONE) throw new Error(`${name} was not created: ${results[0]?.errorCode}`);
  }

  /** Requests `via` the user's name are its own from now on. @throws Unanswered, SaslRefused */
  async logIn(name: string): Promise<void> {
    const client = await RawClient.connect(nodeNetwork, this.#locked);
    await this.hangUp(name);
    this.#clients.set(name, Promise.resolve(client));
    await this.get(SaslHandshake, 1, { mechanism: 'SCRAM-SHA-256' }, { via: name });
    const login = { mechanism: 'SCRAM-SHA-256', username: name, password: name } as const;
    await logInByScram(login, randomBytes(16).toString('hex'), derive, async (authBytes) => {
      const { errorMessage, authBytes: token } = await this.get(SaslAuthenticate, 2, { authBytes }, { via: name });
      if (errorMessage) throw new SaslRefused(errorMessage, 'for the client');
      return Buffer.from(token);
    });
  }

  async hangUp(via = 'main'): Promise<void> {
    const client = this.#clients.get(via);
    this.#clients.delete(via);
    (await client)?.close();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.keys()].map((via) => this.hangUp(via)));
  }

  async topicIds(): Promise<ReadonlyMap<string, string>> {
    const { topics } = await this.get(Metadata, 12, { topics: null, allowAutoTopicCreation: false });
    return new Map(topics.flatMap(({ name, topicId }) => (name === null ? [] : [[name, topicId]])));
  }

  #client(via: string): Promise<RawClient> {
    let client = this.#clients.get(via);
    if (client === undefined) this.#clients.set(via, (client = RawClient.connect(nodeNetwork, this.#address)));
    return client;
  }

  /** Lines are in the order of the requests, not of the responses. */
  #reserve(label: string): (answer: unknown) => void {
    const at = this.transcript.length;
    if (this.transcript.some((line) => line.label === label)) throw new Error(`${this.#scenario}: ${label} twice`);
    this.transcript.push({ scenario: this.#scenario, label, answer: 'never answered' });
    return (answer) => {
      this.transcript[at] = { scenario: this.#scenario, label, answer: this.#normal.of(answer) };
    };
  }
}

function addressIn(bootstrap: string): Address {
  const [host = '', port] = bootstrap.split(':');
  return { host, port: Number(port) };
}

const reasonOf = (failure: unknown): string => {
  const { message } = failure as Error;
  return message === 'the connection was closed' ? 'closed' : message;
};

function answerTo(request: Buffer, answer: Buffer): unknown {
  const api = apiOf(request.readInt16BE(0));
  if (!api) return answer.toString('hex');
  const asked = request.readInt16BE(2);
  const version = api.supports(asked) ? asked : api.oldest;
  const reader = new ByteReader(answer);
  readResponseHeader(reader, api, version);
  return api.response(version).read(reader);
}
