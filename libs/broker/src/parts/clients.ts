// The part of a broker that faces its clients: the listener, and what is measured and bounded for each client.
import type { Host } from '@milepost/core';
import { type BrokerConfigLayers, brokerNumber, type ClusterImage } from '@milepost/metadata';
import { ClientTelemetry } from '../admin/client-telemetry.ts';
import { type BrokerSettings, connectionLimitsOf } from '../broker-config.ts';
import { FetchSessionCache } from '../fetch-sessions/fetch-session-cache.ts';
import { Quotas } from '../quotas/quotas.ts';
import { BufferPool } from '../network/buffer-pool.ts';
import { ClientListener } from '../network/client-listener.ts';
import { MemoryBudget } from '../network/memory-budget.ts';
import { Authorization } from '../security/authorization.ts';
import { Sasl } from '../security/sasl.ts';
import { isAuthenticated } from '../security/security-settings.ts';

export interface ClientsDeps {
  readonly host: Host;
  readonly settings: BrokerSettings;
  readonly image: () => ClusterImage;
  readonly layers: () => BrokerConfigLayers;
}

export class Clients {
  readonly listener: ClientListener;
  readonly quotas: Quotas;
  readonly memory: MemoryBudget;
  readonly buffers = new BufferPool();
  readonly fetchSessions: FetchSessionCache;
  readonly telemetry: ClientTelemetry;
  readonly authorization: Authorization;

  constructor({ host, settings, image, layers }: ClientsDeps) {
    const { clock, random, meter } = host;
    const { security } = settings;
    const sasl = new Sasl({ host, settings: security, image });
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
      sasl: isAuthenticated(security) ? sasl : undefined,
    });
  }
}
