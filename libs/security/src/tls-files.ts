// The key and certificates of TLS listeners, from files that are read again when they change.
//
// Promises: the content of the files is used for connections CHECK_EVERY_MS after it has changed. A file that cannot be used
// while the program runs is logged once, and the last good content remains. At the start it is an error.
// Never: writes a key or a passphrase into a log or an error.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Cancel, Clock, Gauge, Logger, TlsMaterial } from '@milepost/core';

const CHECK_EVERY_MS = 10_000;

export interface TlsFileSettings {
  readonly type: 'PEM' | 'PKCS12';
  /** PEM: the certificate with its intermediates, and the key unless `key` names another file. */
  readonly certificate: FileSetting;
  readonly key?: FileSetting | undefined;
  readonly passphrase: string | undefined;
  /** PEM: the authorities of clients. */
  readonly authorities: FileSetting | undefined;
}

/** A path, and the name of the setting that has it, for errors. */
export interface FileSetting {
  readonly setting: string;
  readonly path: string;
}

export interface TlsFilesDeps {
  readonly host: { readonly clock: Clock; readonly logger: Logger };
  readonly settings: TlsFileSettings;
  /** When the certificate ends, in seconds since 1970; of PEM files. */
  readonly expiry: Gauge;
  /** For the log: "the listeners with SSL". */
  readonly listeners: string;
  /** @throws the system's error */
  readonly readFile: (path: string) => Buffer;
}

/** A file that cannot be used: the setting, what was expected, and what was seen. */
export class TlsFileRefused extends Error {
  override readonly name = 'TlsFileRefused';
}

interface Content {
  readonly certificate: Buffer;
  readonly key: Buffer;
  readonly authorities: Buffer | undefined;
}

export class TlsFiles {
  readonly #deps: TlsFilesDeps;
  #material: TlsMaterial;
  #content: Content;
  #problem = '';
  #validTo: Date | undefined;
  #cancel: Cancel = () => {};

  /** @throws TlsFileRefused */
  constructor(deps: TlsFilesDeps) {
    this.#deps = deps;
    this.#content = this.#read();
    this.#material = this.#use(this.#content);
    this.#checkLater();
  }

  /** Another object after each change. */
  get material(): TlsMaterial {
    return this.#material;
  }

  /** When the certificate ends; undefined for PKCS#12, which Node does not read. */
  get validTo(): Date | undefined {
    return this.#validTo;
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
    const content = this.#read();
    if (isSame(content, this.#content)) return;
    this.#material = this.#use(content);
    this.#content = content;
    this.#deps.host.logger.info({}, `the certificate of ${this.#deps.listeners} has changed`);
  }

  #read(): Content {
    const { certificate, key, authorities } = this.#deps.settings;
    const bytes = this.#file(certificate);
    return {
      certificate: bytes,
      key: key ? this.#file(key) : bytes,
      authorities: authorities && this.#file(authorities),
    };
  }

  #use({ certificate, key, authorities }: Content): TlsMaterial {
    const { settings, expiry } = this.#deps;
    const trusted =
      authorities === undefined || settings.authorities === undefined
        ? {}
        : { authorities: certificatesIn(authorities, settings.authorities) };
    const secret = settings.passphrase === undefined ? {} : { passphrase: settings.passphrase };
    if (settings.type === 'PKCS12') return { identity: { pfx: certificate, ...secret }, ...trusted };
    const identity = identityIn(certificate.toString(), key.toString(), settings);
    this.#validTo = identity.validTo;
    expiry.set(identity.validTo.getTime() / 1_000);
    return { identity: { cert: identity.cert, key: identity.key, ...secret }, ...trusted };
  }

  #file({ setting, path }: FileSetting): Buffer {
    try {
      return this.#deps.readFile(path);
    } catch (failure) {
      throw new TlsFileRefused(
        `${setting}: expected a readable file, seen ${path} (${(failure as NodeJS.ErrnoException).code})`,
      );
    }
  }
}

const isSame = (one: Content, other: Content): boolean =>
  one.certificate.equals(other.certificate) &&
  one.key.equals(other.key) &&
  (one.authorities ?? Buffer.alloc(0)).equals(other.authorities ?? Buffer.alloc(0));

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----[\s\S]+?-----END \1PRIVATE KEY-----/;

function identityIn(text: string, keyText: string, { certificate, key = certificate, passphrase }: TlsFileSettings) {
  const expected = key === certificate ? 'a private key and its certificate in PEM' : 'a certificate in PEM';
  const refuse = (seen: string): TlsFileRefused =>
    new TlsFileRefused(`${certificate.setting}: expected ${expected}, seen ${certificate.path} ${seen}`);
  const certificates = text.match(CERTIFICATES) ?? [];
  const [first] = certificates;
  if (first === undefined) throw refuse('without a certificate');
  const keyPem = PRIVATE_KEY.exec(keyText)?.[0];
  if (keyPem === undefined)
    throw key === certificate
      ? refuse('without a key')
      : new TlsFileRefused(`${key.setting}: expected a private key in PEM, seen ${key.path} without one`);
  let parsed: X509Certificate;
  let isOwnKey: boolean;
  try {
    parsed = new X509Certificate(first);
    isOwnKey = parsed.checkPrivateKey(
      createPrivateKey({ key: keyPem, ...(passphrase !== undefined && { passphrase }) }),
    );
  } catch (failure) {
    throw refuse(`with what cannot be read: ${(failure as Error).message}`);
  }
  if (!isOwnKey) throw refuse('with the key of another certificate than the first');
  return { cert: certificates.join('\n'), key: keyPem, validTo: new Date(parsed.validTo) };
}

function certificatesIn(content: Buffer, { setting, path }: FileSetting): string {
  const certificates = content.toString().match(CERTIFICATES);
  if (certificates) return certificates.join('\n');
  throw new TlsFileRefused(`${setting}: expected certificates in PEM, seen none in ${path}`);
}
