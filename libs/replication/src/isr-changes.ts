// The changes of in-sync replicas that this broker's partitions have proposed: one commit at a time, with all that have
// come in meanwhile (Kafka's AlterPartitionManager).
//
// Promises: a proposal whose outcome is not known is repeated until it is: its partition counts with the old and the new
// members until then, and its epochs let it be made only once. A change that was made is counted once, by the leader that
// proposed it, as in Kafka; one that the controller made is not.
import { type BrokerId, type Clock, type Counter, type Logger, type Meter, sleep } from '@milepost/core';
import {
  BrokerFenced,
  type ClusterImage,
  type Decide,
  type MetadataChange,
  type PartitionState,
  StoreUnavailable,
} from '@milepost/metadata';
import { decideIsrChanges, type IsrProposal, partitionOf } from './isr-change.ts';

const RETRY_MS = 1_000;

export interface IsrChangesDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly brokerId: BrokerId;
  /** Fenced by the epoch of this broker's registration. @throws BrokerFenced, StoreUnavailable */
  readonly commit: (decide: Decide) => Promise<ClusterImage>;
  /** The newest image that this broker serves. */
  readonly image: () => ClusterImage;
  /** Resolves when the image is applied here: partitions whose ISR has changed know it then. */
  readonly apply: (image: ClusterImage) => Promise<void>;
}

interface Waiting {
  readonly proposal: IsrProposal;
  /** What the change is where the last attempt found it allowed. */
  attempted?: 'shrink' | 'expansion' | undefined;
  /** Called where the change was not made, and never will be. */
  readonly refused: () => void;
}

export class IsrChanges {
  readonly #deps: IsrChangesDeps;
  readonly #shrinks: Counter;
  readonly #expansions: Counter;
  readonly #refusals: Counter;
  #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(deps: IsrChangesDeps) {
    this.#deps = deps;
    const counter = (name: string, help: string): Counter =>
      deps.meter.counter(`kafka_server_replicamanager_${name}_total`, help);
    this.#shrinks = counter('isrshrinks', 'Replicas that fell behind were removed from an ISR, by the leader.');
    this.#expansions = counter('isrexpands', 'Replicas that caught up were added to an ISR, by the leader.');
    this.#refusals = counter(
      'failedisrupdates',
      'Changes of an ISR that were not made: the metadata had changed meanwhile.',
    );
  }

  propose(proposal: IsrProposal, refused: () => void): void {
    if (this.#closing.signal.aborted) return;
    this.#waiting.push({ proposal, refused });
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when no commit is under way. What waits is dropped. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the broker is closing'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#deps;
    const { signal } = this.#closing;
    await Promise.resolve(); // those that are proposed in this turn go along
    while (this.#waiting.length > 0 && !signal.aborted) {
      const batch = this.#waiting;
      this.#waiting = [];
      if (await this.#commit(batch)) continue;
      this.#waiting = [...batch, ...this.#waiting];
      await sleep(clock, RETRY_MS, signal).catch(() => {});
    }
  }

  /** False: whether the changes were made is not known, or could not be applied here. */
  async #commit(batch: readonly Waiting[]): Promise<boolean> {
    const { brokerId, commit, image, apply, logger } = this.#deps;
    const proposals = batch.map(({ proposal }) => proposal);
    try {
      const committed = await commit((before) => {
        const changes = decideIsrChanges(before, brokerId, proposals);
        for (const waiting of batch) this.#noteAttempt(waiting, before, changes);
        return changes;
      });
      await apply(committed);
      // A change that was made may be lost again: the database failed over. What is served counts.
      for (const waiting of batch) this.#settle(waiting, partitionOf(image(), waiting.proposal));
      return true;
    } catch (failure) {
      if (failure instanceof StoreUnavailable) return false; // the metadata store logs that the database is away
      const how = failure instanceof BrokerFenced ? 'this broker is fenced' : 'for a reason that should not be';
      logger.error(
        { partitions: batch.length, err: failure },
        `in-sync replicas not changed, ${how}: ${String(failure)}`,
      );
      return false;
    }
  }

  /** If the response to an attempt is lost, the next one may find the change made: the first is remembered then. */
  #noteAttempt(waiting: Waiting, before: ClusterImage, changes: readonly MetadataChange[]): void {
    const { topicId, index, partitionEpoch, members } = waiting.proposal;
    const state = partitionOf(before, waiting.proposal);
    if (state?.partitionEpoch !== partitionEpoch) return;
    const allowed = changes.some(
      (change) => change.type === 'partition-changed' && change.id === topicId && change.partition.index === index,
    );
    if (allowed) waiting.attempted = members.length < state.isr.length ? 'shrink' : 'expansion';
    else waiting.attempted = undefined;
  }

  /** The image may already hold later changes of the partition, as the election of its preferred leader. */
  #settle({ proposal, attempted, refused }: Waiting, state: PartitionState | undefined): void {
    if (state?.partitionEpoch === proposal.partitionEpoch) {
      this.#refusals.add();
      refused();
    } else if (attempted) (attempted === 'shrink' ? this.#shrinks : this.#expansions).add();
  }
}
