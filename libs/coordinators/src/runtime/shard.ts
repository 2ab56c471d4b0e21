// One shard of a coordinator: its slots by key, and the epoch under which this process owns it.
import { type Clock, ErrorCode } from '@milepost/core';
import type { ShardEpoch } from './shard-store.ts';

/** The state of one key (a group, a transactional id), with its queue of commands. */
export interface Slot<Event> {
  /** The only way in which durable state changes: after its event is stored, and when it is loaded. */
  apply(event: Event): void;
  /** Completes all pending requests with `error`. Nothing happens in the slot from now on. */
  close(error: ErrorCode): void;
}

export interface SlotHost<Event> {
  readonly clock: Clock;
  /** Resolves with NONE, or with the error for the client. Never rejects. */
  persist(events: readonly Event[]): Promise<ErrorCode>;
  /** Of the partition that the shard follows; 0 where it follows none. Asserted: the shard is owned. */
  leaderEpoch(): number;
  /** The slot is empty and has no command: it can be removed. */
  vacated(): void;
}

type ShardState =
  | { readonly is: 'unowned' }
  /** `attempt` distinguishes this load from an earlier one of the same shard. */
  | { readonly is: 'loading'; readonly attempt: symbol }
  | { readonly is: 'active'; readonly epoch: ShardEpoch };

export class Shard<S extends Slot<Event>, Event> {
  readonly index: number;
  readonly #create: (key: string, vacated: () => void) => S;
  readonly #slots = new Map<string, S>();
  #state: ShardState = { is: 'unowned' };

  /** `create` makes the slot of a key; the slot calls `vacated` when it can be removed. */
  constructor(index: number, create: (key: string, vacated: () => void) => S) {
    this.index = index;
    this.#create = create;
  }

  get state(): ShardState {
    return this.#state;
  }

  /** NONE while requests are served. */
  get error(): ErrorCode {
    switch (this.#state.is) {
      case 'unowned':
        return ErrorCode.NOT_COORDINATOR;
      case 'loading':
        return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      case 'active':
        return ErrorCode.NONE;
    }
  }

  slots(): Iterable<S> {
    return this.#slots.values();
  }

  find(key: string): S | undefined {
    return this.#slots.get(key);
  }

  /** Creates the slot if there is none. */
  slot(key: string): S {
    const known = this.#slots.get(key);
    if (known) return known;
    const slot: S = this.#create(key, () => {
      if (this.#slots.get(key) === slot) this.#slots.delete(key);
    });
    this.#slots.set(key, slot);
    return slot;
  }

  /** Until `activate`, requests get COORDINATOR_LOAD_IN_PROGRESS. */
  beginLoading(): symbol {
    const attempt = Symbol(`load of shard ${this.index}`);
    this.#become({ is: 'loading', attempt });
    return attempt;
  }

  activate(epoch: ShardEpoch): void {
    this.#state = { is: 'active', epoch };
  }

  /** Pending and future requests get NOT_COORDINATOR. */
  resign(): void {
    this.#become({ is: 'unowned' });
  }

  #become(state: ShardState): void {
    this.#state = state;
    for (const slot of this.#slots.values()) slot.close(this.error);
    this.#slots.clear();
  }
}
