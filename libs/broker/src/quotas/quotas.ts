// Quotas of clients and addresses: measures their use against their limits, and returns how long each is to be
// throttled (KIP-13, KIP-124, KIP-219, KIP-599, KIP-612). The caller mutes the connection; nothing here waits.
//
// Promises: a client without a quota is not measured. A changed quota applies from the next request on, to earlier use
// as well. Remembers at most MOST_MEASURED clients; the longest silent are dropped first.
import type { Clock, Counter, Meter } from '@milepost/core';
import type { ClusterImage } from '@milepost/metadata';
import { type Limit, Limits, QUOTA_NAMES, type QuotaClient, type QuotaName } from './limits.ts';
import { Rate, type Windows } from './rate.ts';
import { TokenBucket } from './token-bucket.ts';

const MOST_MEASURED = 10_000;

export interface QuotasDeps {
  readonly clock: Clock;
  readonly meter: Meter;
  readonly image: () => ClusterImage;
  /** quota.window.* */
  readonly windows: Windows;
  /** controller.quota.window.* */
  readonly controllerWindows: Windows;
  /** max.connection.creation.rate: connections a second on this broker; may change while it runs. */
  readonly connectionRate: () => number;
}

/** For one request that changes topics: each of its changes checks the quota. */
export interface MutationQuota {
  /** Charges that many partitions; a strict quota refuses (false) while there is a debt. */
  take(partitions: number): boolean;
  /** A decision runs again: returns what its last run charged. */
  restart(): void;
  /** How long the client is to be throttled. */
  readonly throttleTimeMs: number;
}

const UNLIMITED: MutationQuota = { take: () => true, restart: () => {}, throttleTimeMs: 0 };

export class Quotas {
  readonly #deps: QuotasDeps;
  readonly #throttledSeconds: Counter;
  readonly #throttledRequests: Counter;
  /** The most recently used one is last. */
  readonly #rates = new Map<string, Rate>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #connections: Rate;
  #limits: Limits;
  #limitsOf: ClusterImage['clientQuotas'];

