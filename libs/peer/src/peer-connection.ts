// A connection from this broker to another one: requests out, responses back, in order. Pipelined; made on first use.
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
  type Network,
} from '@milepost/core';
import {
  type AnyApi,
  FrameAssembler,
  readResponseHeader,
  requestFrame,
  type RequestInput,
  type ResponseOutput,
} from '@milepost/wire';

export interface PeerOptions {
  readonly network: Network;
  readonly clock: Clock;
  /** The name of this client in the logs and metrics of the other side. */
  readonly clientId: string;
  /** How long a response may take, including the wait that a request asks for. */
  readonly timeoutMs: number;
}

export class PeerUnreachable extends Error {
  override readonly name = 'PeerUnreachable';
}

interface Pending {
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
  /** Requests that wait for the connection. */
  #unsent: Buffer[] = [];
  #isConnecting = false;
  #connection: Connection | undefined;
  #correlationId = 0;
  /** Why it is closed. */
  #failure: PeerUnreachable | undefined;

  constructor(address: Address, options: PeerOptions) {
    this.#address = address;
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#failure !== undefined;
  }

  /** @throws PeerUnreachable */
  request<A extends AnyApi>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOutput<A>> {
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
      this.#pending.push({ correlationId, read, resolve: resolve as (response: never) => void, reject, cancel });
      this.#send(frame);
    });
  }

  /** Requests without a response fail. */
  close(): void {
    this.#fail('the connection was closed here');
  }

  #send(frame: Buffer): void {
    if (this.#connection) {
      this.#connection.send([frame]);
      return;
    }
    this.#unsent.push(frame);
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    const connecting = this.#options.network.connect(this.#address, {
      bytes: (chunk) => this.#take(chunk),
      drained: () => {},
      closed: () => this.#fail('it closed the connection'),
    });
    connecting.then(
      (connection) => this.#connected(connection),
      (failure: unknown) => this.#fail(failure instanceof Error ? failure.message : String(failure)),
    );
  }

  #connected(connection: Connection): void {
    if (this.#failure) return connection.close('abort');
    this.#connection = connection;
    connection.send(this.#unsent);
    this.#unsent = [];
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
  }

  #fail(reason: string): void {
    if (this.#failure) return;
    const { host, port } = this.#address;
    this.#failure = new PeerUnreachable(`${host}:${port}: ${reason}`);
    this.#connection?.close('abort');
    for (const { reject, cancel } of this.#pending.splice(0)) {
      cancel();
      reject(this.#failure);
    }
  }
}
