// A MetadataStore in memory, for tests and the simulator. Several stores opened on one MemoryMetadataDatabase see each
// other's commits, as several brokers on one PostgreSQL do.
import { applied } from './applied.ts';
import type { MetadataChange } from './changes.ts';
import type { ClusterImage } from './image.ts';
import { MemoryMetadataDatabase } from './memory-database.ts';
import { isContinued, restart, type Sighting, sightingOf } from './origin.ts';
import { checkFence, type Decide, type Fence, type MetadataStore, StoreUnavailable } from './store.ts';

export class MemoryMetadataStore implements MetadataStore {
  readonly #database: MemoryMetadataDatabase;
  readonly #watching = new Set<() => void>();
  #seen: Sighting | undefined;

  constructor(database: MemoryMetadataDatabase = new MemoryMetadataDatabase()) {
    this.#database = database;
  }

  async open(seen?: Sighting): Promise<ClusterImage> {
    this.#seen = seen?.clusterId === this.#reached().image.clusterId ? seen : undefined;
    return this.#current();
  }

  async commit(decide: Decide, fence?: Fence): Promise<ClusterImage> {
    const before = this.#current();
    if (fence) checkFence(before, fence);
    return this.#write(decide(before));
  }

  watch(listener: (image: ClusterImage) => void): () => void {
    let told = -1;
    const own = (): void => {
      if (!this.#database.available) return;
      const image = this.#current();
      if (image.version > told) listener(image);
      told = image.version;
    };
    this.#database.watchers.add(own);
    this.#watching.add(own);
    return () => {
      this.#database.watchers.delete(own);
      this.#watching.delete(own);
    };
  }

  /** Reads again, as a follower does every second: others' commits count as seen. */
  sighting(): Sighting | undefined {
    const { image, position, available } = this.#database;
    const now = sightingOf(image, position);
    if (available && this.#seen && isContinued(this.#seen, now)) this.#seen = now;
    return this.#seen;
  }

  async allocateProducerIds(count: number, atLeast: bigint): Promise<bigint> {
    const database = this.#reached();
    const first = database.nextProducerId > atLeast ? database.nextProducerId : atLeast;
    database.nextProducerId = first + BigInt(count);
    database.position++;
    return first;
  }

  async close(): Promise<void> {
    for (const watcher of this.#watching) this.#database.watchers.delete(watcher);
    this.#watching.clear();
  }

  /** The true image, after the restart that a database which went back requires. */
  #current(): ClusterImage {
    const { image, position } = this.#reached();
    const now = sightingOf(image, position);
    const seen = this.#seen;
    this.#seen = now;
    return seen && !isContinued(seen, now) ? this.#write(restart(seen, now, this.#database.newLineage())) : image;
  }

  #write(changes: readonly MetadataChange[]): ClusterImage {
    const database = this.#database;
    if (changes.length === 0) return database.image;
    database.write(applied(database.image, changes));
    this.#seen = sightingOf(database.image, database.position);
    return database.image;
  }

  #reached(): MemoryMetadataDatabase {
    if (!this.#database.available) throw new StoreUnavailable('the metadata database is away');
    return this.#database;
  }
}