  constructor(deps: QuotasDeps) {
    this.#deps = deps;
    this.#connections = new Rate(deps.windows);
    this.#limitsOf = deps.image().clientQuotas;
    this.#limits = new Limits(this.#limitsOf);
    const { meter } = deps;
    this.#throttledSeconds = meter.counter(
      'milepost_kafka_throttled_seconds_total',
      'How long clients were throttled, by quota.',
      ['quota'],
    );
    this.#throttledRequests = meter.counter(
      'milepost_kafka_throttled_requests_total',
      'Requests and connections that were throttled, by quota.',
      ['quota'],
    );
    for (const quota of QUOTA_NAMES) {
      this.#throttledSeconds.add(0, { quota });
      this.#throttledRequests.add(0, { quota });
    }
  }

  /** Counts bytes that a client has produced, if it has a quota. Returns how many ms it is to be throttled. */
  produced(client: QuotaClient, bytes: () => number): number {
    const limit = this.#current.ofClient('producer_byte_rate', client);
    return limit ? this.#record('producer_byte_rate', limit, bytes()) : 0;
  }

  /** The limit for one fetch response: a larger one would be throttled forever. */
  mostFetchBytes(client: QuotaClient): number {
    const limit = this.#current.ofClient('consumer_byte_rate', client);
    const { count, sizeMs } = this.#deps.windows;
    return limit ? Math.floor((limit.value * (count - 1) * sizeMs) / 1_000) : Number.POSITIVE_INFINITY;
  }

  /**
   * Counts bytes that are about to be sent. Above 0: send an empty response instead, and throttle the client that long.
   */
  fetched(client: QuotaClient, bytes: number): number {
    const limit = this.#current.ofClient('consumer_byte_rate', client);
    if (!limit) return 0;
    const rate = this.#rateOf(limit);
    // A batch larger than the quota of all windows is sent to a client that had nothing for that long; otherwise it
    // would never be sent.
    const isDue = bytes > this.mostFetchBytes(client) && rate.perSecond(this.#nowMs) === 0;
    const throttleMs = isDue ? 0 : this.#record('consumer_byte_rate', limit, bytes);
    if (isDue) rate.record(bytes, this.#nowMs);
    else if (throttleMs > 0) rate.record(-bytes, this.#nowMs);
    return throttleMs;
  }

  /** Counts the time that the broker worked for a client, which is throttled at most for a window. */
  worked(client: QuotaClient, workedMs: number): number {
    const percent = (workedMs / 1_000) * 100;
    const limit = this.#current.ofClient('request_percentage', client);
    return this.#record('request_percentage', limit, percent, this.#deps.windows.sizeMs);
  }

  /** Counts time spent on a response that has been decided, for the next request. */
  workedMore(client: QuotaClient, workedMs: number): void {
    const limit = this.#current.ofClient('request_percentage', client);
    if (limit) this.#rateOf(limit).record((workedMs / 1_000) * 100, this.#nowMs);
  }

  /** `strict` refuses what is too much; otherwise it is done and the client throttled. */
  mutations(client: QuotaClient, strict: boolean): MutationQuota {
    const limit = this.#current.ofClient('controller_mutation_rate', client);
    return limit ? this.#limitedMutations(limit, strict) : UNLIMITED;
  }

  /** Counts a new connection from an address. Above 0: it is beyond the limit, and to be closed after that long. */
  connected(ip: string): number {
    const limit = this.#current.ofAddress('connection_creation_rate', ip);
    const throttleMs = this.#record('connection_creation_rate', limit, 1, this.#deps.windows.sizeMs);
    if (limit && throttleMs > 0) this.#rateOf(limit).record(-1, this.#nowMs);
    return throttleMs;
  }

  /** How long a new connection, from any address, waits until it is served. */
  connectionDelayMs(): number {
    const limit = this.#deps.connectionRate();
    this.#connections.record(1, this.#nowMs);
    return Math.min(this.#connections.overMs(limit, this.#nowMs), this.#deps.windows.sizeMs);
  }

  #limitedMutations({ value, sharedBy }: Limit, strict: boolean): MutationQuota {
    const bucket = kept(this.#buckets, sharedBy, () => new TokenBucket(this.#deps.controllerWindows));
    let throttleTimeMs = 0;
    let taken = 0;
    const debtMs = (): number => bucket.debtMs(value, this.#nowMs);
    const hold = (ms: number): void => {
      if (ms > throttleTimeMs) this.#count('controller_mutation_rate', ms - throttleTimeMs);
      throttleTimeMs = Math.max(throttleTimeMs, ms);
    };
    return {
      take: (partitions) => {
        const owedMs = debtMs();
        if (strict && owedMs > 0) {
          hold(owedMs);
          return false;
        }
        bucket.take(partitions, value, this.#nowMs);
        taken += partitions;
        if (!strict) hold(debtMs());
        return true;
      },
      restart: () => {
        if (taken > 0) bucket.take(-taken, value, this.#nowMs);
        taken = 0;
        throttleTimeMs = 0;
      },
      get throttleTimeMs() {
        return throttleTimeMs;
      },
    };
  }

  #record(name: QuotaName, limit: Limit | undefined, value: number, mostMs = Number.POSITIVE_INFINITY): number {
    if (!limit) return 0;
    const rate = this.#rateOf(limit);
    rate.record(value, this.#nowMs);
    const throttleMs = Math.min(rate.overMs(limit.value, this.#nowMs), mostMs);
    if (throttleMs > 0) this.#count(name, throttleMs);
    return throttleMs;
  }

  #count(quota: QuotaName, throttleMs: number): void {
    this.#throttledSeconds.add(throttleMs / 1_000, { quota });
    this.#throttledRequests.add(1, { quota });
  }

  #rateOf({ sharedBy }: Limit): Rate {
    return kept(this.#rates, sharedBy, () => new Rate(this.#deps.windows));
  }

  get #nowMs(): number {
    return this.#deps.clock.monotonic();
  }

  get #current(): Limits {
    const { clientQuotas } = this.#deps.image();
    if (clientQuotas !== this.#limitsOf) {
      this.#limitsOf = clientQuotas;
      this.#limits = new Limits(clientQuotas);
    }
    return this.#limits;
  }
}

function kept<Measure>(measures: Map<string, Measure>, key: string, make: () => Measure): Measure {
  const measure = measures.get(key) ?? make();
  measures.delete(key);
  measures.set(key, measure);
  if (measures.size > MOST_MEASURED) measures.delete(measures.keys().next().value as string);
  return measure;
}
