// The TLS of a broker's listeners: its key and certificates (libs/security's TlsFiles), and the names of clients with
// certificates.
import type { Clock, Logger, Meter, TlsClient, TlsServer } from '@milepost/core';
import { ANONYMOUS, type Principal, TlsFiles, type TlsMetrics, tlsMetrics, userPrincipal } from '@milepost/security';
import type { SecuritySettings, TlsSettings } from './security-settings.ts';

/** Without series, while no listener has TLS. */
export const kafkaTlsMetrics = (meter: Meter): TlsMetrics => tlsMetrics(meter, 'kafka', 'the listeners with SSL');

export interface TlsDeps {
  readonly host: { readonly clock: Clock; readonly logger: Logger };
  readonly metrics: TlsMetrics;
  readonly settings: TlsSettings;
  /** @throws the system's error */
  readonly readFile: (path: string) => Buffer;
}

export class Tls {
  readonly #deps: TlsDeps;
  readonly #files: TlsFiles;

  /** @throws TlsFileRefused */
  constructor(deps: TlsDeps) {
    this.#deps = deps;
    const { host, metrics, settings, readFile } = deps;
    metrics.failedHandshakes.add(0);
    const { certificate, truststore } = settings;
    this.#files = new TlsFiles({
      host,
      settings: {
        ...certificate,
        authorities: truststore === undefined ? undefined : { setting: 'ssl.truststore.location', path: truststore },
      },
      expiry: metrics.expiry,
      listeners: 'the listeners with SSL',
      readFile,
    });
  }

  /** For a listener whose clients log in with SASL, no certificate is asked for, as in Kafka. */
  server(withSasl: boolean): TlsServer {
    const { clientCertificate, versions } = this.#deps.settings;
    return {
      material: () => this.#files.material,
      clientCertificate: withSasl ? 'none' : clientCertificate,
      versions,
      failed: (reason, client) => {
        if (client) this.#deps.metrics.failedHandshakes.add();
        this.#deps.host.logger.info({ ...(client && { client: client.host }) }, `TLS handshake failed: ${reason}`);
      },
    };
  }

  /** For connections to other brokers. */
  client(): TlsClient {
    return { material: () => this.#files.material, versions: this.#deps.settings.versions };
  }

  /** Undefined: no rule of ssl.principal.mapping.rules matches the name. */
  principalOf(certified: string | undefined): Principal | undefined {
    if (certified === undefined) return ANONYMOUS;
    const name = this.#deps.settings.mapper.nameOf(certified);
    return name === undefined ? undefined : userPrincipal(name);
  }

  close(): void {
    this.#files.close();
  }
}

/** Undefined: no listener has TLS. @throws TlsFileRefused */
export function tlsOf(
  host: TlsDeps['host'] & { readonly meter: Meter },
  { tls: settings }: SecuritySettings,
  readFile: TlsDeps['readFile'],
): Tls | undefined {
  const metrics = kafkaTlsMetrics(host.meter);
  return settings && new Tls({ host, metrics, settings, readFile });
}
