// Which pages may use an HTTP or WebSocket listener. A browser lets any page that is open in it send requests to addresses of this
// machine and network. Two kinds of such pages are refused: a page of another site, whose Origin is not ours; and a page whose own name
// was rebound to our address (DNS rebinding), for which Host and Origin agree, but on a name that is not ours.
//
// Promises: what programs send (no Origin, an address or a name of this machine as Host) is accepted.
// Never: replaces authentication. A program can send any header.

export interface WebHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

export interface OriginSettings {
  /** Names of this machine. */
  readonly names: readonly string[];
  /** Further origins, such as https://fleet.example: that of a proxy in front of us, or of another page that may use us. */
  readonly allowed: readonly string[];
  /** Where users sign in, a page with a foreign name has no session: its Host need not be known. */
  readonly anyHost?: boolean;
}

/** `same-host`: a page from any port of the same host. MQTT over WebSocket and the page have different ports. */
export type OwnPages = 'same-origin' | 'same-host';

export class OriginPolicy {
  readonly #names: ReadonlySet<string>;
  readonly #allowed: ReadonlySet<string>;
  readonly #anyHost: boolean;

  constructor({ names, allowed, anyHost = false }: OriginSettings) {
    const allowedNames = allowed.map((origin) => new URL(origin).hostname);
    this.#names = new Set([...names.map((name) => name.toLowerCase()), ...allowedNames]);
    this.#allowed = new Set(allowed.map((origin) => new URL(origin).origin));
    this.#anyHost = anyHost;
  }

  /** Why the request is refused, with the cure; undefined if it is not. */
  refusalOf(headers: WebHeaders, ownPages: OwnPages): string | undefined {
    return this.#refusalOfHost(headers.host) ?? this.#refusalOfOrigin(headers, ownPages);
  }

  #refusalOfHost(host: string | undefined): string | undefined {
    if (host === undefined || this.#anyHost) return undefined; // HTTP/1.0: no browser
    const url = urlOf('http:', host);
    if (url && (this.#isOwnName(nameIn(url)) || isWrittenByProxy(host))) return undefined;
    return `the host ${quoted(host)} is not a name of this machine: if it is yours, set MILEPOST_ALLOWED_ORIGINS=https://${url?.host ?? 'name'}`;
  }

  #refusalOfOrigin({ host = '', origin }: WebHeaders, ownPages: OwnPages): string | undefined {
    if (origin === undefined || this.#allowed.has(origin)) return undefined;
    const page = URL.canParse(origin) ? new URL(origin) : undefined;
    // A browser omits its scheme's default port in Origin, and a proxy may add it to Host (nginx: `$host:$server_port`).
    const here = page && urlOf(page.protocol, host);
    const part = ownPages === 'same-origin' ? 'host' : 'hostname';
    if (page && here && here[part] !== '' && page[part] === here[part]) return undefined;
    return `a page of ${quoted(origin)} may not use ${quoted(host)}: if it is trusted, set MILEPOST_ALLOWED_ORIGINS=${page?.origin ?? 'https://name'}`;
  }

  #isOwnName(name: string): boolean {
    return this.#names.has(name) || isAddress(name) || isUnregistrable(name);
  }
}

/** Somebody who rebinds a name must own it; an address cannot be rebound. */
const isAddress = (name: string): boolean => /^(\d+\.){3}\d+$/.test(name) || name.startsWith('[');

/** Names without a dot, and those that no registry delegates (RFC 6761, RFC 6762, RFC 8375, and ICANN for `internal`). */
const isUnregistrable = (name: string): boolean =>
  !name.includes('.') || /\.(localhost|local|internal|home\.arpa)$/.test(name);

/** Browsers omit a default port. */
const isWrittenByProxy = (host: string): boolean => /:(80|443)$/.test(host);

const nameIn = ({ hostname }: URL): string => hostname.replace(/\.$/, '');

function urlOf(protocol: string, host: string): URL | undefined {
  if (/[\s/\\?#@]/.test(host)) return undefined;
  const text = `${protocol}//${host}`;
  return URL.canParse(text) ? new URL(text) : undefined;
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 100));
