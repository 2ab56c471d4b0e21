// The part of a broker that faces its clients: its listeners, and what is measured and bounded for each client.
import type { Address, Host, ReadText } from '@milepost/core';
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
import type { Tls } from '../security/tls.ts';

export interface ClientsDeps {
  readonly host: Host;
  readonly settings: BrokerSettings;
  readonly image: () => ClusterImage;
  readonly layers: () => BrokerConfigLayers;
  /** Undefined: no listener has TLS. */
  readonly tls: Tls | undefined;
  readonly readText: ReadText;
}

/** By the names of the listeners. */
export interface Listening {
  readonly listeners: ReadonlyMap<string, Address>;
  /** What clients are told. `host` and `port` are those of the first listener. */
  readonly advertised: Address & { readonly listeners: Readonly<Record<string, Address>> };
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

  constructor({ host, settings, image, layers, tls, readText }: ClientsDeps) {
    const { clock, random, meter } = host;
    const { security } = settings;
    this.#security = security;
    const { delegationTokens } = settings;
    this.#sasl = new Sasl({ host, settings: security, image, readText, delegationTokens });
    this.#tls = tls;
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
   * Listens everywhere, the first listener at the given address. Nothing is read before `listener.begin`. Port 0 of an
   * advertised address: the one that it listens on. @throws AddressInUse
   */
  async listen(listen: Address, told: Address, dispatch: Dispatch): Promise<Listening> {
    const listeners = new Map<string, Address>();
    const advertised: Record<string, Address> = {};
    for (const [at, one] of this.#security.listeners.entries()) {
      const address = at === 0 ? listen : { host: one.address.host || listen.host, port: one.address.port };
      const endpoint = { address, listener: one.name, ...this.#proofs(one) };
      const opened = await this.listener.listen(endpoint, dispatch);
      const { host, port } = at === 0 ? told : (one.advertised ?? { host: told.host, port: 0 });
      listeners.set(one.name, opened);
      advertised[one.name] = { host, port: port || opened.port };
    }
    const first = advertised[this.#security.listeners[0].name] as Address;
    return { listeners, advertised: { ...first, listeners: advertised } };
  }

  async close(): Promise<void> {
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
