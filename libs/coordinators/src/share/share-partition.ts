// One partition as one share group reads it, on the partition's leader: who has acquired which records, and until when.
//
// Promises: an acknowledgement resolves after it is stored. One write is in progress at a time, and what comes in the
// meantime shares the next one. A lock expires after its time, whether or not the store is away. Once a later leader or the
// group's coordinator has fenced the state, nothing is acquired or acknowledged here any more.
import { type Cancel, type Clock, ErrorCode } from '@milepost/core';
import { CoordinatorStoreUnavailable } from '../runtime/shard-store.ts';
import { type AcknowledgedRange, type AcquiredRecords, type Acquisition, doneIn, InFlight } from './in-flight.ts';
import {
  type ShareEpochs,
  ShareStateFenced,
  type SharePartitionKey,
  type ShareStateStore,
  type StoredShareState,
} from './share-state-store.ts';

/** What is set for the group; it may change while records are in flight. */
export interface ShareSettings {
  readonly lockDurationMs: number;
  readonly maxDeliveries: number;
  readonly maxInFlight: number;
  readonly mayRenew: boolean;
}

export interface SharePartitionDeps {
  readonly key: SharePartitionKey;
  readonly clock: Clock;
  readonly store: ShareStateStore;
  readonly settings: () => ShareSettings;
  /** Called once, when the state is found fenced. */
  readonly onFenced: () => void;
}

export interface Outcome {
  readonly error: ErrorCode;
  readonly message: string | null;
}

interface Waiting {
  readonly ticket: number;
  readonly resolve: (outcome: Outcome) => void;
}

const DONE: Outcome = { error: ErrorCode.NONE, message: null };
const FENCED: Outcome = {
  error: ErrorCode.NOT_LEADER_OR_FOLLOWER,
  message: 'Another leader, or a reset, has replaced the state of the share partition.',
};
const AWAY: Outcome = {
  error: ErrorCode.COORDINATOR_NOT_AVAILABLE,
  message: 'The acknowledgement could not be stored.',
};

export class SharePartition {
  readonly #deps: SharePartitionDeps;
  readonly #epochs: ShareEpochs;
  readonly #records: InFlight;
  readonly #watchers = new Set<() => void>();
  #waiting: Waiting[] = [];
  #isDirty = false;
  #isWriting = false;
  #written: Promise<void> = Promise.resolve();
  #isFenced = false;
  #alarm: { readonly at: number; readonly cancel: Cancel } | undefined;

  constructor(deps: SharePartitionDeps, stored: StoredShareState) {
    this.#deps = deps;
    this.#epochs = stored.epochs;
    this.#records = new InFlight(stored);
  }

  get isFenced(): boolean {
    return this.#isFenced;
  }

  get nextFetchOffset(): number {
    return this.#records.nextFetchOffset;
  }

  get mayAcquire(): boolean {
    return !this.#isFenced && this.#records.mayAcquire(this.#deps.settings().maxInFlight);
  }

  /** Nothing is acquired, and nothing waits for the store. */
  get isIdle(): boolean {
    return !this.#isWriting && !this.#isDirty && this.#records.nextExpiry === undefined;
  }

  /** Calls `look` after each change that may make records available. */
  watch(look: () => void): Cancel {
    this.#watchers.add(look);
    return () => this.#watchers.delete(look);
  }

  /** Stores the state as it is, so that a chosen start offset is chosen once. */
  store(): Promise<Outcome> {
    return this.#stored(0);
  }

  /** Records below were deleted from the log. */
  advanceTo(logStartOffset: number): void {
    this.#records.advanceTo(logStartOffset);
  }

