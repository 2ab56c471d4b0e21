// The echo in `__consumer_offsets`: what the store has is also written to that topic, in Kafka's own records, for tools
// that read the topic. It is written after the response, best effort, in batches of a few milliseconds: a commit neither
// waits for it nor fails by it. The store stays the truth. When a shard is acquired, and after an append has failed, the
// partition is read and what it lacks is appended; until then nothing else is. What Kafka's records cannot hold is left out.
import { type Cancel, type Clock, type Logger, Timestamp } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { TextTooLong } from '@milepost/wire';
import type { Offsets } from '../model/offsets.ts';
import type { GroupEvent, StoredGroup } from '../model/store.ts';
import {
  classicKey,
  type EchoedState,
  type EchoRecord,
  echoedState,
  groupChanges,
  offsetKey,
  offsetRecord,
} from './group-records.ts';
import type { PartitionWriter } from './partition-writer.ts';
import { TopicState, type WantedRecord } from './topic-state.ts';

/** Records of this long share a batch. */
const LINGER_MS = 20;
/** Of keys and values; a larger record has a batch of its own. */
const BATCH_BYTES = 256 * 1024;
/** When more than this waits in a shard, it is appended immediately. */
const MAX_WAITING_BYTES = 4 * BATCH_BYTES;
/** A partition that accepted nothing is tried again after this long: its disk may be full, or have failed for good. */
const RETRY_MS = 5_000;

/** A shard of groups, as the echo reads it. */
export interface EchoedShard {
  readonly index: number;
  slots(): Iterable<EchoedGroup>;
  find(groupId: string): EchoedGroup | undefined;
}

export interface EchoedGroup {
  readonly groupId: string;
  readonly isStored: boolean;
  /** Undefined also where it cannot be derived, in the midst of a rebalance. */
  readonly stored: StoredGroup | undefined;
  readonly offsets: Offsets;
}

/**
 * behind: to be compared with its partition. comparing: being read. current: what is stored is appended.
 * unreadable: behind, until topics change. refused: behind, until its retry.
 */
type EchoState = 'behind' | 'comparing' | 'current' | 'unreadable' | 'refused';

interface ShardEcho {
  state: EchoState;
  /** Of a shard whose partition refused an append. */
  retry: Cancel | undefined;
  /** By group, what its last records hold. */
  readonly echoed: Map<string, EchoedState>;
  waiting: EchoRecord[];
  waitingBytes: number;
}

export class Echo {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #writer: PartitionWriter;
  readonly #shards = new Map<EchoedShard, ShardEcho>();
  #linger: Cancel | undefined;
  #comparing: Cancel | undefined;
  #closed = false;

  constructor(clock: Clock, logger: Logger, writer: PartitionWriter) {
    this.#clock = clock;
    this.#logger = logger;
    this.#writer = writer;
  }

  /** The shard has been loaded. */
  acquired(shard: EchoedShard): void {
    this.resigned(shard);
    this.#shards.set(shard, { state: 'behind', retry: undefined, echoed: new Map(), waiting: [], waitingBytes: 0 });
    this.#compareNext();
  }

  resigned(shard: EchoedShard): void {
    const echo = this.#shards.get(shard);
    if (echo && echo.waiting.length > 0) this.#append(shard, echo);
    echo?.retry?.();
    this.#shards.delete(shard);
  }

  /** The events are durable, and about to be applied to the shard. */
  stored(shard: EchoedShard, events: readonly GroupEvent[]): void {
    const echo = this.#shards.get(shard);
    if (echo?.state !== 'current') return;
    for (const event of events)
      for (const record of this.#writable(shard, () => this.#recordsOf(shard, echo, event))) {
        echo.waiting.push(record);
        echo.waitingBytes += sizeOf(record);
      }
    if (echo.waitingBytes > MAX_WAITING_BYTES) this.#append(shard, echo);
    else if (echo.waiting.length > 0) this.#linger ??= this.#clock.after(LINGER_MS, () => this.#appendAll());
  }

  /** Topics have changed: `__consumer_offsets` may exist now. */
  catchUp(): void {
    for (const echo of this.#shards.values()) if (echo.state === 'unreadable') echo.state = 'behind';
    this.#compareNext();
  }

  /** Appends what waits. What is stored later is the business of the shards' next owner. */
  close(): void {
    this.#appendAll();
    this.#closed = true;
    this.#comparing?.();
    for (const { retry } of this.#shards.values()) retry?.();
    this.#shards.clear();
  }

  /** One shard after the other, and a piece of its partition per turn of the loop. */
  #compareNext(): void {
    if (this.#comparing || this.#closed) return;
    const next = [...this.#shards].find(([, { state }]) => state === 'behind');
    if (next) this.#compare(...next, new TopicState(next[0].index, this.#writer));
  }

  #compare(shard: EchoedShard, echo: ShardEcho, topic: TopicState): void {
    echo.state = 'comparing';
    this.#comparing = this.#clock.after(0, () => {
      this.#comparing = undefined;
      const isCurrent = this.#shards.get(shard) === echo;
      const outcome = isCurrent ? topic.read() : 'resigned';
      if (outcome === 'more') {
        this.#compare(shard, echo, topic);
        return;
      }
      if (outcome === 'unreadable') echo.state = 'unreadable';
      if (outcome === 'all') this.#bringUpToDate(shard, echo, topic);
      this.#compareNext();
    });
  }

