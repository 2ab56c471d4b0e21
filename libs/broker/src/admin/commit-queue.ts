// Changes of the cluster's metadata, one command at a time, so that each decides on what the one before it did: committed
// to the store, then made true on disk, then answered. A store that is away, or another broker that was faster, is a
// refusal that clients try again.
import { ErrorCode } from '@milepost/core';
import {
  type ClusterImage,
  type MetadataChange,
  MetadataConflict,
  type MetadataStore,
  StoreUnavailable,
} from '@milepost/metadata';
import { type Refusal, refusal } from './refusal.ts';

/** How many commands may wait, at most; beyond, clients are told to try again. */
const MOST_WAITING = 1_000;

export interface Decision<Outcome> {
  readonly changes: readonly MetadataChange[];
  /** What to answer, given why the changes were not made, if they were not. */
  readonly outcome: (failure: Refusal | undefined) => Outcome;
}

export class CommitQueue {
  readonly #store: Pick<MetadataStore, 'commit'>;
  readonly #apply: (image: ClusterImage) => Promise<void>;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** `apply` makes an image true on disk. */
  constructor(store: Pick<MetadataStore, 'commit'>, apply: (image: ClusterImage) => Promise<void>) {
    this.#store = store;
    this.#apply = apply;
  }

  run<Outcome>(decide: () => Decision<Outcome>): Promise<Outcome> {
    if (this.#waiting >= MOST_WAITING) return Promise.resolve(decide().outcome(busy));
    this.#waiting++;
    const result = this.#last.then(async () => {
      this.#waiting--;
      const { changes, outcome } = decide();
      return outcome(await this.#commit(changes));
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #commit(changes: readonly MetadataChange[]): Promise<Refusal | undefined> {
    if (changes.length === 0) return undefined;
    try {
      await this.#apply(await this.#store.commit(changes));
      return undefined;
    } catch (failure) {
      if (failure instanceof StoreUnavailable)
        return refusal(ErrorCode.REQUEST_TIMED_OUT, 'the metadata store does not answer; try again');
      if (failure instanceof MetadataConflict)
        return refusal(ErrorCode.NOT_CONTROLLER, `another broker was faster (${failure.message}); try again`);
      throw failure;
    }
  }
}

const busy = refusal(ErrorCode.REQUEST_TIMED_OUT, `${MOST_WAITING} changes are waiting already; try again`);
