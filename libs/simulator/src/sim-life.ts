// One life of a process: its clock and its network until it is killed. After that no timer of it fires, no bytes
// arrive, and nothing that it sends leaves. Its promises remain pending, as in a process that is gone. A life can be
// frozen (SIGSTOP): timers and input wait until it is thawed, and then arrive, timers first, as in Node's event loop.
import type { Address, Cancel, Clock, Connection, ConnectionListener, Listening, Network } from '@milepost/core';

/** Events that wait for a frozen process. */
interface Held {
  readonly timers: (() => void)[];
  readonly others: (() => void)[];
}

export class SimLife {
  readonly clock: Clock;
  readonly network: Network;
  readonly #clock: Clock;
  #isOver = false;
  #held: Held | undefined;
  readonly #connections = new Set<Connection>();
  readonly #listening = new Set<Listening>();

  constructor(clock: Clock, network: Network) {
    this.#clock = clock;
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      after: (delayMs, run) => this.#after(delayMs, run),
    };
    this.network = {
      listen: (address, accept) => this.#listen(network, address, accept),
      connect: (address, listener) => this.answered(this.#connect(network, address, listener)),
    };
  }

  get isOver(): boolean {
    return this.#isOver;
  }
  get isFrozen(): boolean {
    return this.#held !== undefined && !this.#isOver;
  }

  /** Nothing happens in it any more. Its peers do not notice yet: see `hangUp`. */
  end(): void {
    this.#isOver = true;
    this.#held = undefined;
    for (const listening of this.#listening) void listening.close();
  }

  /** The system that outlived it, or that has restarted, resets the connections of its peers. */
  hangUp(): void {
    for (const connection of this.#connections) connection.close('abort');
    this.#connections.clear();
  }

  /** Its program stands still. The system goes on: it accepts connections and buffers what arrives. */
  freeze(): void {
    this.#held ??= { timers: [], others: [] };
  }

  thaw(): void {
    const held = this.#held;
    this.#held = undefined;
    for (const run of [...(held?.timers ?? []), ...(held?.others ?? [])]) this.#clock.after(0, () => this.#enter(run));
  }

  /** Outside events reach it only while it lives. */
  answered<Answer>(promise: Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      promise.then(
        (answer) => this.#enter(() => resolve(answer)),
        (failure: unknown) => this.#enter(() => reject(failure)),
      );
    });
  }

  #after(delayMs: number, run: () => void): Cancel {
    let isCancelled = false;
    const once = (): void => void (isCancelled || run());
    const cancel = this.#clock.after(delayMs, () => this.#enter(once, 'timers'));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  async #listen(
    network: Network,
    address: Address,
    accept: (connection: Connection) => ConnectionListener,
  ): Promise<Listening> {
    const listening = await network.listen(address, (connection) => {
      if (this.#isOver) return deaf;
      this.#connections.add(connection);
      let listener = deaf;
      this.#enter(() => {
        listener = accept(this.#silenced(connection));
      });
      const whoever: ConnectionListener = {
        bytes: (chunk) => listener.bytes(chunk),
        drained: () => listener.drained(),
        closed: () => listener.closed(),
      };
      return this.#gated(whoever, () => connection);
    });
    this.#listening.add(listening);
    return listening;
  }

  async #connect(network: Network, address: Address, listener: ConnectionListener): Promise<Connection> {
    let opened: Connection | undefined;
    const connection = await network.connect(
      address,
      this.#gated(listener, () => opened),
    );
    if (this.#isOver) connection.close('abort');
    else this.#connections.add((opened = connection));
    return this.#silenced(connection);
  }

  /** An exception while it dies is dropped; while it lives, it is a crash. */
  #enter(run: () => void, as: keyof Held = 'others'): void {
    if (this.#isOver) return;
    if (this.#held) {
      this.#held[as].push(run);
      return;
    }
    try {
      run();
    } catch (failure) {
      if (!this.#isOver) throw failure;
    }
  }

  #gated(listener: ConnectionListener, connection: () => Connection | undefined): ConnectionListener {
    return {
      bytes: (chunk) => {
        const kept = this.isFrozen ? Buffer.from(chunk) : chunk; // the chunk is valid only during this call
        this.#enter(() => listener.bytes(kept));
      },
      drained: () => this.#enter(() => listener.drained()),
      closed: () => {
        const closed = connection();
        if (closed) this.#connections.delete(closed);
        this.#enter(() => listener.closed());
      },
    };
  }

  /** Between its death and the end of the turn a program may still send: nothing leaves. */
  #silenced(connection: Connection): Connection {
    const isOver = (): boolean => this.#isOver;
    return {
      remote: connection.remote,
      local: connection.local,
      send: (bytes, taken) => !isOver() && connection.send(bytes, taken && (() => this.#enter(taken))),
      get pendingBytes() {
        return connection.pendingBytes;
      },
      pause: () => isOver() || connection.pause(),
      resume: () => isOver() || connection.resume(),
      close: (how) => isOver() || connection.close(how),
    };
  }
}

const deaf: ConnectionListener = { bytes: () => {}, drained: () => {}, closed: () => {} };
