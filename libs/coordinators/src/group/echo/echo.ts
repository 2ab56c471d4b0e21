// The echo in `__consumer_offsets`: what the store has is said there too, in Kafka's own records, for tools that read
// that topic. After the answer, best effort, a tick's worth at a time: a commit neither waits for it nor fails by it.
// The store stays the truth. When a shard is taken, and when an append has failed, the partition is read and what it
// lacks is appended; until then nothing else is. What Kafka's records cannot hold is not said.
import { type Cancel, type Clock, type Logger, Timestamp } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { TextTooLong } from '@milepost/wire';
import type { GroupEvent, PartitionWriter } from '../../ports.ts';
import type { Shard } from '../../runtime/shard.ts';
import {
  classicKey,
  type EchoRecord,
  groupChanges,
  offsetKey,
  offsetRecord,
  type Said,
  saidOf,
} from './group-records.ts';
import { TopicState, type WantedRecord } from './topic-state.ts';

/** Records of so long share a batch. */
const LINGER_MS = 20;
/** Of keys and values; a larger record goes alone. */
const BATCH_BYTES = 256 * 1024;
/** What waits in a shard beyond this is appended at once. */
const MAX_WAITING_BYTES = 4 * BATCH_BYTES;
/** A partition that took nothing is asked again after so long: its disk may be full, or have failed for good. */
const AGAIN_MS = 5_000;

interface ShardEcho {
  /** behind: waits for its turn to be compared. comparing: is being read. */
  state: 'behind' | 'comparing' | 'current';
  /** Its partition took nothing; by the steady clock, when it is asked again. */
  notBefore: number;
  /** By group, what its last record said. */
  readonly said: Map<string, Said>;
  waiting: EchoRecord[];
  waitingBytes: number;
}

export class Echo {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #writer: PartitionWriter;
  readonly #shards = new Map<Shard, ShardEcho>();
  #tick: Cancel | undefined;
  #comparing: Cancel | undefined;
  #again: Cancel | undefined;
  #closed = false;

  constructor(clock: Clock, logger: Logger, writer: PartitionWriter) {
    this.#clock = clock;
    this.#logger = logger;
    this.#writer = writer;
  }

  /** The shard is served from here on. */
  taken(shard: Shard): void {
    this.#shards.set(shard, { state: 'behind', notBefore: 0, said: new Map(), waiting: [], waitingBytes: 0 });
    this.catchUp();
  }

  lost(shard: Shard): void {
    this.#shards.delete(shard);
  }

  /** Has been stored, and is about to be applied. */
  stored(shard: Shard, events: readonly GroupEvent[]): void {
    const echo = this.#shards.get(shard);
    if (echo?.state !== 'current') return;
    for (const event of events)
      for (const record of this.#sayable(shard, () => this.#recordsOf(shard, echo, event))) {
        echo.waiting.push(record);
        echo.waitingBytes += sizeOf(record);
      }
    if (echo.waitingBytes > MAX_WAITING_BYTES) this.#append(shard, echo);
    else if (echo.waiting.length > 0) this.#tick ??= this.#clock.after(LINGER_MS, () => this.#appendAll());
  }

  /** The topic may have come: compares what is behind, one shard after the other, a piece of it per turn of the loop. */
  catchUp(): void {
    if (this.#comparing || this.#closed) return;
    const now = this.#clock.monotonic();
    const next = [...this.#shards].find(([, { state, notBefore }]) => state === 'behind' && notBefore <= now);
    if (next) this.#compare(...next, new TopicState(next[0].index, this.#writer));
  }

  /** Says what it has still to say. What is stored from here on the next coordinator will say. */
  close(): void {
    this.#appendAll();
    this.#closed = true;
    this.#comparing?.();
    this.#again?.();
    this.#shards.clear();
  }

  #compare(shard: Shard, echo: ShardEcho, topic: TopicState): void {
    echo.state = 'comparing';
    this.#comparing = this.#clock.after(0, () => {
      this.#comparing = undefined;
      const found = topic.read();
      const isLost = this.#shards.get(shard) !== echo;
      if (found === 'more' && !isLost) this.#compare(shard, echo, topic);
      else if (found === 'unreadable') {
        // As with all the others: they wait for the topic.
        echo.state = 'behind';
      } else {
        if (!isLost) this.#bringUpToDate(shard, echo, topic);
        this.catchUp();
      }
    });
  }

  #bringUpToDate(shard: Shard, echo: ShardEcho, topic: TopicState): void {
    echo.said.clear();
    echo.state = 'current';
    echo.waiting = [...topic.lacking(this.#recordsOfShard(shard, echo))];
    this.#append(shard, echo);
  }

  *#recordsOfShard(shard: Shard, { said }: ShardEcho): Generator<WantedRecord> {
    for (const { groupId, stored, isStored, offsets } of shard.slots()) {
      if (stored) {
        said.set(groupId, saidOf(stored));
        yield* this.#sayable(shard, () => groupChanges(groupId, undefined, stored));
      } else if (isStored) {
        // In the midst of a rebalance; its end will be said.
        said.set(groupId, 'classic');
        yield* this.#sayable(shard, () => [{ key: classicKey(groupId), value: 'whatever' } as const]);
      }
      for (const topic of offsets.topics())
        for (const offset of offsets.of(topic)) yield* this.#sayable(shard, () => [offsetRecord(offset)]);
    }
  }

  /** A name whose bytes were no UTF-8 may be longer than any record can tell (fuzz, seed 1330893485). */
  #sayable<One extends WantedRecord>(shard: Shard, records: () => readonly One[]): readonly One[] {
    try {
      return records();
    } catch (failure) {
      if (!(failure instanceof TextTooLong)) throw failure;
      this.#logger.warn({ shard: shard.index, reason: failure.message }, '__consumer_offsets cannot tell of a group');
      return [];
    }
  }

  #recordsOf(shard: Shard, { said }: ShardEcho, event: GroupEvent): EchoRecord[] {
    switch (event.type) {
      case 'group-stored': {
        const { group } = event;
        const records = groupChanges(group.groupId, said.get(group.groupId), group);
        said.set(group.groupId, saidOf(group));
        return records;
      }
      case 'group-deleted': {
        const { groupId } = event;
        const offsets = shard.find(groupId)?.offsets;
        const committed = [...(offsets?.topics() ?? [])].flatMap((topic) => [...(offsets?.of(topic) ?? [])]);
        const records = groupChanges(groupId, said.get(groupId), undefined);
        said.delete(groupId);
        return [
          ...committed.map(({ topic, partition }) => ({ key: offsetKey(groupId, topic, partition), value: null })),
          ...records,
        ];
      }
      case 'offset-committed':
        return [offsetRecord(event.offset)];
      case 'offset-deleted':
        return [{ key: offsetKey(event.groupId, event.topic, event.partition), value: null }];
    }
  }

  #appendAll(): void {
    this.#tick?.();
    this.#tick = undefined;
    for (const [shard, echo] of this.#shards) if (echo.waiting.length > 0) this.#append(shard, echo);
  }

  #append(shard: Shard, echo: ShardEcho): void {
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
      this.#fallBehind(echo);
      return;
    }
  }

  #fallBehind(echo: ShardEcho): void {
    echo.state = 'behind';
    echo.notBefore = this.#clock.monotonic() + AGAIN_MS;
    if (this.#closed) return;
    this.#again ??= this.#clock.after(AGAIN_MS, () => {
      this.#again = undefined;
      this.catchUp();
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