  #bringUpToDate(shard: EchoedShard, echo: ShardEcho, topic: TopicState): void {
    echo.echoed.clear();
    echo.state = 'current';
    echo.waiting = [...topic.lacking(this.#recordsOfShard(shard, echo))];
    this.#append(shard, echo);
  }

  *#recordsOfShard(shard: EchoedShard, { echoed }: ShardEcho): Generator<WantedRecord> {
    for (const { groupId, stored, isStored, offsets } of shard.slots()) {
      if (stored) {
        echoed.set(groupId, echoedState(stored));
        yield* this.#writable(shard, () => groupChanges(groupId, undefined, stored));
      } else if (isStored) {
        // In the midst of a rebalance. Its end will be written.
        echoed.set(groupId, 'classic');
        yield* this.#writable(shard, () => [{ key: classicKey(groupId), value: 'any' } as const]);
      }
      for (const topic of offsets.topics())
        for (const offset of offsets.of(topic)) yield* this.#writable(shard, () => [offsetRecord(offset)]);
    }
  }

  /** A group id whose bytes were no UTF-8 may be longer than any record can hold (fuzz, seed 1330893485). */
  #writable<One extends WantedRecord>(shard: EchoedShard, records: () => readonly One[]): readonly One[] {
    try {
      return records();
    } catch (failure) {
      if (!(failure instanceof TextTooLong)) throw failure;
      this.#logger.warn({ shard: shard.index, reason: failure.message }, '__consumer_offsets cannot hold a group');
      return [];
    }
  }

  #recordsOf(shard: EchoedShard, { echoed }: ShardEcho, event: GroupEvent): EchoRecord[] {
    switch (event.type) {
      case 'group-stored': {
        const { group } = event;
        const records = groupChanges(group.groupId, echoed.get(group.groupId), group);
        echoed.set(group.groupId, echoedState(group));
        return records;
      }
      case 'group-deleted': {
        const { groupId } = event;
        const offsets = shard.find(groupId)?.offsets;
        const committed = [...(offsets?.topics() ?? [])].flatMap((topic) => [...(offsets?.of(topic) ?? [])]);
        const records = groupChanges(groupId, echoed.get(groupId), undefined);
        echoed.delete(groupId);
        return [
          ...committed.map(({ topic, partition }) => ({ key: offsetKey(groupId, topic, partition), value: null })),
          ...records,
        ];
      }
      case 'offset-committed':
        return [offsetRecord(event.offset)];
      case 'offset-pending':
      case 'pending-offsets-ended':
        return []; // not committed yet, or the events beside it say what is
      case 'offset-deleted':
        return [{ key: offsetKey(event.groupId, event.topic, event.partition), value: null }];
    }
  }

  #appendAll(): void {
    this.#linger?.();
    this.#linger = undefined;
    for (const [shard, echo] of this.#shards) if (echo.waiting.length > 0) this.#append(shard, echo);
  }

  #append(shard: EchoedShard, echo: ShardEcho): void {
    const { waiting } = echo;
    echo.waiting = [];
    echo.waitingBytes = 0;
    const timestamp = Timestamp(this.#clock.now());
    for (const some of batches(waiting)) {
      const batch = buildBatch({ records: some.map((record) => ({ ...record, timestamp })) });
      const outcome = this.#writer.append(shard.index, batch);
      if (outcome === 'never')
        this.#logger.warn(
          { shard: shard.index, bytes: batch.length },
          '__consumer_offsets refuses a record of a group',
        );
      if (outcome !== 'later') continue;
      this.#retryLater(echo);
      return;
    }
  }

  /** Each shard has a timer of its own: one whose partition refuses makes no other shard wait. */
  #retryLater(echo: ShardEcho): void {
    echo.state = 'refused';
    echo.retry = this.#clock.after(RETRY_MS, () => {
      echo.retry = undefined;
      echo.state = 'behind';
      this.#compareNext();
    });
  }
}

function* batches(records: readonly EchoRecord[]): Generator<EchoRecord[]> {
  let some: EchoRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (some.length > 0 && bytes + sizeOf(record) > BATCH_BYTES) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(record);
    bytes += sizeOf(record);
  }
  if (some.length > 0) yield some;
}

const sizeOf = ({ key, value }: EchoRecord): number => key.length + (value?.length ?? 0);
