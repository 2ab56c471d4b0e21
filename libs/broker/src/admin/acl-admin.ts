// Changes the access control lists. Decided on the true image; the response is sent when this broker decides by the changed
// lists.
import { type Random, Uuid } from '@milepost/core';
import type { StoredAcl } from '@milepost/metadata';
import type { AclFilter } from '@milepost/security';
import type { Refusal } from '../refusal.ts';
import { decideCreations, decideDeletions } from './acl-decisions.ts';
import type { CommitQueue } from './commit-queue.ts';

export class AclAdmin {
  readonly #queue: CommitQueue;
  readonly #random: Random;

  constructor(queue: CommitQueue, random: Random) {
    this.#queue = queue;
    this.#random = random;
  }

  /** For each entry a refusal, or undefined where it exists now. */
  create(acls: readonly StoredAcl[]): Promise<readonly (Refusal | undefined)[]> {
    const creations = acls.map((acl) => ({ acl, id: Uuid(this.#random.uuid()) }));
    return this.#queue.run((image) => {
      const { changes, outcomes } = decideCreations(image, creations);
      return { changes, outcome: (failure) => outcomes.map((refused) => refused ?? failure) };
    });
  }

  /** For each filter a refusal, or the entries that it has deleted. */
  delete(filters: readonly AclFilter[]): Promise<readonly (Refusal | readonly StoredAcl[])[]> {
    return this.#queue.run((image) => {
      const { changes, outcomes } = decideDeletions(image, filters);
      return {
        changes,
        outcome: (failure) => outcomes.map((outcome) => ('error' in outcome ? outcome : (failure ?? outcome))),
      };
    });
  }
}
