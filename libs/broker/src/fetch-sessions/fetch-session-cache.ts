// The open fetch sessions, limited in number and in partitions.
//
// When the cache is full, a new session replaces one that was unused for two minutes. Else it replaces the smallest one
// that is older than that and smaller than the new one (a follower's beats a consumer's). Else it is not opened, and
// its fetcher continues with full requests.
import { type Clock, invariant, type Meter, type Random } from '@milepost/core';
import { FetchSession } from './fetch-session.ts';

/** Kafka's value, not a setting there either. */
const EVICTION_MS = 120_000;

/** In all sessions together. Kafka has no such limit; a partition takes some 200 bytes. */
const MOST_PARTITIONS = 1_000_000;

const MOST_SESSION_ID = 0x7fff_ffff;

export interface FetchSessionCacheDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  /** max.incremental.fetch.session.cache.slots */
  readonly slots: number;
  readonly mostPartitions?: number;
}

export class FetchSessionCache {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #slots: number;
  readonly #mostPartitions: number;
  /** The least recently used one comes first. */
  readonly #sessions = new Map<number, FetchSession>();
  #partitions = 0;
  #evictions = 0;

  constructor({ clock, random, meter, slots, mostPartitions }: FetchSessionCacheDeps) {
    this.#clock = clock;
    this.#random = random;
    this.#slots = slots;
    this.#mostPartitions = mostPartitions ?? MOST_PARTITIONS;
    const prefix = 'kafka_server_fetchsessioncache';
    const sessions = meter.gauge(`${prefix}_numincrementalfetchsessions`, 'Fetch sessions that are open (KIP-227).');
    const partitions = meter.gauge(`${prefix}_numincrementalfetchpartitionscached`, 'Partitions in fetch sessions.');
    const evictions = meter.counter(
      `${prefix}_incrementalfetchsessionevictions_total`,
      'Fetch sessions that were evicted for others.',
    );
    meter.onScrape(() => {
      sessions.set(this.#sessions.size);
      partitions.set(this.#partitions);
      evictions.add(this.#evictions);
      this.#evictions = 0;
    });
  }

  get size(): number {
    return this.#sessions.size;
  }
  /** In all sessions. */
  get partitionCount(): number {
    return this.#partitions;
  }

  get(id: number): FetchSession | undefined {
    return this.#sessions.get(id);
  }

  /** Undefined if there is no room for that many partitions. The caller adds them and then calls `touch`. */
  create(traits: { privileged: boolean; usesTopicIds: boolean; size: number }): FetchSession | undefined {
    const now = this.#clock.monotonic();
    if (!this.#hasRoomFor(traits.size)) {
      this.#evict(traits.privileged, traits.size, now);
      if (!this.#hasRoomFor(traits.size)) return undefined;
    }
    const session = new FetchSession(this.#newId(), { ...traits, now });
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Changes the session's partitions. False: there is no room for them, and the session is removed. */
  change(session: FetchSession, change: () => void): boolean {
    this.#partitions -= session.size;
    change();
    this.#partitions += session.size;
    if (this.#partitions <= this.#mostPartitions) return true;
    this.remove(session);
    return false;
  }

  /** Marks the session as used just now. */
  touch(session: FetchSession): void {
    invariant(this.#sessions.delete(session.id), () => `fetch session ${session.id} is not open`);
    this.#sessions.set(session.id, session);
    session.lastUsedMs = this.#clock.monotonic();
    session.isSettled = session.lastUsedMs - session.createdMs > EVICTION_MS;
  }

  remove(session: FetchSession): void {
    if (this.#sessions.delete(session.id)) this.#partitions -= session.size;
  }

  #hasRoomFor(size: number): boolean {
    return this.#sessions.size < this.#slots && this.#partitions + size <= this.#mostPartitions;
  }

  /** Evicts one session, if one is worth less than a new one of this size. */
  #evict(privileged: boolean, size: number, now: number): void {
    const oldest = this.#sessions.values().next().value;
    if (oldest === undefined) return;
    const isStale = now - oldest.lastUsedMs > EVICTION_MS;
    const leaving = isStale ? oldest : this.#smallest(privileged);
    if (leaving === undefined) return;
    const isWorthMore = privileged === leaving.privileged ? size > leaving.size : privileged;
    if (!isStale && !isWorthMore) return;
    this.remove(leaving);
    this.#evictions++;
  }

  /** The session to evict: consumers' before followers', then the one with the fewest partitions. */
  #smallest(toPrivileged: boolean): FetchSession | undefined {
    let smallest: FetchSession | undefined;
    for (const session of this.#sessions.values()) {
      if (!session.isSettled && !(toPrivileged && !session.privileged)) continue;
      if (smallest === undefined || isBefore(session, smallest)) smallest = session;
    }
    return smallest;
  }

  #newId(): number {
    for (;;) {
      const id = 1 + this.#random.below(MOST_SESSION_ID);
      if (!this.#sessions.has(id)) return id;
    }
  }
}

function isBefore(one: FetchSession, other: FetchSession): boolean {
  if (one.privileged !== other.privileged) return other.privileged;
  return one.size === other.size ? one.id < other.id : one.size < other.size;
}
