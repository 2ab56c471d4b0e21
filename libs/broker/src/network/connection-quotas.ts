// Limits the number of connections, in all and from one address. The limits may change while the broker runs; open
// connections are never closed for them.

export interface ConnectionLimits {
  /** max.connections */
  readonly total: number;
  /** max.connections.per.ip */
  readonly perIp: number;
  /** max.connections.per.ip.overrides, by address */
  readonly perIpOverrides: ReadonlyMap<string, number>;
}

export class ConnectionQuotas {
  readonly #limits: () => ConnectionLimits;
  readonly #byHost = new Map<string, number>();
  #total = 0;

  constructor(limits: () => ConnectionLimits) {
    this.#limits = limits;
  }

  get total(): number {
    return this.#total;
  }

  /**
   * Undefined: the connection is accepted, and the caller calls `left` when it ends. Otherwise the limit that refuses
   * it.
   */
  enter(host: string): string | undefined {
    const { total, perIp, perIpOverrides } = this.#limits();
    const ofHost = this.#byHost.get(host) ?? 0;
    if (this.#total >= total) return `max.connections=${total}`;
    const most = perIpOverrides.get(host) ?? perIp;
    if (ofHost >= most) return `max.connections.per.ip=${most}`;
    this.#byHost.set(host, ofHost + 1);
    this.#total++;
    return undefined;
  }

  left(host: string): void {
    this.#total--;
    const ofHost = (this.#byHost.get(host) ?? 1) - 1;
    if (ofHost === 0) this.#byHost.delete(host);
    else this.#byHost.set(host, ofHost);
  }
}

/** `127.0.0.1:200` each; an IPv6 address ends at the last colon. Other entries are ignored. */
export function readOverrides(entries: readonly string[]): ReadonlyMap<string, number> {
  const overrides = new Map<string, number>();
  for (const entry of entries) {
    const [, host, most] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(entry.trim()) ?? [];
    if (host !== undefined) overrides.set(host, Number(most));
  }
  return overrides;
}
