// A group store whose database went back: what the echo in `__consumer_offsets` knows to be further is stored again before
// the shard is served.
//
// Promises: an offset is restored where the echo has a larger one, or has a commit behind the table's own (an operator's
// rewind). Times of commits decide nothing: a wall clock may be set back between two commits, and a power cut may leave only
// the first of them in the echo. Nothing is restored unless it was asked for: otherwise the table is the truth, whatever an
// operator has done to it. Never restores an offset of a topic that the metadata does not know.
import { type Clock, type Logger, MalformedMessage, Offset, type Timestamp, ZERO_UUID } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import { OffsetCommitRecord } from '@milepost/wire';
import type { AcquiredGroups, GroupEvent, GroupStore, StoredOffset } from '../model/store.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { Leadership, ShardEpoch } from '../../runtime/shard-store.ts';
import type { PartitionWriter } from '../../echo/partition-writer.ts';

export interface RestoringGroupStoreDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly logger: Logger;
  readonly store: GroupStore;
  readonly echo: Pick<PartitionWriter, 'read'>;
  readonly catalog: Pick<TopicCatalog, 'named'>;
}

export class RestoringGroupStore implements GroupStore {
  readonly #deps: RestoringGroupStoreDeps;
  readonly #behind = new Set<number>();

  constructor(deps: RestoringGroupStoreDeps) {
    this.#deps = deps;
  }

  /** The next time that these shards are acquired, what the echo knows to be further is restored. */
  databaseWentBack(shards: Iterable<number>): void {
    for (const shard of shards) this.#behind.add(shard);
  }

  shards(): Promise<number> {
    return this.#deps.store.shards();
  }

  async acquire(shards: readonly number[], leadership?: Leadership): Promise<AcquiredGroups> {
    const { store, logger } = this.#deps;
    const acquired = await store.acquire(shards, leadership);
    const behind = shards.filter((shard) => this.#behind.has(shard) && acquired.epochs.has(shard));
    if (behind.length === 0) return acquired;
    const known = new Map(acquired.offsets.map((offset) => [keyOf(offset), offset]));
    const restored: StoredOffset[] = [];
    for (const shard of behind) {
      const further = await this.#further(shard, known);
      const events = further.map((offset): GroupEvent => ({ type: 'offset-committed', offset }));
      const epoch = acquired.epochs.get(shard);
      if (epoch && events.length > 0) await store.persist(shard, epoch, events);
      restored.push(...further);
    }
    for (const shard of behind) this.#behind.delete(shard);
    if (restored.length > 0)
      logger.warn({ offsets: restored.length }, 'committed offsets are restored from __consumer_offsets');
    return { ...acquired, offsets: [...acquired.offsets, ...restored] };
  }

  persist(shard: number, epoch: ShardEpoch, events: readonly GroupEvent[]): Promise<void> {
    return this.#deps.store.persist(shard, epoch, events);
  }

  /**
   * The last commit of each partition, where it is further than the one that is known. Reads a piece per turn of the loop.
   */
  async #further(shard: number, known: ReadonlyMap<string, StoredOffset>): Promise<StoredOffset[]> {
    const { clock, echo } = this.#deps;
    const last = new Map<string, EchoedOffset>();
    for (let next = Offset(0); ; ) {
      const bytes = echo.read(shard, next);
      if (!bytes || bytes.length === 0) break;
      for (const batch of batchesOf(bytes)) {
        if (!batch.isControl)
          for (const { key, value } of batch.records()) {
            if (key && value) this.#remember(last, known, key, value);
            else if (key) last.delete(key.toString('latin1'));
          }
        next = batch.nextOffset;
      }
      await new Promise<void>((resolve) => clock.after(0, resolve));
    }
    return [...last.values()].filter(({ isFurther }) => isFurther).map(({ offset }) => offset);
  }

  #remember(
    last: Map<string, EchoedOffset>,
    known: ReadonlyMap<string, StoredOffset>,
    recordKey: Buffer,
    value: Buffer,
  ): void {
    const key = recordKey.toString('latin1');
    const offset = read(recordKey, value);
    const topic = offset && this.#deps.catalog.named(offset.topic);
    const isThere = topic && (offset.topicId === ZERO_UUID || offset.topicId === topic.id);
    if (!isThere) return void last.delete(key);
    const table = known.get(keyOf(offset));
    const isInTable = table !== undefined && isSameCommit(offset, table);
    const followsTable = !isInTable && (last.get(key)?.hasReachedTable ?? false);
    const isFurther = !table || followsTable || offset.offset > table.offset;
    last.set(key, { offset, isFurther, hasReachedTable: isInTable || followsTable });
  }
}

interface EchoedOffset {
  readonly offset: StoredOffset;
  readonly isFurther: boolean;
  /** It is the commit that the table has, or comes behind it in the echo. */
  readonly hasReachedTable: boolean;
}

/** Not the record's key: a group id may be longer than a record can hold. */
const keyOf = ({ groupId, topic, partition }: StoredOffset): string => JSON.stringify([groupId, topic, partition]);

const isSameCommit = (one: StoredOffset, other: StoredOffset): boolean =>
  one.offset === other.offset && one.committedAt === other.committedAt;

/** Undefined for a record that is not an offset, or not one of ours. */
function read(key: Buffer, value: Buffer): StoredOffset | undefined {
  try {
    const named = OffsetCommitRecord.readKey(key);
    if (!named) return undefined;
    const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp, topicId } =
      OffsetCommitRecord.readValue(value);
    return {
      groupId: named.group,
      topic: named.topic,
      partition: named.partition,
      topicId,
      offset,
      leaderEpoch,
      metadata,
      committedAt: commitTimestamp,
      expiresAt: expireTimestamp === NO_EXPIRY ? null : expireTimestamp,
    };
  } catch (failure) {
    if (failure instanceof MalformedMessage) return undefined;
    throw failure;
  }
}

const NO_EXPIRY = -1 as Timestamp;
