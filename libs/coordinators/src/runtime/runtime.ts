// The runtime of a coordinator, after Kafka's coordinator-common: it acquires shards, loads them, persists their events
// under their epoch, and resigns them. It knows nothing of what the slots coordinate.
import { type Clock, ErrorCode, invariant, type Logger, retry } from '@milepost/core';
import {
  type AcquiredShards,
  CoordinatorStoreUnavailable,
  type Leadership,
  type ShardEpoch,
  ShardFenced,
  type ShardStore,
} from './shard-store.ts';
import { Shard, type Slot, type SlotHost } from './shard.ts';
import { shardOf } from './shard-of.ts';

/** Between two attempts to acquire shards while the store is away. */
const ACQUIRE_RETRY_MS = 1_000;

/** What one kind of coordinator brings to the runtime. */
export interface CoordinatorKind<S extends Slot<Event>, Event> {
  /** What its shards hold, in log lines: `groups`. */
  readonly contents: string;
  keyOf(event: Event): string;
  createSlot(key: string, host: SlotHost<Event>): S;
  /** All that the shard holds has been applied. Requests are served once this returns. */
  loaded(shard: Shard<S, Event>): void;
  /** The events are durable and about to be applied. */
  persisted(shard: Shard<S, Event>, events: readonly Event[]): void;
  /** The shard's slots are closed. */
  resigned(shard: Shard<S, Event>): void;
}

export interface RuntimeDeps<S extends Slot<Event>, Event> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly store: ShardStore<Event>;
  readonly kind: CoordinatorKind<S, Event>;
  /** How many shards there are, owned or not. */
  readonly shards: number;
  /** Another process has acquired a shard that this one owned, or wanted to acquire: what it knows of leaders may be old. */
  readonly onDeposed?: (shard: number) => void;
}

export class Runtime<S extends Slot<Event>, Event> {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #store: ShardStore<Event>;
  readonly #kind: CoordinatorKind<S, Event>;
  readonly #shards: readonly Shard<S, Event>[];
  readonly #writes = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  readonly #onDeposed: (shard: number) => void;
  /** Acquisitions run one after the other: the last one has the last epoch. */
  #acquiring: Promise<unknown> = Promise.resolve();
  #storeIsAway = false;

