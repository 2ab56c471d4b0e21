// The cluster's metadata in PostgreSQL. Every commit locks the one row of `metadata_version`, so commits come one after the
// other whoever makes them: each is decided on the image of that very version, made by `applied`, and each row that it
// changes is compared on the way.
//
// Nothing is cached that the version and the origin do not vouch for. A database that went back is noticed by whatever
// looks at it next, a commit or the follower: its first commit then starts a new lineage beyond all versions that were seen
// here (see libs/metadata/src/origin.ts), so that images only ever go forward.
import { randomUUID } from 'node:crypto';
import { invariant, type Logger, Uuid, uuidToBase64 } from '@milepost/core';
import {
  applied,
  checkFence,
  type ClusterImage,
  type Decide,
  type Fence,
  isContinued,
  isSameOrigin,
  type MetadataChange,
  type MetadataStore,
  restart,
  type Sighting,
  sightingOf,
  StoreUnavailable,
} from '@milepost/metadata';
import type { DataSource, QueryRunner } from 'typeorm';
import { followFeed, writeFeed } from './metadata-feed.ts';
import { ChangeFollower } from './change-follower.ts';
import { METADATA_CHANNEL } from './metadata-channel.ts';
import { readImage } from './metadata-rows.ts';
import { readSighting, sightingIn, type SightingRow, type SightingSql, sightingSql } from './metadata-sighting.ts';
import { writeChanges } from './metadata-writes.ts';
import { inTransaction, TransactionLost, type TransactionOptions } from './transaction.ts';

export interface PostgresStoreOptions {
  readonly logger: Logger;
  /** After this long without a response the database counts as away. Default 5 s. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
/** Reading everything: seconds for a hundred thousand partitions. */
const READ_TIMEOUT_MS = 30_000;

interface Known {
  readonly image: ClusterImage;
  readonly sighting: Sighting;
}

export class PostgresMetadataStore implements MetadataStore {
  readonly #database: DataSource;
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #follower: ChangeFollower<SightingRow>;
  readonly #listeners = new Set<(image: ClusterImage) => void>();
  #sql: SightingSql = '';
  #image: ClusterImage | undefined;
  #seen: Sighting | undefined;

  constructor(database: DataSource, { logger, timeoutMs = TIMEOUT_MS }: PostgresStoreOptions) {
    this.#database = database;
    this.#logger = logger;
    this.#timeoutMs = timeoutMs;
    this.#follower = new ChangeFollower(database, logger, {
      channel: METADATA_CHANNEL,
      seen: (rows) => this.#follow(sightingIn(rows)),
      whenAway: 'produce and fetch go on, the rest waits',
    });
  }

  async open(seen?: Sighting): Promise<ClusterImage> {
    const newId = uuidToBase64(Uuid(randomUUID()));
    const [row] = await this.#transaction({ repeatable: true }, async (runner): Promise<{ id: string }[]> => {
      await runner.query('INSERT INTO cluster VALUES (1, $1) ON CONFLICT DO NOTHING', [newId]);
      return runner.query('SELECT cluster_id AS id FROM cluster');
    });
    this.#sql = await sightingSql(
      (sql) => this.#transaction({ repeatable: true }, (runner) => runner.query(sql)),
      this.#logger,
    );
    if (row?.id === seen?.clusterId) this.#seen = seen;
    const image = await this.#catchUp();
    this.#follower.start(this.#sql);
    return image;
  }

  async commit(decide: Decide, fence?: Fence): Promise<ClusterImage> {
    const known = await this.#transaction({ repeatable: false }, async (runner): Promise<Known> => {
      const seen = this.#seen;
      const now = await readSighting(runner, this.#sql, 'locked');
      let image = await this.#imageOf(runner, now, seen);
      if (seen && !isContinued(seen, now))
        image = await this.#write(runner, image, restart(seen, now, Uuid(randomUUID())));
      if (fence) checkFence(image, fence);
      image = await this.#write(runner, image, decide(image));
      return { image, sighting: sightingOf(image, now.position) };
    });
    return this.#publish(known);
  }

  watch(listener: (image: ClusterImage) => void): () => void {
    const own = (image: ClusterImage): void => listener(image);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  sighting(): Sighting | undefined {
    return this.#seen;
  }

  /** Ids whose answer got lost are never handed out: there are 2^63 of them. */
  async allocateProducerIds(count: number, atLeast: bigint): Promise<bigint> {
    const [row] = await this.#transaction({ repeatable: true }, async (runner): Promise<{ next: string }[]> => {
      await runner.query(
        'UPDATE producer_id_blocks SET next_producer_id = greatest(next_producer_id, $2::bigint) + $1',
        [count, String(atLeast)],
      );
      return runner.query('SELECT next_producer_id AS next FROM producer_id_blocks');
    });
    return BigInt(row?.next ?? 0) - BigInt(count);
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#follower.stop();
  }

  /** Commits by this store overlap with the follower's look, so that a look may be older than what is known. */
  async #follow(now: Sighting): Promise<void> {
    const seen = this.#seen;
    if (!seen || !isContinued(seen, now) || now.version > seen.version) await this.#catchUp();
    else this.#seen = now;
  }

  async #catchUp(): Promise<ClusterImage> {
    const seen = this.#seen;
    const options = { repeatable: true, snapshot: true, timeoutMs: READ_TIMEOUT_MS } as const;
    const known = await this.#transaction(options, async (runner): Promise<Known> => {
      const sighting = await readSighting(runner, this.#sql);
      return { sighting, image: await this.#imageOf(runner, sighting, seen) };
    });
    if (seen && !isContinued(seen, known.sighting)) return this.commit(() => []);
    return this.#publish(known);
  }

  /** The image of the moment that was just sighted in this transaction. */
  async #imageOf(runner: QueryRunner, now: Sighting, seen: Sighting | undefined): Promise<ClusterImage> {
    const known = this.#image;
    const isKnown = known && isSameOrigin(known.origin, now.origin) && seen && isContinued(seen, now);
    if (isKnown && known.version === now.version) return known;
    return (isKnown && (await followFeed(runner, known, now.version))) || readImage(runner, now);
  }

  /** Under the lock. */
  async #write(runner: QueryRunner, before: ClusterImage, changes: readonly MetadataChange[]): Promise<ClusterImage> {
    if (changes.length === 0) return before;
    const after = applied(before, changes);
    const known = this.#image?.version ?? -1;
    invariant(after.version > known, () => `version ${after.version} is to be written, ${known} was seen`);
    await writeChanges(runner, changes, after);
    await writeFeed(runner, after.version, changes);
    await runner.query('UPDATE metadata_version SET version = $1', [after.version]);
    await runner.query('SELECT pg_notify($1, $2)', [METADATA_CHANNEL, String(after.version)]);
    return after;
  }

  /** Reads and commits overlap: what is older than what is known is dropped. */
  #publish({ image, sighting }: Known): ClusterImage {
    const known = this.#image;
    if (known && image.version < known.version) return image;
    this.#seen = sighting;
    this.#image = image;
    if (image.version !== known?.version) for (const listener of this.#listeners) listener(image);
    return image;
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
