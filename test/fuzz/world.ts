// The machine of a broker under fire: simulated, and counting what a broker could leak. Time is virtual, so that a wait
// of a minute costs nothing and an endless one is detected.
import type {
  Address,
  Cancel,
  Clock,
  Connection,
  ConnectionListener,
  Host,
  Listening,
  Logger,
  Network,
} from '@milepost/core';
import { silentMeter } from '@milepost/core';
import {
  SimClock,
  SimDeflater,
  SimDisk,
  SimInflater,
  SimKeyDerivation,
  SimNetwork,
  SimRandom,
} from '@milepost/simulator';

/** Counts the timers that are neither over nor cancelled. */
class CountingClock implements Clock {
  readonly #clock: SimClock;
  live = 0;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, run: () => void): Cancel {
    let isLive = true;
    const end = (): void => {
      if (isLive) this.live--;
      isLive = false;
    };
    this.live++;
    const cancel = this.#clock.after(delayMs, () => {
      end();
      run();
    });
    return () => {
      end();
      cancel();
    };
  }
}

/** Counts the connections that the broker has received and whose end it has not been notified of. */
class CountingNetwork implements Network {
  readonly #network: SimNetwork;
  live = 0;

  constructor(network: SimNetwork) {
    this.#network = network;
  }

  listen(
    address: Parameters<Network['listen']>[0],
    accept: (connection: Connection) => ConnectionListener,
  ): Promise<Listening> {
    return this.#network.listen(address, (connection) => {
      const listener = accept(connection);
      this.live++;
      return {
        bytes: (chunk) => listener.bytes(chunk),
        drained: () => listener.drained(),
        closed: () => {
          this.live--;
          listener.closed();
        },
      };
    });
  }

  connect(address: Address, listener: ConnectionListener): Promise<Connection> {
    return this.#network.connect(address, listener);
  }
}

export class World {
  readonly clock = new SimClock();
  readonly random: SimRandom;
  /** The client's side, uncounted. */
  readonly network: SimNetwork;
  readonly timers: CountingClock;
  readonly connections: CountingNetwork;
  /** Lines of level error: this machine has no faults, so there must be none. */
  readonly errors: string[] = [];
  /** The broker's last warning before it closed a connection, for the report. */
  lastWarning = '';
  readonly host: Host;

  constructor(seed: number) {
    this.random = new SimRandom(seed);
    this.network = new SimNetwork(this.random.fork(), this.clock);
    this.timers = new CountingClock(this.clock);
    this.connections = new CountingNetwork(this.network);
    this.host = {
      clock: this.timers,
      disk: new SimDisk(this.random.fork(), { clock: this.clock }),
      network: this.connections,
      random: this.random.fork(),
      inflater: new SimInflater(this.timers),
      deflater: new SimDeflater(this.timers),
      keys: new SimKeyDerivation(this.timers),
      meter: silentMeter,
      logger: this.#logger(),
    };
  }

  #logger(): Logger {
    const nothing = (): void => {};
    const error = (fields: object, message: string): void => {
      const { err } = fields as { err?: unknown };
      this.errors.push(`${message} ${err instanceof Error ? err.stack : JSON.stringify(fields)}`);
    };
    const warn = (_: object, message: string): void => {
      this.lastWarning = message;
    };
    return { debug: nothing, info: nothing, warn, error };
  }
}
