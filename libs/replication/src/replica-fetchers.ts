// The fetchers of this broker, one for each leader that it follows (Kafka's ReplicaFetcherManager).
//
// Nothing is fetched before `begin`: leaders are told the epoch of this broker's registration, which is not known before.
import type { BrokerId } from '@milepost/core';
import type { Partition } from './partition.ts';
import { type FetcherDeps, ReplicaFetcher } from './replica-fetcher.ts';

export class ReplicaFetchers {
  readonly #fetchers = new Map<BrokerId, ReplicaFetcher>();
  /** By partition, the leader that it is copied from. */
  readonly #leaders = new Map<Partition, BrokerId>();
  readonly #ending = new Set<Promise<void>>();
  #deps: FetcherDeps | undefined;

  begin(deps: FetcherDeps): void {
    this.#deps = deps;
    for (const [partition, leader] of this.#leaders) this.#fetcherOf(leader, deps).add(partition);
  }

  /** The partition follows that leader from now on. It was removed before, where it had another. */
  add(partition: Partition, leader: BrokerId): void {
    this.#leaders.set(partition, leader);
    if (this.#deps) this.#fetcherOf(leader, this.#deps).add(partition);
  }

  /** Resolves when nothing more is appended to the partition, or cut from it. */
  async remove(partition: Partition): Promise<void> {
    const leader = this.#leaders.get(partition);
    if (leader === undefined) return;
    this.#leaders.delete(partition);
    const fetcher = this.#fetchers.get(leader);
    await fetcher?.remove(partition);
    if (!fetcher?.isIdle || this.#fetchers.get(leader) !== fetcher) return;
    this.#fetchers.delete(leader);
    this.#end(fetcher);
  }

  async close(): Promise<void> {
    this.#deps = undefined;
    this.#leaders.clear();
    for (const fetcher of this.#fetchers.values()) this.#end(fetcher);
    this.#fetchers.clear();
    await Promise.all(this.#ending);
  }

  #end(fetcher: ReplicaFetcher): void {
    const ended = fetcher.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #fetcherOf(leader: BrokerId, deps: FetcherDeps): ReplicaFetcher {
    const fetcher = this.#fetchers.get(leader) ?? new ReplicaFetcher(leader, deps);
    this.#fetchers.set(leader, fetcher);
    return fetcher;
  }
}
