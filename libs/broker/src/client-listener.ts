// The broker's open door: accepts clients, closes the silent ones, and in the end lets everybody finish.
// Clients that come before the broker is ready are accepted and read from when it is.
import { type Address, type Cancel, type Host, type Listening } from '@milepost/core';
import { ClientConnection, type Dispatch } from './connection.ts';

/** How long clients may take to get the answers that are due when the broker stops. */
const FAREWELL_MS = 5_000;

export interface ClientListenerDeps {
  readonly host: Pick<Host, 'clock' | 'logger' | 'network'>;
  readonly requestMaxBytes: number;
  readonly connectionsMaxIdleMs: number;
  /** max.connections; may change while the broker runs. */
  readonly maxConnections: () => number;
}

export class ClientListener {
  readonly #deps: ClientListenerDeps;
  readonly #connections = new Set<ClientConnection>();
  #isOpen = false;
  #listening: Listening | undefined;
  #cancelSweep: Cancel = () => {};

  constructor(deps: ClientListenerDeps) {
    this.#deps = deps;
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  /** @throws AddressInUse */
  async listen(address: Address, dispatch: Dispatch): Promise<Address> {
    const { clock, logger, network } = this.#deps.host;
    const { requestMaxBytes } = this.#deps;
    this.#listening = await network.listen(address, (connection) => {
      const client = new ClientConnection(connection, { dispatch, logger, clock, requestMaxBytes });
      if (this.#connections.size >= this.#deps.maxConnections()) {
        client.abort();
        return client;
      }
      this.#connections.add(client);
      client.onGone(() => this.#connections.delete(client));
      if (this.#isOpen) client.begin();
      return client;
    });
    return this.#listening.address;
  }

  /** From now on clients are read from. */
  begin(): void {
    this.#isOpen = true;
    for (const client of this.#connections) client.begin();
    this.#sweepLater();
  }

  /** Nobody new; those who are here get what is under way, then the connection closes. */
  async close(): Promise<void> {
    this.#cancelSweep();
    await this.#listening?.close();
    const cancel = this.#deps.host.clock.after(FAREWELL_MS, () => {
      for (const client of this.#connections) client.abort();
    });
    await Promise.all([...this.#connections].map((client) => client.finish()));
    cancel();
  }

  #sweepLater(): void {
    const { connectionsMaxIdleMs, host } = this.#deps;
    if (connectionsMaxIdleMs < 0) return;
    this.#cancelSweep = host.clock.after(Math.max(1_000, connectionsMaxIdleMs / 10), () => {
      for (const client of this.#connections) if (client.idleMs > connectionsMaxIdleMs) void client.finish();
      this.#sweepLater();
    });
  }
}
