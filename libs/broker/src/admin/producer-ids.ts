// Producer ids, never handed out twice by anyone: taken from the store in blocks, so that a client costs no database call.
import type { MetadataStore } from '@milepost/metadata';

const BLOCK = 1000;

export class ProducerIds {
  readonly #store: MetadataStore;
  #next = 0n;
  #end = 0n;
  #refilling: Promise<void> | undefined;

  constructor(store: MetadataStore) {
    this.#store = store;
  }

  /** @throws StoreUnavailable */
  async take(): Promise<bigint> {
    while (this.#next >= this.#end) await (this.#refilling ??= this.#refill());
    return this.#next++;
  }

  async #refill(): Promise<void> {
    try {
      this.#next = await this.#store.allocateProducerIds(BLOCK, 0n);
      this.#end = this.#next + BigInt(BLOCK);
    } finally {
      this.#refilling = undefined;
    }
  }
}
