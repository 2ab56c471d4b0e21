// A connection from this broker to another one: requests out, responses back, in order. Pipelined; made on first use, by TLS
// and with a login where the other side asks for them.
//
// Promises: a request is answered once, with its response or with PeerUnreachable: the connection could not be made, was
// closed, or gave no response within the timeout. Then it is closed, since nobody knows what the other side has done.
// Never: reconnects.
import {
  type Address,
  ByteReader,
  type Cancel,
  type Clock,
  type Connection,
  MalformedMessage,
  ErrorCode,
  errorName,
  type Network,
  type TlsClient,
} from '@milepost/core';
import {
  type AnyApi,
  FrameAssembler,
  readResponseHeader,
  requestFrame,
  type RequestInput,
  type ResponseOutput,
  SaslAuthenticate,
  SaslHandshake,
} from '@milepost/wire';

export interface PeerOptions {
  readonly network: Network;
  readonly clock: Clock;
  /** The name of this client in the logs and metrics of the other side. */
  readonly clientId: string;
  /** How long a response may take, including the wait that a request asks for. */
  readonly timeoutMs: number;
  /** Absent: no TLS. */
  readonly tls?: TlsClient | undefined;
  /** Absent: no SASL. */
  readonly login?: PeerLogin | undefined;
}

/** How this broker proves who it is. */
export interface PeerLogin {
  readonly mechanism: string;
  /** `exchange` sends a token and resolves with that of the other side. Rejects when the other side is not trusted. */
  run(exchange: (token: Buffer) => Promise<Buffer>): Promise<void>;
}

/** The other side closes a connection whose session has ended (KIP-368). As Kafka's clients, this side is earlier. */
const USED_OF_SESSION = 0.85;

export class PeerUnreachable extends Error {
  override readonly name = 'PeerUnreachable';
}

interface Pending {
  readonly frame: Buffer;
  readonly correlationId: number;
  readonly read: (reader: ByteReader) => unknown;
  readonly resolve: (response: never) => void;
  readonly reject: (failure: PeerUnreachable) => void;
  readonly cancel: Cancel;
}

export class PeerConnection {
  readonly #address: Address;
  readonly #options: PeerOptions;
  readonly #frames = new FrameAssembler();
  readonly #pending: Pending[] = [];
  /** Requests that wait for the connection, and for the login. */
  #unsent: Pending[] = [];
  #isConnecting = false;
  #connection: Connection | undefined;
  #isOpen = false;
  /** Its session ends soon: it is closed after the last response that is pending. */
  #isRetired = false;
  #cancelRetirement: Cancel = () => {};
  #correlationId = 0;
  /** Why it is closed. */
  #failure: PeerUnreachable | undefined;

  constructor(address: Address, options: PeerOptions) {
    this.#address = address;
    this.#options = options;
  }

  /** Further requests need another connection. */
  get isClosed(): boolean {
    return this.#failure !== undefined || this.#isRetired;
  }

  /** @throws PeerUnreachable */
  request<A extends AnyApi>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOutput<A>> {
    return this.#request(api, version, body, 'when it is open');
  }

  /** Requests without a response fail. */
  close(): void {
    this.#fail('the connection was closed here');
  }

  #request<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInput<A>,
    send: 'at once' | 'when it is open',
  ): Promise<ResponseOutput<A>> {
    if (this.#failure) return Promise.reject(this.#failure);
    const { clock, clientId, timeoutMs } = this.#options;
    const correlationId = this.#correlationId++;
    const header = { apiVersion: version, correlationId, clientId };
    const frame = requestFrame(api as AnyApi, header, body as unknown as Record<string, never>);
    return new Promise<ResponseOutput<A>>((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => this.#fail(`no response to ${api.name} within ${timeoutMs} ms`));
      const read = (reader: ByteReader): unknown => {
        readResponseHeader(reader, api, version);
        return api.response(version).read(reader);
      };
      const pending = { frame, correlationId, read, resolve: resolve as (response: never) => void, reject, cancel };
      if (this.#isOpen || send === 'at once') this.#send([pending]);
      else {
        this.#unsent.push(pending);
        this.#open();
      }
    });
  }

  #send(pending: readonly Pending[]): void {
    this.#pending.push(...pending);
    this.#connection?.send(pending.map(({ frame }) => frame));
  }

  #open(): void {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    const { network, tls, login } = this.#options;
    const listener = {
      bytes: (chunk: Buffer) => this.#take(chunk),
      drained: () => {},
      closed: () => this.#fail('it closed the connection'),
    };
    const opening = network.connect(this.#address, listener, tls).then(async (connection) => {
      if (this.#failure) return connection.close('abort');
      this.#connection = connection;
      if (login) await this.#logIn(login);
      this.#isOpen = true;
      this.#send(this.#unsent.splice(0));
    });
    opening.catch((failure: unknown) => this.#fail(failure instanceof Error ? failure.message : String(failure)));
  }

  async #logIn(login: PeerLogin): Promise<void> {
    const { mechanism } = login;
    const { newest } = SaslHandshake;
    const { errorCode, mechanisms } = await this.#request(SaslHandshake, newest, { mechanism }, 'at once');
    if (errorCode !== ErrorCode.NONE)
      throw new Error(`login: expected the mechanism ${mechanism}, it has ${mechanisms.join(', ') || 'none'}`);
    await login.run(async (authBytes) => {
      const response = await this.#request(SaslAuthenticate, SaslAuthenticate.newest, { authBytes }, 'at once');
      if (response.errorCode !== ErrorCode.NONE)
        throw new Error(`login: ${response.errorMessage ?? errorName(response.errorCode)}`);
      this.#retireIn(response.sessionLifetimeMs);
      return response.authBytes;
    });
  }

  /** 0: never. */
  #retireIn(sessionLifetimeMs: number): void {
    if (sessionLifetimeMs <= 0) return;
    this.#cancelRetirement = this.#options.clock.after(sessionLifetimeMs * USED_OF_SESSION, () => {
      this.#isRetired = true;
      this.#closeIfRetired();
    });
  }

  #closeIfRetired(): void {
    if (this.#isRetired && this.#pending.length === 0) this.#fail('its session has ended');
  }

  #take(chunk: Buffer): void {
    if (this.#failure) return;
    try {
      for (const frame of this.#frames.frames(chunk)) this.#receive(frame);
    } catch (failure) {
      if (!(failure instanceof MalformedMessage)) throw failure;
      this.#fail(`its response is malformed: ${failure.message}`);
    }
  }

  #receive(frame: Buffer): void {
    const [pending] = this.#pending;
    if (pending === undefined || frame.length < 4 || frame.readInt32BE(0) !== pending.correlationId)
      throw new MalformedMessage('it belongs to no request');
    const response = pending.read(new ByteReader(frame));
    this.#pending.shift();
    pending.cancel();
    pending.resolve(response as never);
    this.#closeIfRetired();
  }

  #fail(reason: string): void {
    if (this.#failure) return;
    const { host, port } = this.#address;
    this.#failure = new PeerUnreachable(`${host}:${port}: ${reason}`);
    this.#connection?.close('abort');
    this.#cancelRetirement();
    for (const { reject, cancel } of [...this.#pending.splice(0), ...this.#unsent.splice(0)]) {
      cancel();
      reject(this.#failure);
    }
  }
}
