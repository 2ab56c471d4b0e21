// The cluster's metadata in PostgreSQL. Every commit locks the one row of `metadata_version`, so commits come one after the
// other whoever makes them: each is decided on the image of that very version, made by `applied`, and each row that it
// changes is compared on the way. Nothing is cached that the version does not vouch for.
import { randomUUID } from 'node:crypto';
import { type Logger, Uuid, uuidToBase64 } from '@milepost/core';
import {
  applied,
  checkFence,
  type ClusterImage,
  type Decide,
  type Fence,
  type MetadataStore,
  StoreUnavailable,
} from '@milepost/metadata';
import type { DataSource, QueryRunner } from 'typeorm';
import { METADATA_CHANNEL } from './metadata-channel.ts';
import { MetadataFollower } from './metadata-follower.ts';
import { readImage, readVersion } from './metadata-rows.ts';
import { writeChanges } from './metadata-writes.ts';
import { inTransaction, TransactionLost, type TransactionOptions } from './transaction.ts';

export interface PostgresStoreOptions {
  readonly logger: Logger;
  /** How long a call waits for the database before it says that it is away. Default 5 s. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
/** Reading everything: seconds for a hundred thousand partitions. */
const READ_TIMEOUT_MS = 30_000;

export class PostgresMetadataStore implements MetadataStore {
  readonly #database: DataSource;
  readonly #timeoutMs: number;
  readonly #follower: MetadataFollower;
  readonly #listeners = new Set<(image: ClusterImage) => void>();
  #image: ClusterImage | undefined;

  constructor(database: DataSource, { logger, timeoutMs = TIMEOUT_MS }: PostgresStoreOptions) {
    this.#database = database;
    this.#timeoutMs = timeoutMs;
    this.#follower = new MetadataFollower(database, logger, (version) => this.#follow(version));
  }

  async open(): Promise<ClusterImage> {
    const clusterId = uuidToBase64(Uuid(randomUUID()));
    await this.#transaction({ repeatable: true }, (runner) =>
      runner.query('INSERT INTO cluster VALUES (1, $1) ON CONFLICT DO NOTHING', [clusterId]),
    );
    const image = await this.#read();
    this.#follower.start();
    return image;
  }

  async commit(decide: Decide, fence?: Fence): Promise<ClusterImage> {
    const image = await this.#transaction({ repeatable: false }, async (runner) => {
      const version = await readVersion(runner, 'locked');
      const before = this.#image?.version === version ? this.#image : await readImage(runner);
      if (fence) checkFence(before, fence);
      const changes = decide(before);
      if (changes.length === 0) return before;
      const after = applied(before, changes);
      await writeChanges(runner, changes, after);
      await runner.query('UPDATE metadata_version SET version = $1', [after.version]);
      await runner.query('SELECT pg_notify($1, $2)', [METADATA_CHANNEL, String(after.version)]);
      return after;
    });
    this.#publish(image);
    return image;
  }

  watch(listener: (image: ClusterImage) => void): () => void {
    const own = (image: ClusterImage): void => listener(image);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  /** Ids whose answer got lost are never handed out: there are 2^63 of them. */
  async allocateProducerIds(count: number): Promise<bigint> {
    const [row] = await this.#transaction({ repeatable: true }, async (runner): Promise<{ next: string }[]> => {
      await runner.query('UPDATE producer_id_blocks SET next_producer_id = next_producer_id + $1', [count]);
      return runner.query('SELECT next_producer_id AS next FROM producer_id_blocks');
    });
    return BigInt(row?.next ?? 0) - BigInt(count);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#follower.stop();
  }

  /** There is, or may be, a newer version. */
  async #follow(version: number): Promise<void> {
    if (version > (this.#image?.version ?? -1)) await this.#read();
  }

  async #read(): Promise<ClusterImage> {
    const options = { repeatable: true, snapshot: true, timeoutMs: READ_TIMEOUT_MS } as const;
    const image = await this.#transaction(options, readImage);
    this.#publish(image);
    return this.#image ?? image;
  }

  /** Reads and commits overlap: what is older than what is known is dropped. */
  #publish(image: ClusterImage): void {
    if (this.#image && image.version <= this.#image.version) return;
    this.#image = image;
    for (const listener of this.#listeners) listener(image);
  }

  async #transaction<T>(
    options: Partial<TransactionOptions> & Pick<TransactionOptions, 'repeatable'>,
    work: (runner: QueryRunner) => Promise<T>,
  ): Promise<T> {
    try {
      return await inTransaction(this.#database, { timeoutMs: this.#timeoutMs, ...options }, work);
    } catch (error) {
      if (error instanceof TransactionLost) throw new StoreUnavailable(error.message, { cause: error });
      throw error;
    }
  }
}
