// Accepts clients, closes idle ones, and lets all of them finish at the end. Clients that connect before the broker is
// ready are accepted, and read from when it is.
import { type Address, type Cancel, type Host, type Listening } from '@milepost/core';
import { ClientConnection, type Dispatch } from './connection.ts';
import { type ConnectionLimits, ConnectionQuotas } from './connection-quotas.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { Quotas } from '../quotas/quotas.ts';
import type { Sasl } from '../security/sasl.ts';

/** The time for clients to receive their pending responses when the broker stops. */
const FAREWELL_MS = 5_000;

export interface ClientListenerDeps {
  readonly host: Pick<Host, 'clock' | 'logger' | 'meter' | 'network'>;
  readonly requestMaxBytes: number;
  readonly connectionsMaxIdleMs: number;
  readonly quotas: Pick<Quotas, 'connected' | 'connectionDelayMs'>;
  readonly memory: MemoryBudget;
  readonly buffers: BufferPool;
  /** Absent: clients do not authenticate. */
  readonly sasl?: Sasl | undefined;
  /** May change while the broker runs. */
  readonly connectionLimits: () => ConnectionLimits;
}

export class ClientListener {
  readonly #deps: ClientListenerDeps;
  readonly #connections = new Set<ClientConnection>();
  /** Clients that connected too fast: served later, or closed. */
  readonly #held = new Set<ClientConnection>();
  readonly #limits: ConnectionQuotas;
  #isOpen = false;
  #accepted = 0;
  #listening: Listening | undefined;
  #cancelSweep: Cancel = () => {};

  constructor(deps: ClientListenerDeps) {
    this.#deps = deps;
    this.#limits = new ConnectionQuotas(deps.connectionLimits);
    const { meter } = deps.host;
    const open = meter.gauge('kafka_server_socket_server_metrics_connection_count', 'Connections of clients.');
    const requests = meter.gauge('milepost_kafka_request_bytes_held', 'Of requests under way or coming in.');
    const answers = meter.gauge('milepost_kafka_response_bytes_held', 'Of answers that clients have not taken yet.');
    meter.onScrape(() => {
      open.set(this.#limits.total);
      requests.set(deps.memory.requestBytes);
      answers.set(deps.memory.answerBytes);
    });
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  /** @throws AddressInUse */
  async listen(address: Address, dispatch: Dispatch): Promise<Address> {
    const { clock, logger, network } = this.#deps.host;
    const { requestMaxBytes, memory, buffers, sasl } = this.#deps;
    this.#listening = await network.listen(address, (connection) => {
      const number = ++this.#accepted;
      const shared = { dispatch, logger, clock, requestMaxBytes, memory, buffers, sasl };
      const client = new ClientConnection(connection, { ...shared, number });
      const { host } = connection.remote;
      const limit = this.#limits.enter(host);
      if (limit !== undefined) {
        logger.debug({ client: host, limit }, `connection refused: ${limit} are open`);
        client.abort();
        return client;
      }
      this.#connections.add(client);
      client.onGone(() => {
        this.#connections.delete(client);
        this.#limits.left(host);
      });
      this.#welcome(client, host);
      return client;
    });
    return this.#listening.address;
  }

  /** Starts to read from clients. */
  begin(): void {
    this.#isOpen = true;
    for (const client of this.#connections) if (!this.#held.has(client)) client.begin();
    this.#sweepLater();
  }

  /** Accepts no new clients; existing ones get their pending responses, then the connection closes. */
  async close(): Promise<void> {
    this.#cancelSweep();
    await this.#listening?.close();
    const cancel = this.#deps.host.clock.after(FAREWELL_MS, () => {
      for (const client of this.#connections) client.abort();
    });
    await Promise.all([...this.#connections].map((client) => client.finish()));
    cancel();
  }

  /**
   * A connection beyond its address's rate is closed after the wait (KIP-612); one beyond the total rate is served
   * after it.
   */
  #welcome(client: ClientConnection, ip: string): void {
    const { quotas, host } = this.#deps;
    const closeAfterMs = quotas.connected(ip);
    const delayMs = closeAfterMs > 0 ? closeAfterMs : quotas.connectionDelayMs();
    if (delayMs === 0) {
      if (this.#isOpen) client.begin();
      return;
    }
    this.#held.add(client);
    const cancel = host.clock.after(delayMs, () => {
      this.#held.delete(client);
      if (closeAfterMs > 0) client.abort();
      else if (this.#isOpen) client.begin();
    });
    client.onGone(() => {
      cancel();
      this.#held.delete(client);
    });
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
