// A database of metadata in memory, for tests and the simulator. It can be set back to an earlier backup of itself.
// Retains nothing beyond the process.
import { type BrokerId, Uuid } from '@milepost/core';
import type { LeaseRow } from './broker-lease.ts';
import { type ClusterImage, emptyImage } from './image.ts';

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
