// The part of a broker that faces its clients: its listeners, and what is measured and bounded for each client.
import type { Address, Host } from '@milepost/core';
import { type BrokerConfigLayers, brokerNumber, type ClusterImage } from '@milepost/metadata';
import { ClientTelemetry } from '../admin/client-telemetry.ts';
import { type BrokerSettings, connectionLimitsOf } from '../broker-config.ts';
import { FetchSessionCache } from '../fetch-sessions/fetch-session-cache.ts';
import { Quotas } from '../quotas/quotas.ts';
import { BufferPool } from '../network/buffer-pool.ts';
import { ClientListener, type Endpoint } from '../network/client-listener.ts';
import type { Dispatch } from '../network/connection.ts';
import { MemoryBudget } from '../network/memory-budget.ts';
import { Authorization } from '../security/authorization.ts';
import { Sasl } from '../security/sasl.ts';
import { isWithSasl, isWithTls, type ListenerSettings } from '../security/listeners.ts';
import type { SecuritySettings } from '../security/security-settings.ts';
import { Tls, tlsMetrics } from '../security/tls.ts';

export interface ClientsDeps {
  readonly host: Host;
  readonly settings: BrokerSettings;
  readonly image: () => ClusterImage;
  readonly layers: () => BrokerConfigLayers;
  /** Of keys and certificates. @throws the system's error */
  readonly readFile: (path: string) => Buffer;
}

export class Clients {
  readonly listener: ClientListener;
  readonly quotas: Quotas;
  readonly memory: MemoryBudget;
  readonly buffers = new BufferPool();
  readonly fetchSessions: FetchSessionCache;
  readonly telemetry: ClientTelemetry;
  readonly authorization: Authorization;
  readonly #security: SecuritySettings;
  readonly #sasl: Sasl;
  readonly #tls: Tls | undefined;

  constructor({ host, settings, image, layers, readFile }: ClientsDeps) {
    const { clock, random, meter } = host;
    const { security } = settings;
    this.#security = security;
    this.#sasl = new Sasl({ host, settings: security, image });
    const metrics = tlsMetrics(meter);
    this.#tls = security.tls && new Tls({ host, metrics, settings: security.tls, readFile });
    this.quotas = new Quotas({
      clock,
      meter,
      image,
      windows: settings.quotaWindows,
      controllerWindows: settings.controllerQuotaWindows,
      connectionRate: () => brokerNumber(layers(), 'max.connection.creation.rate'),
    });
    this.authorization = new Authorization({ logger: host.logger, options: settings.authorizer, image });
    this.memory = new MemoryBudget({
      requestBytes: settings.queuedRequestBytes,
      answerBytes: settings.queuedResponseBytes,
    });
    this.fetchSessions = new FetchSessionCache({ clock, random, meter, slots: settings.fetchSessionSlots });
    this.telemetry = new ClientTelemetry({ clock, random, meter, image, maxBytes: settings.telemetryMaxBytes });
    this.listener = new ClientListener({
      host,
      requestMaxBytes: settings.requestMaxBytes,
      connectionsMaxIdleMs: settings.connectionsMaxIdleMs,
      quotas: this.quotas,
      memory: this.memory,
      buffers: this.buffers,
      connectionLimits: () => connectionLimitsOf(layers()),
    });
  }

  /**
   * Listens everywhere, the first listener at the given address. Returns the addresses, by the listeners' names. Nothing is read
   * before `listener.begin`. @throws AddressInUse
   */
  async listen(listen: Address, advertisedHost: string, dispatch: Dispatch): Promise<Map<string, Address>> {
    const [first, ...others] = this.#security.listeners;
    const opened = new Map<string, Address>();
    opened.set(first.name, await this.listener.listen({ address: listen, ...this.#proofs(first) }, dispatch));
    for (const one of others) {
      const address = { host: one.address.host || listen.host, port: one.address.port };
      const advertised = one.advertised ?? { host: advertisedHost, port: address.port };
      opened.set(one.name, await this.listener.listen({ address, advertised, ...this.#proofs(one) }, dispatch));
    }
    return opened;
  }

  async close(): Promise<void> {
    this.#tls?.close();
    await this.listener.close();
  }

  /** What clients of the listener prove, and how. */
  #proofs(listener: ListenerSettings): Pick<Endpoint, 'sasl' | 'tls' | 'principalOf'> {
    const withSasl = isWithSasl(listener);
    const tls = isWithTls(listener) ? this.#tls : undefined;
    return {
      ...(withSasl && { sasl: this.#sasl }),
      ...(tls && { tls: tls.server(withSasl) }),
      ...(tls && !withSasl && { principalOf: (certified) => tls.principalOf(certified) }),
    };
  }
}
