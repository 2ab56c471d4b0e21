// Changes of the cluster's metadata, one command at a time: the store decides on the true image and commits, then the image
// is applied here, then the client gets its response. A store that is away is a refusal after which clients retry, and so is
// the fence of a broker whose id belongs to another process now: clients look for the controller again.
import { ErrorCode } from '@milepost/core';
import {
  BrokerFenced,
  type ClusterImage,
  type Decide,
  type MetadataChange,
  StoreUnavailable,
} from '@milepost/metadata';
import { type Refusal, refusal } from '../refusal.ts';

/** At most this many commands wait. A further one is refused, and its client retries. */
const MOST_WAITING = 1_000;

export interface Decision<Outcome> {
  readonly changes: readonly MetadataChange[];
  /** The response, with or without a reason why the changes were not made. Called once, for the decision that counts. */
  readonly outcome: (failure: Refusal | undefined) => Outcome;
}

export interface CommitQueueDeps {
  /** Under the fence of this broker. @throws BrokerFenced, StoreUnavailable */
  readonly commit: (decide: Decide) => Promise<ClusterImage>;
  /** The newest image that this broker knows. Without the store, a request that it refuses gets that refusal. */
  readonly image: () => ClusterImage;
  /** Resolves when the image is applied on this broker's disk. */
  readonly apply: (image: ClusterImage) => Promise<void>;
}

export class CommitQueue {
  readonly #deps: CommitQueueDeps;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(deps: CommitQueueDeps) {
    this.#deps = deps;
  }

  /** `decide` is pure, as the store's `Decide` is. */
  run<Outcome>(decide: (image: ClusterImage) => Decision<Outcome>): Promise<Outcome> {
    if (this.#waiting >= MOST_WAITING) return Promise.resolve(decide(this.#deps.image()).outcome(busy));
    this.#waiting++;
    const result = this.#last.then(() => {
      this.#waiting--;
      return this.#commit(decide);
    });
    this.#last = result.catch(() => {});
    return result;
  }

  async #commit<Outcome>(decide: (image: ClusterImage) => Decision<Outcome>): Promise<Outcome> {
    const { commit, image, apply } = this.#deps;
    let decided: Decision<Outcome> | undefined;
    try {
      const committed = await commit((before) => (decided = decide(before)).changes);
      await apply(committed);
      return (decided ?? decide(committed)).outcome(undefined);
    } catch (failure) {
      const reason = failure instanceof BrokerFenced ? deposed : failure instanceof StoreUnavailable && unavailable;
      if (!reason) throw failure;
      return (decided ?? decide(image())).outcome(reason);
    }
  }
}

const busy = refusal(ErrorCode.REQUEST_TIMED_OUT, `${MOST_WAITING} changes are waiting already; retry`);
const unavailable = refusal(ErrorCode.REQUEST_TIMED_OUT, 'the metadata store does not respond; retry');
const deposed = refusal(
  ErrorCode.NOT_CONTROLLER,
  'another process has this broker id now, and this one changes nothing any more; stop it, and ask the other',
);
