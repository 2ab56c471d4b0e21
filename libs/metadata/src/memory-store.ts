// A MetadataStore in memory, for tests and the simulator. Several stores opened on one MemoryMetadataDatabase see each
// other's commits, as several brokers on one PostgreSQL do. Keeps nothing beyond the process.
import { applied } from './applied.ts';
import { type ClusterImage, emptyImage } from './image.ts';
import { checkFence, type Decide, type Fence, type MetadataStore, StoreUnavailable } from './store.ts';

export class MemoryMetadataDatabase {
  image: ClusterImage;
  nextProducerId = 0n;
  /** False: every call answers StoreUnavailable until it is true again, as when the database is away. */
  available = true;
  readonly watchers = new Set<(image: ClusterImage) => void>();

  constructor(clusterId = 'bWVtb3J5LWNsdXN0ZXItMQ') {
    this.image = emptyImage(clusterId);
  }
}

export class MemoryMetadataStore implements MetadataStore {
  readonly #database: MemoryMetadataDatabase;
  readonly #watching = new Set<(image: ClusterImage) => void>();

  constructor(database: MemoryMetadataDatabase = new MemoryMetadataDatabase()) {
    this.#database = database;
  }

  async open(): Promise<ClusterImage> {
    return this.#reached().image;
  }

  async commit(decide: Decide, fence?: Fence): Promise<ClusterImage> {
    const database = this.#reached();
    const before = database.image;
    if (fence) checkFence(before, fence);
    const changes = decide(before);
    if (changes.length === 0) return before;
    const image = applied(before, changes);
    database.image = image;
    for (const listener of database.watchers) queueMicrotask(() => database.watchers.has(listener) && listener(image));
    return image;
  }

  watch(listener: (image: ClusterImage) => void): () => void {
    const own = (image: ClusterImage): void => listener(image);
    this.#database.watchers.add(own);
    this.#watching.add(own);
    return () => {
      this.#database.watchers.delete(own);
      this.#watching.delete(own);
    };
  }

  async allocateProducerIds(count: number): Promise<bigint> {
    const database = this.#reached();
    const first = database.nextProducerId;
    database.nextProducerId += BigInt(count);
    return first;
  }

  async close(): Promise<void> {
    for (const listener of this.#watching) this.#database.watchers.delete(listener);
    this.#watching.clear();
  }

  #reached(): MemoryMetadataDatabase {
    if (!this.#database.available) throw new StoreUnavailable('the metadata database is away');
    return this.#database;
  }
}
