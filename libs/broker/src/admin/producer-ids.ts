// Producer ids, never used twice in the cluster: acquired from the store in blocks, so that a client costs no database
// call. A database that went back would reissue ids. So no id is below those that this broker remembers, nor below
// those in its logs, which would take a new owner's batches for duplicates. And a block counts only if all brokers have
// restored which ids they had used, before it was acquired (registration.ts).
import { DiskFailed } from '@milepost/core';
import {
  BrokerFenced,
  type ClusterImage,
  isSameOrigin,
  type MetadataStore,
  StoreUnavailable,
} from '@milepost/metadata';
import type { DatabaseMemory } from './database-memory.ts';

const BLOCK = 1000;

export interface ProducerIdsDeps {
  readonly store: Pick<MetadataStore, 'allocateProducerIds'>;
  readonly memory: Pick<DatabaseMemory, 'producerIdsEnd' | 'saveProducerIds'>;
  /** The largest producer id in the logs; -1 for none. */
  readonly largestInLogs: () => bigint;
  /** The true image, once every broker has restored what its database has lost. @throws StoreUnavailable, BrokerFenced */
  readonly recovered: () => Promise<Pick<ClusterImage, 'origin'>>;
}

export class ProducerIds {
  readonly #deps: ProducerIdsDeps;
  #next = 0n;
  #end = 0n;
  #refilling: Promise<void> | undefined;

  constructor(deps: ProducerIdsDeps) {
    this.#deps = deps;
  }

  /** @throws StoreUnavailable */
  async take(): Promise<bigint> {
    while (this.#next >= this.#end) await (this.#refilling ??= this.#refill());
    return this.#next++;
  }

  async #refill(): Promise<void> {
    const { store, memory, largestInLogs, recovered } = this.#deps;
    try {
      const before = await recovered();
      const [remembered, logged] = [memory.producerIdsEnd, largestInLogs() + 1n];
      const first = await store.allocateProducerIds(BLOCK, remembered > logged ? remembered : logged);
      const end = first + BigInt(BLOCK);
      await memory.saveProducerIds(end);
      if (!isSameOrigin((await recovered()).origin, before.origin)) return; // others may have used them: once more
      this.#next = first;
      this.#end = end;
    } catch (failure) {
      if (failure instanceof BrokerFenced) throw new StoreUnavailable(failure.message, { cause: failure });
      if (!(failure instanceof DiskFailed)) throw failure;
      throw new StoreUnavailable(`producer ids cannot be remembered: ${failure.message}`, { cause: failure });
    } finally {
      this.#refilling = undefined;
    }
  }
}
