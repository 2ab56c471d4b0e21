// Accepts clients, closes idle ones, and lets all of them finish at the end. Clients that connect before the broker is
// ready are accepted, and read from when it is.
import type { Address, Cancel, Connection, Host, Listening, TlsServer } from '@milepost/core';
import { ANONYMOUS, type Principal } from '@milepost/security';
import { ClientConnection, type Dispatch } from './connection.ts';
import { type ConnectionLimits, ConnectionQuotas } from './connection-quotas.ts';
import type { BufferPool } from './buffer-pool.ts';
import type { MemoryBudget } from './memory-budget.ts';
import type { Quotas } from '../quotas/quotas.ts';
import type { Sasl } from '../security/sasl.ts';

/** One address that clients connect to, and how they prove who they are. */
export interface Endpoint {
  readonly address: Address;
  /** The name of the listener: its clients are told the addresses that brokers advertise for it. */
  readonly listener: string;
  /** Absent: clients do not log in. */
  readonly sasl?: Sasl | undefined;
  /** Absent: no TLS. */
  readonly tls?: TlsServer | undefined;
  /** Who has a certificate of this name, or none; undefined: nobody, and the connection is refused. */
  readonly principalOf?: (certified: string | undefined) => Principal | undefined;
}

/** The time for clients to receive their pending responses when the broker stops. */
const FAREWELL_MS = 5_000;

export interface ClientListenerDeps {
  readonly host: Pick<Host, 'clock' | 'logger' | 'meter' | 'network'>;
  readonly requestMaxBytes: number;
  readonly connectionsMaxIdleMs: number;
  readonly quotas: Pick<Quotas, 'connected' | 'connectionDelayMs'>;
  readonly memory: MemoryBudget;
  readonly buffers: BufferPool;
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
  readonly #listening: Listening[] = [];
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

  /** The limits hold for the clients of all endpoints together. @throws AddressInUse */
  async listen(endpoint: Endpoint, dispatch: Dispatch): Promise<Address> {
    const { network } = this.#deps.host;
    const { address, tls } = endpoint;
    const listening = await network.listen(address, (connection) => this.#accept(connection, endpoint, dispatch), tls);
    this.#listening.push(listening);
    return listening.address;
  }

  #accept(connection: Connection, { listener, sasl, principalOf }: Endpoint, dispatch: Dispatch): ClientConnection {
    const { clock, logger } = this.#deps.host;
    const { requestMaxBytes, memory, buffers } = this.#deps;
    const number = ++this.#accepted;
    const principal = principalOf ? principalOf(connection.certified) : ANONYMOUS;
    const shared = { dispatch, logger, clock, requestMaxBytes, memory, buffers, sasl, listener };
    const client = new ClientConnection(connection, { ...shared, number, principal });
    const { host } = connection.remote;
    if (!principal) {
      logger.info(
        { client: host, certified: connection.certified },
        'connection refused: no rule of ssl.principal.mapping.rules matches',
      );
      client.abort();
      return client;
    }
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
    await Promise.all(this.#listening.map((one) => one.close()));
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
