import { ByteReader, type Connection, ErrorCode, type Network } from '@milepost/core';
import {
  type AnyApi,
  ApiVersions,
  FrameAssembler,
  readRequestHeader,
  responseFrame,
  SaslAuthenticate,
  SaslHandshake,
} from '@milepost/wire';
import { ManualClock, settled } from '../../core/src/testing/manual-clock.ts';
import { PeerConnection, type PeerLogin } from './peer-connection.ts';

const ADDRESS = { host: 'two', port: 9093 };
const SESSION_MS = 10_000;
const VERSIONS = { errorCode: 0, apiKeys: [], throttleTimeMs: 0 };

/** A broker that responds to what it is asked, in order, with the tokens of the test. */
class OtherBroker implements Network {
  readonly requests: string[] = [];
  connections = 0;
  closed = 0;
  /** Responses are held back. */
  isSlow = false;
  readonly #mechanisms: readonly string[];
  #held: (() => void)[] = [];

  constructor(mechanisms: readonly string[] = ['SCRAM-SHA-256']) {
    this.#mechanisms = mechanisms;
  }

  listen(): never {
    throw new Error('it does not listen here');
  }

  async connect(_: unknown, listener: Parameters<Network['connect']>[1]): Promise<Connection> {
    this.connections++;
    const frames = new FrameAssembler();
    const take = (bytes: readonly Uint8Array[]): boolean => {
      for (const frame of frames.frames(Buffer.concat(bytes))) {
        const response = this.#respond(frame);
        if (this.isSlow) this.#held.push(() => listener.bytes(response));
        else queueMicrotask(() => listener.bytes(response));
      }
      return true;
    };
    const close = (): void => void this.closed++;
    return { remote: ADDRESS, local: ADDRESS, pendingBytes: 0, send: take, pause() {}, resume() {}, close };
  }

  release(): void {
    this.isSlow = false;
    for (const respond of this.#held.splice(0)) respond();
  }

  #respond(frame: Buffer): Buffer {
    const reader = new ByteReader(frame);
    const { apiKey, apiVersion, correlationId } = readRequestHeader(reader);
    const respond = (api: AnyApi, body: object): Buffer =>
      Buffer.concat(responseFrame(api, apiVersion, correlationId, body as never) as Uint8Array[]);
    if (apiKey === ApiVersions.key) {
      this.requests.push('a request');
      return respond(ApiVersions, VERSIONS);
    }
    if (apiKey === SaslHandshake.key) {
      const { mechanism } = SaslHandshake.request(apiVersion).read(reader);
      this.requests.push(mechanism);
      const errorCode = this.#mechanisms.includes(mechanism) ? ErrorCode.NONE : ErrorCode.UNSUPPORTED_SASL_MECHANISM;
      return respond(SaslHandshake, { errorCode, mechanisms: this.#mechanisms });
    }
    const { authBytes } = SaslAuthenticate.request(apiVersion).read(reader);
    this.requests.push(authBytes.toString());
    const isRight = authBytes.toString() === 'right';
    return respond(SaslAuthenticate, {
      errorCode: isRight ? ErrorCode.NONE : ErrorCode.SASL_AUTHENTICATION_FAILED,
      errorMessage: isRight ? null : 'invalid credentials',
      authBytes: Buffer.from('welcome'),
      sessionLifetimeMs: SESSION_MS,
    });
  }
}

const clock = new ManualClock();

function connectionTo(network: OtherBroker, token = 'right'): PeerConnection {
  const login: PeerLogin = {
    mechanism: 'SCRAM-SHA-256',
    run: async (exchange) => void (await exchange(Buffer.from(token))),
  };
  return new PeerConnection(ADDRESS, { network, clock, clientId: 'one', timeoutMs: 30_000, login });
}

const ask = (connection: PeerConnection) =>
  connection.request(ApiVersions, ApiVersions.newest, { clientSoftwareName: 'one', clientSoftwareVersion: '1' });

test('requests wait for the login, and come after it in order', async () => {
  const other = new OtherBroker();
  const connection = connectionTo(other);
  await Promise.all([ask(connection), ask(connection)]);
  expect(other.requests).toEqual(['SCRAM-SHA-256', 'right', 'a request', 'a request']);
  expect(other.connections).toBe(1);
});

test('a refused login rejects what waits for it, with the reason', async () => {
  const connection = connectionTo(new OtherBroker(), 'wrong');
  await expect(ask(connection)).rejects.toThrow('two:9093: login: invalid credentials');
  expect(connection.isClosed).toBe(true);
});

test('a mechanism that the other side has not enabled is named', async () => {
  const connection = connectionTo(new OtherBroker(['PLAIN']));
  await expect(ask(connection)).rejects.toThrow('two:9093: login: expected the mechanism SCRAM-SHA-256, it has PLAIN');
});

test('before its session ends a connection takes no more requests, and closes after its last response', async () => {
  const other = new OtherBroker();
  const connection = connectionTo(other);
  await ask(connection);
  other.isSlow = true;
  const last = ask(connection);
  await settled();
  await clock.advance(SESSION_MS * 0.9);
  expect(connection.isClosed).toBe(true);
  expect(other.closed).toBe(0);
  other.release();
  await expect(last).resolves.toMatchObject({ errorCode: ErrorCode.NONE });
  expect(other.closed).toBe(1);
});
