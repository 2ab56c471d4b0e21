// A client's connection to one broker, from its own host, with the real wire protocol: opened when needed, requests
// pipelined. A request without a response (no connection, cut, timed out) resolves with undefined: a real client knows
// no more either.
import { type Address, type Connection, ByteReader } from '@milepost/core';
import {
  type AnyApi,
  FrameAssembler,
  readResponseHeader,
  requestFrame,
  type RequestInput,
  type ResponseOutput,
} from '@milepost/wire';
import { sleep, type World } from './world.ts';

/**
 * How long it waits before it connects again. More than the slowest network takes: nothing of an old connection arrives
 * after something of a new one.
 */
const RECONNECT_MS = 300;

interface Asked {
  readonly correlationId: number;
  readonly api: AnyApi;
  readonly version: number;
  /** Undefined: lost. */
  readonly resolve: (response: unknown) => void;
  readonly done: () => void;
}

export class SimClient {
  readonly name: string;
  readonly address: Address;
  readonly #world: World;
  /** How long it waits for a response. */
  readonly #patienceMs: number;
  #connection: Connection | undefined;
  #connecting: Promise<boolean> | undefined;
  #asked: Asked[] = [];
  #correlationId = 0;
  #isRetired = false;
  /** Not connected again before. */
  #restsUntil = 0;

  constructor(world: World, name: string, address: Address, patienceMs: number) {
    this.#world = world;
    this.name = name;
    this.address = address;
    this.#patienceMs = patienceMs;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Connects if there is no connection; false if that fails now. */
  connect(): Promise<boolean> {
    if (this.#isRetired) return Promise.resolve(false);
    if (this.#connection) return Promise.resolve(true);
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** The response, or undefined if there is none. */
  async ask<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInput<A>,
    patienceMs = this.#patienceMs,
  ): Promise<ResponseOutput<A> | undefined> {
    return (await this.connect()) ? this.askNow(api, version, body, patienceMs) : undefined;
  }

  /** Sent immediately, in the order of the calls. */
  askNow<A extends AnyApi>(
    api: A,
    version: number,
    body: RequestInput<A>,
    patienceMs = this.#patienceMs,
  ): Promise<ResponseOutput<A> | undefined> {
    const connection = this.#connection;
    if (!connection) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const correlationId = this.#send(connection, api, version, body);
      const what = `${this.name} #${correlationId} ${api.name} v${version}`;
      const ended = this.#world.outstanding.begin(what);
      const cancel = Number.isFinite(patienceMs)
        ? this.#world.clock.after(patienceMs, () => {
            this.#world.note(`${what}: out of patience`);
            if (this.#connection === connection) this.disconnect();
          })
        : () => {};
      const done = (): void => {
        ended();
        cancel();
      };
      this.#asked.push({ correlationId, api, version, resolve: resolve as (response: unknown) => void, done });
    });
  }

  /** Without a response to wait for. */
  tell<A extends AnyApi>(api: A, version: number, body: RequestInput<A>): boolean {
    if (!this.#connection) return false;
    this.#send(this.#connection, api, version, body);
    return true;
  }

  /** From now on nothing that arrives on this connection is read. */
  stopReading(): void {
    this.#connection?.pause();
  }

  disconnect(): void {
    const connection = this.#connection;
    if (!connection) return;
    connection.close('abort');
    this.#lost(connection);
  }

  /** Its process is gone, and makes no more connections. */
  retire(): void {
    this.#isRetired = true;
    this.disconnect();
  }

  #send(connection: Connection, api: AnyApi, version: number, body: object): number {
    const correlationId = this.#correlationId++;
    const header = { apiVersion: version, correlationId, clientId: this.name };
    connection.send([requestFrame(api, header, body as Record<string, never>)]);
    return correlationId;
  }

  async #open(): Promise<boolean> {
    const restMs = this.#restsUntil - this.#world.clock.monotonic();
    if (restMs > 0) await sleep(this.#world, restMs);
    const frames = new FrameAssembler();
    let connection: Connection | undefined;
    try {
      connection = await this.#world.network.host(this.name).connect(this.address, {
        bytes: (chunk) => {
          for (const frame of frames.frames(chunk)) this.#take(frame);
        },
        drained: () => {},
        closed: () => connection && this.#lost(connection),
      });
    } catch {
      this.#rest();
      return false;
    }
    if (this.#isRetired) {
      connection.close('abort');
      return false;
    }
    this.#connection = connection;
    return true;
  }

  #take(frame: Buffer): void {
    const asked = this.#asked.shift();
    const reader = new ByteReader(frame);
    const correlationId = frame.readInt32BE(0);
    if (asked?.correlationId !== correlationId) {
      const what = `${this.name}: answer #${correlationId} came in place of #${asked?.correlationId}`;
      this.#world.see({ kind: 'broken', what });
      return;
    }
    asked.done();
    readResponseHeader(reader, asked.api, asked.version);
    asked.resolve(asked.api.response(asked.version).read(reader));
  }

  #lost(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#rest();
    const asked = this.#asked;
    this.#asked = [];
    for (const one of asked) {
      one.done();
      one.resolve(undefined);
    }
  }

  #rest(): void {
    this.#restsUntil = this.#world.clock.monotonic() + RECONNECT_MS;
  }
}
