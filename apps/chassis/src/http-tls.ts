// HTTPS: the certificate of the HTTP port, used from the next connection on when its file has changed.
import { readFileSync } from 'node:fs';
import type { Server, TlsOptions } from 'node:tls';
import type { Clock, Logger, Meter, TlsServer } from '@milepost/core';
import { secureOptions, watchHandshakes } from '@milepost/node-host';
import { TlsFiles, tlsMetrics } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import type { Part } from './lifecycle.ts';
import { certificateSetting, serverCertificate } from './server-certificate.ts';

/** As the alert MilepostCertificateExpires. */
const SOON_MS = 14 * 24 * 3_600_000;

export class HttpTls implements Part {
  readonly name = 'HTTPS';
  readonly phase = 'database';
  readonly #files: TlsFiles;
  readonly #clock: Clock;
  readonly #tls: TlsServer;

  /** Undefined: the port has no TLS. @throws TlsFileRefused */
  static of(settings: Settings, host: { clock: Clock; logger: Logger; meter: Meter }): HttpTls | undefined {
    return settings.httpTls ? new HttpTls(settings, host) : undefined;
  }

  private constructor(settings: Settings, { clock, logger, meter }: { clock: Clock; logger: Logger; meter: Meter }) {
    this.#clock = clock;
    const metrics = tlsMetrics(meter, 'http', 'the HTTP port');
    this.#files = new TlsFiles({
      host: { clock, logger },
      settings: { ...serverCertificate(settings), authorities: undefined },
      expiry: metrics.expiry,
      listeners: 'the HTTP port',
      readFile: (path) => readFileSync(path),
    });
    metrics.failedHandshakes.add(0);
    this.#tls = {
      material: () => this.#files.material,
      clientCertificate: 'none',
      versions: { least: settings.tlsMinVersion, most: 'TLSv1.3' },
      failed: (reason, client) => {
        if (client) {
          metrics.failedHandshakes.add();
          logger.debug({ client: client.host }, `TLS handshake of the HTTP port failed: ${reason}`);
        } else logger.error({}, `${certificateSetting(settings)}: ${reason}`);
      },
    };
  }

  /** For https.createServer. */
  get options(): TlsOptions {
    return secureOptions(this.#tls);
  }

  attach(server: Server): void {
    watchHandshakes(server, this.#tls);
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#files.close();
  }

  /** For /health/ready. */
  degraded(): string | undefined {
    const { validTo } = this.#files;
    if (!validTo || validTo.getTime() - this.#clock.now() > SOON_MS) return undefined;
    return `the certificate ends at ${validTo.toISOString()}: replace it (docs/SECURITY.md)`;
  }
}
