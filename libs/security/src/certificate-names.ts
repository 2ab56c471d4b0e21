// The device id in a client certificate: its common name, or its first alternative name (SAN) of a kind; or what mapping
// rules (`ssl.principal.mapping.rules`, KIP-371) make of the subject or of that alternative name.
//
// Promises: a name that could be read in two ways is none.
import { isDeviceId } from './device.ts';
import { PrincipalMapper } from './principal-mapper.ts';

export interface ClientCertificate {
  /** As OpenSSL writes it: an attribute a line, the most general first, special characters escaped. */
  readonly subject: string;
  /** As Node writes it: `DNS:a.example, URI:urn:b`; a value with special characters is quoted. */
  readonly alternativeNames: string | undefined;
  /** ms since 1970 */
  readonly validToMs: number;
}

const KINDS = { dns: 'DNS', uri: 'URI', email: 'email' } as const;
export type CertificateNameKind = 'subject' | keyof typeof KINDS;

export class CertificateNames {
  readonly #kind: CertificateNameKind;
  readonly #mapper: PrincipalMapper | undefined;

  /** @throws MappingRuleRefused */
  constructor(kind: CertificateNameKind, rules: string | undefined) {
    this.#kind = kind;
    this.#mapper = rules === undefined ? undefined : new PrincipalMapper(rules);
  }

  /** Undefined: it has no name, or one that is no device id. */
  idOf(certificate: ClientCertificate): string | undefined {
    const id = this.#mapper ? this.#mapped(this.#mapper, certificate) : this.#plain(certificate);
    return id !== undefined && isDeviceId(id) ? id : undefined;
  }

  #plain({ subject, alternativeNames }: ClientCertificate): string | undefined {
    if (this.#kind !== 'subject') return alternativeName(alternativeNames, KINDS[this.#kind]);
    const [commonName, ...more] = subject.split('\n').filter((line) => line.startsWith('CN='));
    return more.length === 0 ? commonName?.slice('CN='.length) : undefined;
  }

  #mapped(mapper: PrincipalMapper, { subject, alternativeNames }: ClientCertificate): string | undefined {
    if (this.#kind === 'subject') return mapper.nameOf(subject.split('\n').toReversed().join(','));
    const name = alternativeName(alternativeNames, KINDS[this.#kind]);
    return name === undefined ? undefined : mapper.nameOf(name);
  }
}

const ALTERNATIVE = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** The first of the kind. Undefined if the list cannot be read to its end, or its value is quoted. */
function alternativeName(list: string | undefined, kind: string): string | undefined {
  if (list === undefined) return undefined;
  let found: string | undefined;
  ALTERNATIVE.lastIndex = 0;
  while (ALTERNATIVE.lastIndex < list.length) {
    const match = ALTERNATIVE.exec(list);
    if (!match) return undefined;
    if (match[1] === kind) found ??= match[2];
  }
  return found?.startsWith('"') ? undefined : found;
}