  acquire(
    acquisition: Pick<Acquisition, 'memberId' | 'from' | 'batches' | 'maxRecords' | 'batchSize' | 'isStrict'>,
  ): AcquiredRecords[] {
    if (this.#isFenced) return [];
    const { lockDurationMs, maxDeliveries, maxInFlight } = this.#deps.settings();
    const lockedUntil = this.#deps.clock.monotonic() + lockDurationMs;
    const acquired = this.#records.acquire({ ...acquisition, maxDeliveries, maxInFlight, lockedUntil });
    this.#watchLocks();
    return acquired;
  }

  /** Of what the member has just acquired: no reader may see these records. */
  archive(first: number, last: number, memberId: string): void {
    this.#records.archive(first, last, memberId);
  }

  acknowledge(memberId: string, ranges: readonly AcknowledgedRange[]): Promise<Outcome> {
    if (this.#isFenced) return Promise.resolve(FENCED);
    const { maxDeliveries, mayRenew, lockDurationMs } = this.#deps.settings();
    const renewedUntil = mayRenew ? this.#deps.clock.monotonic() + lockDurationMs : undefined;
    const begun = this.#records.acknowledge(memberId, ranges, { maxDeliveries, renewedUntil });
    if ('error' in begun) return Promise.resolve(begun);
    return begun.ticket === 0 ? Promise.resolve(DONE) : this.#stored(begun.ticket);
  }

  /** All that the member has acquired is available again. */
  release(memberId: string): Promise<Outcome> {
    if (this.#isFenced) return Promise.resolve(FENCED);
    const ticket = this.#records.release(memberId, this.#deps.settings().maxDeliveries);
    return ticket === 0 ? Promise.resolve(DONE) : this.#stored(ticket);
  }

  /** Resolves when no write is in progress. Nothing is stored from now on. */
  async close(): Promise<void> {
    this.#fence(FENCED);
    await this.#written;
  }

  #stored(ticket: number): Promise<Outcome> {
    return new Promise((resolve) => {
      this.#waiting.push({ ticket, resolve });
      this.#write();
    });
  }

  #write(): void {
    this.#isDirty = true;
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#written = this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    while (this.#isDirty && !this.#isFenced) {
      this.#isDirty = false;
      const covered = this.#waiting.splice(0);
      const outcome = await this.#persist();
      if (outcome === DONE) for (const { ticket } of covered) this.#records.commit(ticket);
      else this.#rollBack(covered);
      if (outcome === FENCED) this.#fence(FENCED);
      for (const { resolve } of covered) resolve(outcome);
      this.#watchLocks();
      this.#changed();
    }
    this.#isWriting = false;
  }

  async #persist(): Promise<Outcome> {
    const { store, key } = this.#deps;
    const { content } = this.#records;
    try {
      await store.persist(key, this.#epochs, content, doneIn(content));
      return DONE;
    } catch (failure) {
      if (failure instanceof ShareStateFenced) return FENCED;
      if (failure instanceof CoordinatorStoreUnavailable) return AWAY;
      throw failure;
    }
  }

  #rollBack(waiting: readonly Waiting[]): void {
    const { clock, settings } = this.#deps;
    for (const { ticket } of waiting) this.#records.rollBack(ticket, clock.monotonic(), settings().maxDeliveries);
  }

  #fence(outcome: Outcome): void {
    if (this.#isFenced) return;
    this.#isFenced = true;
    this.#alarm?.cancel();
    for (const { resolve } of this.#waiting.splice(0)) resolve(outcome);
    this.#deps.onFenced();
    this.#changed();
  }

  /** One alarm, for the lock that expires first. */
  #watchLocks(): void {
    const { clock } = this.#deps;
    const at = this.#records.nextExpiry;
    if (this.#isFenced || at === this.#alarm?.at) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (at === undefined) return;
    const cancel = clock.after(Math.max(0, at - clock.monotonic()), () => {
      this.#alarm = undefined;
      this.#expire();
    });
    this.#alarm = { at, cancel };
  }

  #expire(): void {
    const { clock, settings } = this.#deps;
    if (this.#records.expire(clock.monotonic(), settings().maxDeliveries)) {
      this.#write();
      this.#changed();
    }
    this.#watchLocks();
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }
}
