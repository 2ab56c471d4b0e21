// A MetadataStore in memory, for tests and the simulator. Several stores opened on one MemoryMetadataDatabase see each
// other's commits, as several brokers on one PostgreSQL do. A database can be set back to an earlier backup of itself.
// Retains nothing beyond the process.
import { type BrokerId, Uuid } from '@milepost/core';
import { applied } from './applied.ts';
import type { MetadataChange } from './changes.ts';
import { type ClusterImage, emptyImage } from './image.ts';
import type { LeaseRow } from './memory-leases.ts';
import { isContinued, restart, type Sighting, sightingOf } from './origin.ts';
import { checkFence, type Decide, type Fence, type MetadataStore, StoreUnavailable } from './store.ts';

export interface MemoryMetadataBackup {
  readonly image: ClusterImage;
  readonly nextProducerId: bigint;
  readonly position: bigint;
  readonly leases: ReadonlyMap<BrokerId, LeaseRow>;
}

export class MemoryMetadataDatabase {
  image: ClusterImage;
  nextProducerId = 0n;
  /** Grows with everything that is written, as the position in PostgreSQL's log does. */
  position = 0n;
  /** False: every call fails with StoreUnavailable until it is true again, as when the database is away. */
  available = true;
  /** By broker id: the live owner. */
  readonly leases = new Map<BrokerId, LeaseRow>();
  /** Called after each change. */
  readonly watchers = new Set<() => void>();
  #lineages = 0;
  #timelines = 0;

  constructor(clusterId = 'bWVtb3J5LWNsdXN0ZXItMQ') {
    this.image = emptyImage(clusterId);
  }

  write(image: ClusterImage): void {
    this.image = image;
    this.position++;
    this.#notify();
  }

  backup(): MemoryMetadataBackup {
    const { image, nextProducerId, position, leases } = this;
    return { image, nextProducerId, position, leases: new Map(leases) };
  }

  /** Its files are those of the backup again: only their content distinguishes it. */
  restore({ image, nextProducerId, position, leases }: MemoryMetadataBackup): void {
    this.leases.clear();
    for (const [id, lease] of leases) this.leases.set(id, lease);
    this.image = image;
    this.nextProducerId = nextProducerId;
    this.position = position;
    this.#notify();
  }

  /** A standby with only the backup's content is promoted: a new timeline, on which the log grows immediately. */
  failOver(backup: MemoryMetadataBackup): void {
    const origin = { ...backup.image.origin, timeline: ++this.#timelines };
    this.restore({ ...backup, image: { ...backup.image, origin }, position: backup.position + 1n });
  }

  /** Always a new one, whatever the database is set back to. */
  newLineage(): Uuid {
    return Uuid(`00000000-0000-4000-8000-${String(++this.#lineages).padStart(12, '0')}`);
  }

  #notify(): void {
    for (const watcher of this.watchers) queueMicrotask(() => this.watchers.has(watcher) && watcher());
  }
}

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
