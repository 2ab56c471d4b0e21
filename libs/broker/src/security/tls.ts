// The TLS of a broker's listeners: its key and certificates from files that are read again when they change, and the names of
// clients with certificates.
//
// Promises: what a file holds counts for connections CHECK_EVERY_MS after it has changed. A file that cannot be used while the
// broker runs is logged once, and the last good content remains. At the start it is an error.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  type Cancel,
  type Clock,
  type Counter,
  type Gauge,
  type Logger,
  type Meter,
  type TlsMaterial,
  type TlsServer,
} from '@milepost/core';
import { ANONYMOUS, type Principal, userPrincipal } from '@milepost/security';
import { SecuritySettingsRefused } from './refused.ts';
import type { TlsSettings } from './security-settings.ts';

const CHECK_EVERY_MS = 10_000;

export interface TlsMetrics {
  readonly expiry: Gauge;
  readonly failedHandshakes: Counter;
}

/** Without series, while no listener has TLS. */
export const tlsMetrics = (meter: Meter): TlsMetrics => ({
  expiry: meter.gauge(
    'milepost_kafka_certificate_expiry_seconds',
    'When the certificate of the listeners with SSL ends, in seconds since 1970 (of PEM files).',
  ),
  failedHandshakes: meter.counter(
    'milepost_kafka_tls_handshakes_failed_total',
    'Connections that ended before their TLS handshake was done.',
  ),
});

export interface TlsDeps {
  readonly host: { readonly clock: Clock; readonly logger: Logger };
  readonly metrics: TlsMetrics;
  readonly settings: TlsSettings;
  /** @throws the system's error */
  readonly readFile: (path: string) => Buffer;
}

export class Tls {
  readonly #deps: TlsDeps;
  #material: TlsMaterial;
  #content: Buffer;
  #problem = '';
  #cancel: Cancel = () => {};

  /** @throws SecuritySettingsRefused */
  constructor(deps: TlsDeps) {
    this.#deps = deps;
    this.#deps.metrics.failedHandshakes.add(0);
    const read = this.#read();
    this.#content = read.content;
    this.#material = this.#use(read);
    this.#checkLater();
  }

  /** For a listener whose clients log in with SASL, no certificate is asked for, as in Kafka. */
  server(withSasl: boolean): TlsServer {
    const { clientCertificate, versions } = this.#deps.settings;
    return {
      material: () => this.#material,
      clientCertificate: withSasl ? 'none' : clientCertificate,
      versions,
      failed: (reason, client) => {
        if (client) this.#deps.metrics.failedHandshakes.add();
        this.#deps.host.logger.info({ ...(client && { client: client.host }) }, `TLS handshake failed: ${reason}`);
      },
    };
  }

  /** Undefined: no rule of ssl.principal.mapping.rules matches the name. */
  principalOf(certified: string | undefined): Principal | undefined {
    if (certified === undefined) return ANONYMOUS;
    const name = this.#deps.settings.mapper.nameOf(certified);
    return name === undefined ? undefined : userPrincipal(name);
  }

  close(): void {
    this.#cancel();
  }

  #checkLater(): void {
    const { clock, logger } = this.#deps.host;
    this.#cancel = clock.after(CHECK_EVERY_MS, () => {
      try {
        this.#check();
        this.#problem = '';
      } catch (failure) {
        const { message } = failure as Error;
        if (message !== this.#problem) logger.error({}, `${message}; the last good one remains`);
        this.#problem = message;
      }
      this.#checkLater();
    });
  }

  #check(): void {
    const read = this.#read();
    if (read.content.equals(this.#content)) return;
    this.#material = this.#use(read);
    this.#content = read.content;
    this.#deps.host.logger.info({}, 'the certificate of the listeners with SSL has changed');
  }

  #read(): { keystore: Buffer; truststore: Buffer | undefined; content: Buffer } {
    const { keystore, truststore } = this.#deps.settings;
    const identity = this.#file('ssl.keystore.location', keystore.location);
    const trusted = truststore === undefined ? undefined : this.#file('ssl.truststore.location', truststore);
    return { keystore: identity, truststore: trusted, content: Buffer.concat([identity, trusted ?? Buffer.alloc(0)]) };
  }

  #use({ keystore, truststore }: { readonly keystore: Buffer; readonly truststore: Buffer | undefined }): TlsMaterial {
    const { type, location, passphrase } = this.#deps.settings.keystore;
    const authorities =
      truststore === undefined ? {} : { authorities: certificatesIn(truststore, this.#deps.settings.truststore ?? '') };
    const secret = passphrase === undefined ? {} : { passphrase };
    if (type === 'PKCS12') return { identity: { pfx: keystore, ...secret }, ...authorities };
    const { cert, key, validTo } = identityIn(keystore.toString(), location, passphrase);
    this.#deps.metrics.expiry.set(validTo.getTime() / 1_000);
    return { identity: { cert, key, ...secret }, ...authorities };
  }

  #file(property: string, path: string): Buffer {
    try {
      return this.#deps.readFile(path);
    } catch (failure) {
      throw new SecuritySettingsRefused(
        `${property}: expected a readable file, seen ${path} (${(failure as NodeJS.ErrnoException).code})`,
      );
    }
  }
}

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]+?-----END \1PRIVATE KEY-----/;

function identityIn(text: string, path: string, passphrase: string | undefined) {
  const refuse = (seen: string): SecuritySettingsRefused =>
    new SecuritySettingsRefused(
      `ssl.keystore.location: expected a private key and its certificate in PEM, seen ${path} ${seen}`,
    );
  const certificates = text.match(CERTIFICATES) ?? [];
  const key = PRIVATE_KEY.exec(text)?.[0];
  const [first] = certificates;
  if (first === undefined || key === undefined)
    throw refuse(first === undefined ? 'without a certificate' : 'without a key');
  let certificate: X509Certificate;
  let isOwnKey: boolean;
  try {
    certificate = new X509Certificate(first);
    isOwnKey = certificate.checkPrivateKey(createPrivateKey({ key, ...(passphrase !== undefined && { passphrase }) }));
  } catch (failure) {
    throw refuse(`with what cannot be read: ${(failure as Error).message}`);
  }
  if (!isOwnKey) throw refuse('with the key of another certificate than the first');
  return { cert: certificates.join('\n'), key, validTo: new Date(certificate.validTo) };
}

function certificatesIn(content: Buffer, path: string): string {
  const certificates = content.toString().match(CERTIFICATES);
  if (certificates) return certificates.join('\n');
  throw new SecuritySettingsRefused(`ssl.truststore.location: expected certificates in PEM, seen none in ${path}`);
}
