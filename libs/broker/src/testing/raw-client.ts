// A client that sends exactly what a test wants: requests in any version, pipelined, or bytes that are no request.
import { type Address, ByteReader, type Connection, type Network } from '@milepost/core';
import {
  type AnyApi,
  FrameAssembler,
  readResponseHeader,
  requestFrame,
  type RequestInput,
  type ResponseOutput,
} from '@milepost/wire';

interface Asked {
  readonly correlationId: number;
  readonly read: (frame: Buffer) => unknown;
  readonly resolve: (response: never) => void;
  readonly reject: (failure: Error) => void;
}

export class RawClient {
  /** Resolves when the broker has closed the connection. */
  readonly closed: Promise<void>;
  /** In the order of arrival. */
  readonly answered: number[] = [];
  readonly #connection: Connection;
  readonly #asked: Asked[] = [];
  #correlationId = 0;

  static async connect(network: Network, address: Address): Promise<RawClient> {
    const frames = new FrameAssembler();
    let isClosed: () => void = () => {};
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve;
    });
    let client: RawClient | undefined;
    const connection = await network.connect(address, {
      bytes: (chunk) => {
        for (const frame of frames.frames(chunk)) client?.take(frame);
      },
      drained: () => {},
      closed: () => {
        client?.fail();
        isClosed();
      },
    });
    client = new RawClient(connection, closed);
    return client;
  }

  private constructor(connection: Connection, closed: Promise<void>) {
    this.#connection = connection;
    this.closed = closed;
  }

  ask<A extends AnyApi>(api: A, version: number, body: RequestInput<A>): Promise<ResponseOutput<A>> {
    const correlationId = this.#correlationId++;
    this.tell(api, version, body, correlationId);
    return new Promise<ResponseOutput<A>>((resolve, reject) => {
      const read = (frame: Buffer): unknown => {
        const reader = new ByteReader(frame);
        readResponseHeader(reader, api, version);
        return api.response(version).read(reader);
      };
      this.#asked.push({ correlationId, read, resolve: resolve as (response: never) => void, reject });
    });
  }

  /** Without expecting a response. */
  tell<A extends AnyApi>(api: A, version: number, body: RequestInput<A>, correlationId = this.#correlationId++): void {
    const header = { apiVersion: version, correlationId, clientId: 'raw' };
    this.send(requestFrame(api as AnyApi, header, body as unknown as Record<string, never>));
  }

  /** Any bytes. */
  send(bytes: Buffer): void {
    this.#connection.send([bytes]);
  }

  /** The next frame that arrives, whatever it responds to. */
  nextFrame(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ correlationId: -1, read: (frame) => frame, resolve, reject });
    });
  }

  close(): void {
    this.#connection.close();
  }

  take(frame: Buffer): void {
    const asked = this.#asked.shift();
    if (!asked) throw new Error('a response without a request');
    const correlationId = frame.readInt32BE(0);
    this.answered.push(correlationId);
    if (asked.correlationId >= 0 && asked.correlationId !== correlationId)
      asked.reject(new Error(`response ${correlationId} came in place of ${asked.correlationId}`));
    else asked.resolve(asked.read(frame) as never);
  }

  fail(): void {
    for (const { reject } of this.#asked.splice(0)) reject(new Error('the connection was closed'));
  }
}
