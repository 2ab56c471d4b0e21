// A network in memory on virtual time. Bytes arrive in order, late by what the seed says and cut into pieces where it
// says: whoever believes that a frame comes in one chunk is found out. Links can be slow, silent or cut.
import {
  type Address,
  AddressInUse,
  type Clock,
  type Connection,
  type ConnectionListener,
  type Listening,
  type Network,
} from '@milepost/core';
import { SimConnection } from './sim-connection.ts';
import type { SimRandom } from './sim-random.ts';

export interface SimNetworkOptions {
  readonly leastLatencyMs?: number;
  readonly mostLatencyMs?: number;
}

type Accept = (connection: Connection) => ConnectionListener;

const HOST = '127.0.0.1';
const FIRST_FREE_PORT = 20_000;

export class SimNetwork implements Network {
  /** Everything takes so many times longer. */
  slowness = 1;

  readonly #random: SimRandom;
  readonly #clock: Clock;
  readonly #least: number;
  readonly #most: number;
  readonly #listeners = new Map<number, Accept>();
  readonly #connections = new Set<SimConnection>();
  #nextPort = FIRST_FREE_PORT;
  /** What waits for the silence to end, in order; undefined while there is none. */
  #silence: (() => void)[] | undefined;

  constructor(random: SimRandom, clock: Clock, options: SimNetworkOptions = {}) {
    this.#random = random;
    this.#clock = clock;
    this.#least = options.leastLatencyMs ?? 0.05;
    this.#most = options.mostLatencyMs ?? 2;
  }

  /** Every connection breaks, as if both ends had been reset. */
  cut(): void {
    for (const connection of this.#connections) connection.reset();
  }

  /** Nothing arrives any more and nobody is told, until the silence ends; then everything arrives, in order. */
  silence(): void {
    this.#silence ??= [];
  }

  endSilence(): void {
    const waiting = this.#silence ?? [];
    this.#silence = undefined;
    for (const arrive of waiting) this.#clock.after(0, () => this.#arrive(arrive));
  }

  async listen(address: Address, accept: Accept): Promise<Listening> {
    const port = address.port === 0 ? this.#freePort() : address.port;
    if (this.#listeners.has(port)) throw new AddressInUse(address);
    this.#listeners.set(port, accept);
    return {
      address: { host: address.host, port },
      close: async () => {
        if (this.#listeners.get(port) === accept) this.#listeners.delete(port);
      },
    };
  }

  async connect(address: Address, listener: ConnectionListener): Promise<Connection> {
    await new Promise<void>((resolve) => this.#later(this.#latencyMs(), resolve));
    const accept = this.#listeners.get(address.port);
    if (!accept) throw Object.assign(new Error(`nobody listens on port ${address.port}`), { code: 'ECONNREFUSED' });
    const local = { host: HOST, port: this.#freePort() };
    const near = this.#end(local, address);
    const far = this.#end(address, local);
    near.join(far);
    far.join(near);
    near.listener = listener;
    far.listener = accept(far);
    return near;
  }

  #end(local: Address, remote: Address): SimConnection {
    const connection = new SimConnection(local, remote, {
      random: this.#random,
      latencyMs: () => this.#latencyMs(),
      monotonic: () => this.#clock.monotonic(),
      later: (delayMs, arrive) => this.#later(delayMs, arrive),
      after: (delayMs, run) => void this.#clock.after(delayMs, run),
      ended: (ended) => void this.#connections.delete(ended),
    });
    this.#connections.add(connection);
    return connection;
  }

  #latencyMs(): number {
    return this.slowness * (this.#least + (this.#random.below(1000) / 1000) * (this.#most - this.#least));
  }

  #later(delayMs: number, arrive: () => void): void {
    this.#clock.after(delayMs, () => this.#arrive(arrive));
  }

  #arrive(arrive: () => void): void {
    if (this.#silence) this.#silence.push(arrive);
    else arrive();
  }

  #freePort(): number {
    while (this.#listeners.has(this.#nextPort)) this.#nextPort++;
    return this.#nextPort++;
  }
}
