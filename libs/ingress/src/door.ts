// The door of an engine: decides, before CONNACK, whether a connection may become a client and what the client may do.
import type { Route } from '@milepost/routes';
import type { CertificateNames, ClientCertificate, DeviceAuthenticator, Refusal } from '@milepost/security';
import { Rights } from './rights.ts';

export interface Door {
  /** `changed` is called when what let the client in is no longer true; not after `leave`. Never rejects. */
  admit(credentials: Credentials, changed: () => void): Promise<Admission>;
}

export interface Credentials {
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  /** Verified by TLS. It counts before user name and password. */
  readonly certificate: ClientCertificate | undefined;
  /** The IP address of the client. */
  readonly host: string;
}

export type Admission =
  | {
      readonly kind: 'admitted';
      readonly rights: Rights;
      /** When its certificate or its token ends, in ms since 1970. */
      readonly expiresAtMs: number | undefined;
      leave(): void;
    }
  | { readonly kind: 'refused'; readonly reason: Refusal };

export class DeviceDoor implements Door {
  readonly #authenticator: DeviceAuthenticator;
  readonly #names: CertificateNames;
  #routes: readonly Route[];

  constructor(authenticator: DeviceAuthenticator, names: CertificateNames, routes: readonly Route[]) {
    this.#authenticator = authenticator;
    this.#names = names;
    this.#routes = routes;
  }

  /** Also for the devices that are connected. */
  reroute(routes: readonly Route[]): void {
    this.#routes = routes;
  }

  async admit(credentials: Credentials, changed: () => void): Promise<Admission> {
    const { certificate } = credentials;
    const result = certificate
      ? await this.#authenticator.byCertificate(this.#names.idOf(certificate), changed, certificate.validToMs)
      : await this.#authenticator.byPassword(credentials, changed);
    if (result.kind === 'refused') return result;
    return {
      kind: 'admitted',
      rights: new Rights(result.identity, () => this.#routes),
      expiresAtMs: certificate ? certificate.validToMs : result.expiresAtMs,
      leave: () => result.leave(),
    };
  }
}