  constructor({ clock, logger, store, kind, shards, onDeposed = () => {} }: RuntimeDeps<S, Event>) {
    this.#onDeposed = onDeposed;
    this.#clock = clock;
    this.#logger = logger;
    this.#store = store;
    this.#kind = kind;
    this.#shards = Array.from({ length: shards }, (_, index) => {
      const shard: Shard<S, Event> = new Shard(index, (key, vacated) => {
        const persist = (events: readonly Event[]) => this.#persist(shard, events);
        return kind.createSlot(key, { clock, persist, vacated, leaderEpoch: () => leaderEpochOf(shard) });
      });
      return shard;
    });
  }

  shards(): readonly Shard<S, Event>[] {
    return this.#shards;
  }

  shardOf(key: string): Shard<S, Event> {
    return this.#shard(shardOf(key, this.#shards.length));
  }

  /**
   * Resolves when the shards are served, or the runtime is closed. While the store is away it retries. Until then their
   * requests get COORDINATOR_LOAD_IN_PROGRESS; other shards are not affected. With a leadership, a shard
   * that a later leader has acquired is not served.
   */
  async acquire(indices: readonly number[], leadership?: Leadership): Promise<void> {
    const loads = indices.map((index) => {
      const shard = this.#shard(index);
      if (shard.state.is === 'active') this.#resign(shard);
      return { shard, attempt: shard.beginLoading() };
    });
    // A shard may have been resigned, or acquired again, in the meantime.
    const current = () =>
      loads.filter(({ shard: { state }, attempt }) => state.is === 'loading' && state.attempt === attempt);
    const turn = this.#acquiring.then(() => this.#acquire(indices, leadership, () => current().length > 0));
    this.#acquiring = turn.catch(() => {});
    const acquired = await turn;
    if (!acquired) return;
    const loading = new Set(current().map(({ shard }) => shard));
    for (const shard of loading)
      if (!acquired.epochs.has(shard.index)) {
        loading.delete(shard);
        shard.resign();
        this.#onDeposed(shard.index);
      }
    let events = 0;
    for (const event of acquired.events) {
      const key = this.#kind.keyOf(event);
      const shard = this.shardOf(key);
      if (!loading.has(shard)) continue;
      shard.slot(key).apply(event);
      events += 1;
    }
    for (const shard of loading) {
      const epoch = acquired.epochs.get(shard.index);
      invariant(epoch !== undefined, () => `shard ${shard.index} was acquired without an epoch`);
      shard.activate(epoch);
      this.#kind.loaded(shard);
    }
    this.#logger.info({ shards: loading.size, records: events }, `${this.#kind.contents} are loaded`);
  }

  /** Also a shard that is being acquired: its acquisition has no effect any more. */
  release(index: number): void {
    const shard = this.#shard(index);
    if (shard.state.is === 'active') this.#resign(shard);
    else shard.resign();
  }

  /** Completes all pending requests. Resolves when no write is in progress. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the coordinator is closed'));
    for (const shard of this.#shards) shard.resign();
    await Promise.allSettled(this.#writes);
  }

  async #acquire(
    indices: readonly number[],
    leadership: Leadership | undefined,
    isWanted: () => boolean,
  ): Promise<AcquiredShards<Event> | undefined> {
    const { signal } = this.#closing;
    try {
      const attempt = async () => (isWanted() ? this.#store.acquire(indices, leadership) : undefined);
      const acquired = await retry(attempt, {
        clock: this.#clock,
        pauseMs: ACQUIRE_RETRY_MS,
        signal,
        isRetriable: (failure) => failure instanceof CoordinatorStoreUnavailable,
        onRetry: (failure) => this.#storeFailed(failure),
      });
      if (acquired) this.#storeResponded();
      return signal.aborted ? undefined : acquired;
    } catch (failure) {
      if (signal.aborted) return undefined;
      throw failure;
    }
  }

  #resign(shard: Shard<S, Event>): void {
    shard.resign();
    this.#kind.resigned(shard);
  }

  async #persist(shard: Shard<S, Event>, events: readonly Event[]): Promise<ErrorCode> {
    if (shard.state.is !== 'active') return shard.error;
    const { epoch } = shard.state;
    const write = this.#store.persist(shard.index, epoch, events);
    this.#writes.add(write);
    try {
      await write;
      this.#storeResponded();
      const { state } = shard;
      if (state.is === 'active' && state.epoch === epoch) this.#kind.persisted(shard, events);
      return ErrorCode.NONE;
    } catch (problem) {
      if (problem instanceof ShardFenced) return this.#deposed(shard, epoch, problem);
      this.#storeFailed(problem);
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    } finally {
      this.#writes.delete(write);
    }
  }

  /** Does nothing to a shard that was acquired again after the write began. */
  #deposed(shard: Shard<S, Event>, epoch: ShardEpoch, problem: ShardFenced): ErrorCode {
    if (shard.state.is === 'active' && shard.state.epoch === epoch) {
      const { contents } = this.#kind;
      this.#logger.error({ shard: shard.index, err: problem }, `another process has acquired a shard of ${contents}`);
      this.#resign(shard);
      this.#onDeposed(shard.index);
    }
    return ErrorCode.NOT_COORDINATOR;
  }

  /** One line when the store goes away and one when it is back, however many commands fail in between. */
  #storeFailed(problem: unknown): void {
    if (!this.#storeIsAway) this.#logger.warn({ err: problem }, `${this.#kind.contents} cannot be stored: retrying`);
    this.#storeIsAway = true;
  }

  #storeResponded(): void {
    if (this.#storeIsAway) this.#logger.info({}, `${this.#kind.contents} are stored again`);
    this.#storeIsAway = false;
  }

  #shard(index: number): Shard<S, Event> {
    const shard = this.#shards[index];
    invariant(shard, () => `there is no shard ${index}, there are ${this.#shards.length}`);
    return shard;
  }
}

function leaderEpochOf<S extends Slot<Event>, Event>({ index, state }: Shard<S, Event>): number {
  invariant(state.is === 'active', () => `shard ${index} is ${state.is}: it has no leader epoch`);
  return state.epoch.leader?.leaderEpoch ?? 0;
}
