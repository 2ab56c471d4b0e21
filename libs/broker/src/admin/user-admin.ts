// Changes the users that log in with SCRAM or PLAIN. Decided on the true image; the response is sent when the change is
// applied.
import type { CommitQueue } from './commit-queue.ts';
import type { Refusal } from '../refusal.ts';
import { decideScram, type ScramWishes } from './scram-decisions.ts';

export class UserAdmin {
  readonly #queue: CommitQueue;

  constructor(queue: CommitQueue) {
    this.#queue = queue;
  }

  /** For each user a refusal, or undefined where the credentials are stored. */
  alter(wishes: ScramWishes): Promise<Map<string, Refusal | undefined>> {
    return this.#queue.run((image) => {
      const decisions = [...decideScram(image, wishes)];
      return {
        changes: decisions.flatMap(([, decision]) => ('type' in decision ? [decision] : [])),
        outcome: (failure) =>
          new Map(decisions.map(([user, decision]) => [user, 'error' in decision ? decision : failure])),
      };
    });
  }
}
