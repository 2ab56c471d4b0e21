// A group store whose database went back: what the echo in `__consumer_offsets` knows to be further is stored again before
// the shard is served.
//
// Promises: an offset is restored where the echo has a larger one, or one that was committed later (the last commit may have
// been an operator's rewind). Nothing is restored unless it was asked for: otherwise the table is the truth, whatever an
// operator has done to it. Never restores an offset of a topic that the metadata does not know.
import { type Clock, type Logger, MalformedMessage, Offset, type Timestamp, ZERO_UUID } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import { OffsetCommitRecord } from '@milepost/wire';
import type { AcquiredGroups, GroupEvent, GroupStore, StoredOffset } from '../model/store.ts';
import type { TopicCatalog } from '../model/topic-catalog.ts';
import type { Leadership } from '../../runtime/shard-store.ts';
import type { PartitionWriter } from './partition-writer.ts';

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
      const further = (await this.#echoed(shard)).filter((offset) => isFurther(offset, known.get(keyOf(offset))));
      const events = further.map((offset): GroupEvent => ({ type: 'offset-committed', offset }));
      if (events.length > 0) await store.persist(shard, acquired.epochs.get(shard) ?? 0, events);
      restored.push(...further);
    }
    for (const shard of behind) this.#behind.delete(shard);
    if (restored.length > 0)
      logger.warn({ offsets: restored.length }, 'committed offsets are restored from __consumer_offsets');
    return { ...acquired, offsets: [...acquired.offsets, ...restored] };
  }

  persist(shard: number, epoch: number, events: readonly GroupEvent[]): Promise<void> {
    return this.#deps.store.persist(shard, epoch, events);
  }

  /** The last commit of each partition, as far as its topic is still there. Reads a piece per turn of the loop. */
  async #echoed(shard: number): Promise<StoredOffset[]> {
    const { clock, echo } = this.#deps;
    const last = new Map<string, StoredOffset>();
    for (let next = Offset(0); ; ) {
      const bytes = echo.read(shard, next);
      if (!bytes || bytes.length === 0) break;
      for (const batch of batchesOf(bytes)) {
        if (!batch.isControl)
          for (const { key, value } of batch.records()) {
            if (key && value) this.#remember(last, key, value);
            else if (key) last.delete(key.toString('latin1'));
          }
        next = batch.nextOffset;
      }
      await new Promise<void>((resolve) => clock.after(0, resolve));
    }
    return [...last.values()];
  }

  #remember(last: Map<string, StoredOffset>, key: Buffer, value: Buffer): void {
    const offset = read(key, value);
    const known = offset && this.#deps.catalog.named(offset.topic);
    const isThere = known && (offset.topicId === ZERO_UUID || offset.topicId === known.id);
    if (isThere) last.set(key.toString('latin1'), offset);
    else last.delete(key.toString('latin1'));
  }
}

/** Not the record's key: a group id may be longer than a record can hold. */
const keyOf = ({ groupId, topic, partition }: StoredOffset): string => JSON.stringify([groupId, topic, partition]);

const isFurther = (echoed: StoredOffset, known: StoredOffset | undefined): boolean =>
  !known || echoed.offset > known.offset || echoed.committedAt > known.committedAt;

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
