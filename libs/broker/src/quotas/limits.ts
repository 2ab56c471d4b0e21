// Which quota applies to a client. The most specific one that is set wins, in Kafka's order. All clients that a quota
// covers by name share it; a default quota applies to each client separately.
import { type ClientQuota, type QuotaEntity, quotaKey } from '@milepost/metadata';

export const QUOTA_NAMES = [
  'producer_byte_rate',
  'consumer_byte_rate',
  'request_percentage',
  'controller_mutation_rate',
  'connection_creation_rate',
] as const;
export type QuotaName = (typeof QUOTA_NAMES)[number];

export interface QuotaClient {
  readonly user: string;
  readonly clientId: string;
}

export interface Limit {
  readonly value: number;
  /** Clients with the same value share the quota. */
  readonly sharedBy: string;
}

/** The number of clients whose limits are cached before all are looked up again. */
const MOST_REMEMBERED = 10_000;

type Candidate = readonly [entity: QuotaEntity, sharedBy: QuotaEntity];

export class Limits {
  readonly #quotas: ReadonlyMap<string, ClientQuota>;
  readonly #used: ReadonlySet<string>;
  readonly #remembered = new Map<string, Limit | undefined>();

  constructor(quotas: ReadonlyMap<string, ClientQuota>) {
    this.#quotas = quotas;
    this.#used = new Set([...quotas.values()].flatMap((one) => Object.keys(one.quotas)));
  }

  /** Whether any client has such a quota: most brokers have none, and then nothing is measured. */
  isUsed(name: QuotaName): boolean {
    return this.#used.has(name);
  }

  ofClient(name: QuotaName, { user, clientId }: QuotaClient): Limit | undefined {
    if (!this.#used.has(name)) return undefined;
    const key = `${name}\0${user}\0${clientId}`;
    return this.#remember(key, () => this.#strongest(name, candidates(user, clientId)));
  }

  ofAddress(name: QuotaName, ip: string): Limit | undefined {
    if (!this.#used.has(name)) return undefined;
    return this.#remember(`${name}\0${ip}`, () =>
      this.#strongest(name, [
        [{ ip }, { ip }],
        [{ ip: null }, { ip }],
      ]),
    );
  }

  #remember(key: string, find: () => Limit | undefined): Limit | undefined {
    if (this.#remembered.has(key)) return this.#remembered.get(key);
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    const found = find();
    this.#remembered.set(key, found);
    return found;
  }

  #strongest(name: QuotaName, order: readonly Candidate[]): Limit | undefined {
    for (const [entity, sharedBy] of order) {
      const value = this.#quotas.get(quotaKey(entity))?.quotas[name];
      if (value !== undefined) return { value, sharedBy: `${name} ${quotaKey(sharedBy)}` };
    }
    return undefined;
  }
}

function candidates(user: string, clientId: string): readonly Candidate[] {
  const both = { user, 'client-id': clientId };
  return [
    [both, both],
    [{ user, 'client-id': null }, both],
    [{ user }, { user }],
    [{ user: null, 'client-id': clientId }, both],
    [{ user: null, 'client-id': null }, both],
    [{ user: null }, { user }],
    [{ 'client-id': clientId }, { 'client-id': clientId }],
    [{ 'client-id': null }, { 'client-id': clientId }],
  ];
}
