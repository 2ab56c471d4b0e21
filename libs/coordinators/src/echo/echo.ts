// The echo of a coordinator in its internal topic: what the store has is also written there, in Kafka's own records, for tools
// that read the topic. It is written after the response, best effort, in batches of a few milliseconds: a request neither
// waits for it nor fails by it. The store stays the truth. When a shard is acquired, and after an append has failed, the
// partition is read and what it lacks is appended; until then nothing else is. What Kafka's records cannot hold is left out.
import { type Cancel, type Clock, type Logger, Timestamp } from '@milepost/core';
import { buildBatch } from '@milepost/records';
import { TextTooLong } from '@milepost/wire';
import type { PartitionWriter } from './partition-writer.ts';
import { type EchoRecord, TopicState, type WantedRecord } from './topic-state.ts';

/** Records of this long share a batch. */
const LINGER_MS = 20;
/** Of keys and values; a larger record has a batch of its own. */
const BATCH_BYTES = 256 * 1024;
/** When more than this waits in a shard, it is appended immediately. */
const MAX_WAITING_BYTES = 4 * BATCH_BYTES;
/** A partition that accepted nothing is tried again after this long: its disk may be full, or have failed for good. */
const RETRY_MS = 5_000;

/** What a shard holds, as records of its partition. The functions may throw TextTooLong. */
export interface EchoedContent<Event> {
  /** Item by item. */
  all(): Iterable<() => readonly WantedRecord[]>;
  /** The event is durable, and about to be applied to the shard. */
  changes(event: Event): readonly EchoRecord[];
}

export interface EchoDeps<Shard, Event> {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly writer: PartitionWriter;
  /** For log lines: the topic, and an item of a shard. */
  readonly topic: string;
  readonly item: string;
  readonly contentOf: (shard: Shard) => EchoedContent<Event>;
}

/**
 * behind: to be compared with its partition. comparing: being read. current: what is stored is appended.
 * unreadable: behind, until topics change. refused: behind, until its retry.
 */
type EchoState = 'behind' | 'comparing' | 'current' | 'unreadable' | 'refused';

interface ShardEcho<Event> {
  readonly content: EchoedContent<Event>;
  state: EchoState;
  /** Of a shard whose partition refused an append. */
  retry: Cancel | undefined;
  waiting: EchoRecord[];
  waitingBytes: number;
}

export class Echo<Shard extends { readonly index: number }, Event> {
  readonly #deps: EchoDeps<Shard, Event>;
  readonly #shards = new Map<Shard, ShardEcho<Event>>();
  #linger: Cancel | undefined;
  #comparing: Cancel | undefined;
  #closed = false;

  constructor(deps: EchoDeps<Shard, Event>) {
    this.#deps = deps;
  }

  /** The shard has been loaded. */
  acquired(shard: Shard): void {
    this.resigned(shard);
    const content = this.#deps.contentOf(shard);
    this.#shards.set(shard, { content, state: 'behind', retry: undefined, waiting: [], waitingBytes: 0 });
    this.#compareNext();
  }

  resigned(shard: Shard): void {
    const echo = this.#shards.get(shard);
    if (echo && echo.waiting.length > 0) this.#append(shard, echo);
    echo?.retry?.();
    this.#shards.delete(shard);
  }

  /** The events are durable, and about to be applied to the shard. `isUrgent`: they are appended now. */
  stored(shard: Shard, events: readonly Event[], isUrgent = false): void {
    const echo = this.#shards.get(shard);
    if (echo?.state !== 'current') return;
    for (const event of events)
      for (const record of this.#writable(shard, () => echo.content.changes(event))) {
        echo.waiting.push(record);
        echo.waitingBytes += sizeOf(record);
      }
    if (echo.waiting.length === 0) return;
    if (isUrgent || echo.waitingBytes > MAX_WAITING_BYTES) this.#append(shard, echo);
    else this.#linger ??= this.#deps.clock.after(LINGER_MS, () => this.#appendAll());
  }

  /** Topics have changed: the internal topic may exist now. */
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
    if (next) this.#compare(...next, new TopicState(next[0].index, this.#deps.writer));
  }

  #compare(shard: Shard, echo: ShardEcho<Event>, topic: TopicState): void {
    echo.state = 'comparing';
    this.#comparing = this.#deps.clock.after(0, () => {
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

  #bringUpToDate(shard: Shard, echo: ShardEcho<Event>, topic: TopicState): void {
    echo.state = 'current';
    echo.waiting = [...topic.lacking(this.#wanted(shard, echo))];
    this.#append(shard, echo);
  }

  *#wanted(shard: Shard, { content }: ShardEcho<Event>): Generator<WantedRecord> {
    for (const records of content.all()) yield* this.#writable(shard, records);
  }

  /** A name whose bytes were no UTF-8 may be longer than any record can hold (fuzz, seed 1330893485). */
  #writable<One extends WantedRecord>(shard: Shard, records: () => readonly One[]): readonly One[] {
    try {
      return records();
    } catch (failure) {
      if (!(failure instanceof TextTooLong)) throw failure;
      const { logger, topic, item } = this.#deps;
      logger.warn({ shard: shard.index, reason: failure.message }, `${topic} cannot hold ${item}`);
      return [];
    }
  }

  #appendAll(): void {
    this.#linger?.();
    this.#linger = undefined;
    for (const [shard, echo] of this.#shards) if (echo.waiting.length > 0) this.#append(shard, echo);
  }

  #append(shard: Shard, echo: ShardEcho<Event>): void {
    const { waiting } = echo;
    echo.waiting = [];
    echo.waitingBytes = 0;
    const { clock, logger, writer, topic, item } = this.#deps;
    const timestamp = Timestamp(clock.now());
    for (const some of batches(waiting)) {
      const batch = buildBatch({ records: some.map((record) => ({ ...record, timestamp })) });
      const outcome = writer.append(shard.index, batch);
      if (outcome === 'never')
        logger.warn({ shard: shard.index, bytes: batch.length }, `${topic} refuses a record of ${item}`);
      if (outcome !== 'later') continue;
      this.#retryLater(echo);
      return;
    }
  }

  /** Each shard has a timer of its own: one whose partition refuses makes no other shard wait. */
  #retryLater(echo: ShardEcho<Event>): void {
    echo.state = 'refused';
    echo.retry = this.#deps.clock.after(RETRY_MS, () => {
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
