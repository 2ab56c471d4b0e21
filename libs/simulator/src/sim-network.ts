// A network of hosts in memory, on virtual time. Bytes arrive in order, delayed and cut into pieces by the seed, which
// reveals code that takes a chunk for a frame. The whole network, and each direction between two hosts, can be slow,
// silent or cut.
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
import { SimLink } from './sim-link.ts';
import type { SimRandom } from './sim-random.ts';

export interface SimNetworkOptions {
  readonly leastLatencyMs?: number;
  readonly mostLatencyMs?: number;
}

type Accept = (connection: Connection) => ConnectionListener;

/** On each host the host itself; and the name of the only host in tests that need no other. */
const LOOPBACK = '127.0.0.1';
const FIRST_FREE_PORT = 20_000;

/** Itself a `Network`: that of a host without a name but the loopback address. */
export class SimNetwork implements Network {
  /** The condition of all links together. */
  readonly whole: SimLink;
  readonly #random: SimRandom;
  readonly #clock: Clock;
  readonly #least: number;
  readonly #most: number;
  /** By `<host>:<port>`. */
  readonly #listeners = new Map<string, Accept>();
  readonly #connections = new Set<SimConnection>();
  /** By `<from> <to>`. */
  readonly #links = new Map<string, SimLink>();
  readonly #ownHost: Network;
  #nextPort = FIRST_FREE_PORT;

  constructor(random: SimRandom, clock: Clock, options: SimNetworkOptions = {}) {
    this.#random = random;
    this.#clock = clock;
    this.#least = options.leastLatencyMs ?? 0.05;
    this.#most = options.mostLatencyMs ?? 2;
    this.whole = new SimLink(clock);
    this.#ownHost = this.host(LOOPBACK);
  }

  /** The network as the programs of one host see it. They listen on its name, or on the loopback address. */
  host(name: string): Network {
    return {
      listen: (address, accept) => this.#listen(name, address, accept),
      connect: (address, listener) => this.#connect(name, address, listener),
    };
  }

  /** One direction. */
  link(from: string, to: string): SimLink {
    const key = `${from} ${to}`;
    let link = this.#links.get(key);
    if (!link) this.#links.set(key, (link = new SimLink(this.#clock, this.whole)));
    return link;
  }

  /** Breaks all connections, or all between two hosts, as if both ends had been reset. */
  cut(one?: string, other?: string): void {
    for (const connection of this.#connections)
      if (one === undefined || other === undefined || connection.isBetween(one, other)) connection.reset();
  }

  /** The hosts that have a connection to this one. */
  peersOf(host: string): string[] {
    const peers = [...this.#connections].filter(({ localHost }) => localHost === host);
    return [...new Set(peers.map(({ remoteHost }) => remoteHost))];
  }

  listen(address: Address, accept: Accept): Promise<Listening> {
    return this.#ownHost.listen(address, accept);
  }

  connect(address: Address, listener: ConnectionListener): Promise<Connection> {
    return this.#ownHost.connect(address, listener);
  }

  async #listen(host: string, address: Address, accept: Accept): Promise<Listening> {
    const port = address.port === 0 ? this.#freePort() : address.port;
    const place = placeOf(host, port);
    if (this.#listeners.has(place)) throw new AddressInUse(address);
    this.#listeners.set(place, accept);
    return {
      address: { host: address.host, port },
      close: async () => {
        if (this.#listeners.get(place) === accept) this.#listeners.delete(place);
      },
    };
  }

  /** There and back: a host that is cut off in one direction only has no new connections either. */
  async #connect(from: string, address: Address, listener: ConnectionListener): Promise<Connection> {
    const to = address.host === LOOPBACK ? from : address.host;
    await this.#travel(from, to);
    const accept = this.#listeners.get(placeOf(to, address.port));
    if (!accept) {
      await this.#travel(to, from);
      throw Object.assign(new Error(`nothing listens at ${address.host}:${address.port}`), { code: 'ECONNREFUSED' });
    }
    const local = { host: from, port: this.#freePort() };
    const near = this.#end(from, local, to, address);
    const far = this.#end(to, address, from, local);
    near.join(far);
    far.join(near);
    const greeted = new Promise<boolean>((resolve) => far.greet(resolve));
    far.listener = accept(far);
    if (!(await greeted)) throw Object.assign(new Error('the connection was reset'), { code: 'ECONNRESET' });
    near.listener = listener;
    return near;
  }

  #end(localHost: string, local: Address, remoteHost: string, remote: Address): SimConnection {
    const link = this.link(localHost, remoteHost);
    const connection = new SimConnection(
      { host: localHost, local },
      { host: remoteHost, remote },
      {
        random: this.#random,
        latencyMs: () => this.#latencyMs(link),
        monotonic: () => this.#clock.monotonic(),
        carry: (delayMs, arrive) => link.carry(delayMs, arrive),
        after: (delayMs, run) => void this.#clock.after(delayMs, run),
        ended: (ended) => void this.#connections.delete(ended),
      },
    );
    this.#connections.add(connection);
    return connection;
  }

  #travel(from: string, to: string): Promise<void> {
    const link = this.link(from, to);
    return new Promise((resolve) => link.carry(this.#latencyMs(link), resolve));
  }

  #latencyMs({ totalSlowness }: SimLink): number {
    return totalSlowness * (this.#least + (this.#random.below(1000) / 1000) * (this.#most - this.#least));
  }

  #freePort(): number {
    return this.#nextPort++;
  }
}

const placeOf = (host: string, port: number): string => `${host}:${port}`;
