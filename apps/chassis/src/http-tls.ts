// HTTPS: the certificate of the HTTP port, used from the next connection on when its file has changed.
import { readFileSync } from 'node:fs';
import type { SecureContextOptions, Server } from 'node:tls';
import type { Clock, Logger, Meter, TlsMaterial } from '@milepost/core';
import { TlsFiles, tlsMetrics } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import type { Part } from './lifecycle.ts';
import { certificateSetting, serverCertificate } from './server-certificate.ts';

/** A client that begins a handshake and never ends it costs a socket for this long. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** As the alert MilepostCertificateExpires. */
const SOON_MS = 14 * 24 * 3_600_000;

export class HttpTls implements Part {
  readonly name = 'HTTPS';
  readonly phase = 'database';
  readonly #files: TlsFiles;
  readonly #settings: Settings;
  readonly #logger: Logger;
  readonly #failed: () => void;
  readonly #clock: Clock;
  #used: TlsMaterial;

  /** Undefined: the port has no TLS. @throws TlsFileRefused */
  static of(settings: Settings, host: { clock: Clock; logger: Logger; meter: Meter }): HttpTls | undefined {
    return settings.httpTls ? new HttpTls(settings, host) : undefined;
  }

  private constructor(settings: Settings, { clock, logger, meter }: { clock: Clock; logger: Logger; meter: Meter }) {
    this.#settings = settings;
    this.#clock = clock;
    this.#logger = logger;
    const metrics = tlsMetrics(meter, 'http', 'the HTTP port');
    this.#files = new TlsFiles({
      host: { clock, logger },
      settings: { ...serverCertificate(settings), authorities: undefined },
      expiry: metrics.expiry,
      listeners: 'the HTTP port',
      readFile: (path) => readFileSync(path),
    });
    metrics.failedHandshakes.add(0);
    this.#failed = () => metrics.failedHandshakes.add();
    this.#used = this.#files.material;
  }

  /** For https.createServer. */
  get options(): SecureContextOptions & { readonly handshakeTimeout: number } {
    return { ...this.#context(), handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
  }

  attach(server: Server): void {
    server.prependListener('connection', () => this.#renew(server));
    server.on('tlsClientError', ({ message }) => {
      this.#failed();
      this.#logger.debug({}, `TLS handshake of the HTTP port failed: ${message}`);
    });
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

  #renew(server: Server): void {
    if (this.#files.material === this.#used) return;
    this.#used = this.#files.material;
    try {
      server.setSecureContext(this.#context());
    } catch (failure) {
      this.#logger.error(
        {},
        `${certificateSetting(this.#settings)}: the new certificate cannot be used, and the last one remains: ${(failure as Error).message}`,
      );
    }
  }

  #context(): SecureContextOptions {
    return { ...this.#files.material.identity, minVersion: this.#settings.tlsMinVersion, maxVersion: 'TLSv1.3' };
  }
}
