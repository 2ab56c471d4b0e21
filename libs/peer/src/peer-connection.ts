// A connection from this broker to another one: requests out, responses back, in order. Pipelined.
//
// Promises: a request is answered once, with its response or with PeerUnreachable: the connection could not be made, was
// closed, or gave no response within the timeout, after which it is closed, since nobody knows what the other side has done.
// Never: reconnects by itself.
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
  /** As the other side's logs and metrics name it. */
  readonly clientId: string;
  /** How long a response may take, the wait that a request asks for included. */
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
  readonly #options: PeerOptions;
  readonly #frames = new FrameAssembler();
  readonly #pending: Pending[] = [];
  #connection: Connection | undefined;
  #correlationId = 0;
  /** Why it is closed. */
  #failure: PeerUnreachable | undefined;

  private constructor(options: PeerOptions) {
    this.#options = options;
  }

  /** @throws PeerUnreachable */
  static async connect(address: Address, options: PeerOptions): Promise<PeerConnection> {
    const peer = new PeerConnection(options);
    const where = `${address.host}:${address.port}`;
    const { clock, network, timeoutMs } = options;
    await new Promise<void>((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        peer.#fail(`${where} does not answer`);
        reject(peer.#failure as Error);
      });
      const connecting = network.connect(address, {
        bytes: (chunk) => peer.#take(chunk),
        drained: () => {},
        closed: () => peer.#fail(`${where} has closed the connection`),
      });
      connecting.then(
        (connection) => {
          cancel();
          if (peer.#failure) connection.close('abort');
          peer.#connection = connection;
          resolve();
        },
        (failure: unknown) => {
          cancel();
          peer.#fail(`${where}: ${failure instanceof Error ? failure.message : String(failure)}`);
          reject(peer.#failure as Error);
        },
      );
    });
    if (peer.#failure) throw peer.#failure;
    return peer;
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
      this.#connection?.send([frame]);
    });
  }

  /** What waits for a response fails. */
  close(): void {
    this.#fail('the connection was closed here');
  }

  #take(chunk: Buffer): void {
    if (this.#failure) return;
    try {
      for (const frame of this.#frames.frames(chunk)) this.#answer(frame);
    } catch (failure) {
      if (!(failure instanceof MalformedMessage)) throw failure;
      this.#fail(`a response that is none: ${failure.message}`);
    }
  }

  #answer(frame: Buffer): void {
    const pending = this.#pending.shift();
    const reader = new ByteReader(frame);
    if (pending === undefined || frame.length < 4 || frame.readInt32BE(0) !== pending.correlationId) {
      if (pending) this.#pending.unshift(pending);
      throw new MalformedMessage('it belongs to no request');
    }
    try {
      pending.resolve(pending.read(reader) as never);
      pending.cancel();
    } catch (failure) {
      this.#pending.unshift(pending);
      throw failure;
    }
  }

  #fail(reason: string): void {
    if (this.#failure) return;
    this.#failure = new PeerUnreachable(reason);
    this.#connection?.close('abort');
    for (const { reject, cancel } of this.#pending.splice(0)) {
      cancel();
      reject(this.#failure);
    }
  }
}
