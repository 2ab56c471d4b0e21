// Moves records into the log, in order. For each partition at most one `send` is in flight, and its successor waits for
// the final outcome: with two, a batch that the client library repeats could land after the next. Records that arrive
// meanwhile are gathered, across devices and partitions, and sent together: a send of hundreds costs little more than a
// send of one.
//
// A partition that accepts no records delays no other. The others of its send are settled as soon as they are stored, a
// send that takes long no longer counts against `sendsInFlight`, and a failed send is repeated for each partition
// separately. Records that wait longer than `stallMs` are given up: they are never acknowledged, so their devices
// resend them.
import type { Cancel, Clock } from '@milepost/core';
import { type IntakeRecord, type RecordSink, RecordsRefused, type StoredAhead } from './record.ts';

export interface Queued {
  readonly record: IntakeRecord;
  readonly sizeBytes: number;
  /** `clock.monotonic()` at its arrival. */
  readonly since: number;
}

export interface SenderEvents<Item> {
  stored(items: readonly Item[]): void;
  /** A send failed and will be repeated. For the log line. */
  failed(error: Error): void;
  /** The log will never accept it. */
  refused(item: Item, error: RecordsRefused): void;
  /** Waited too long, and will not be sent (again). */
  abandoned(items: readonly Item[]): void;
  /** Waited too long in a send that cannot be cancelled: its outcome follows, `stored` or `abandoned`. */
  stalled(items: readonly Item[]): void;
}

export interface SenderLimits {
  /** A record is given up after this time. */
  readonly stallMs: number;
  /** A send that takes longer gives its slot in `sendsInFlight` to others. */
  readonly slowMs: number;
  /** The pause between two attempts of one partition. */
  readonly retryMs: number;
  /** The minimum time from the start of one send to that of the next: each costs as much as a hundred records. */
  readonly lingerMs: number;
  readonly sendsInFlight: number;
  readonly batchRecords: number;
  /** For one partition. Stays below the log's max.message.bytes (1 MiB). */
  readonly batchBytes: number;
}

export const SENDER_LIMITS: SenderLimits = {
  stallMs: 30_000,
  slowMs: 1_000,
  retryMs: 200,
  lingerMs: 5,
  sendsInFlight: 4,
  batchRecords: 1000,
  batchBytes: 768 * 1024,
};

const STALL_CHECK_MS = 500;

/** One partition of one topic. */
interface Lane<Item> {
  readonly topic: string;
  readonly partition: number;
  waiting: Item[];
  sending: Item[];
  sizeBytes: number;
  /** Between two attempts: nothing is sent. */
  resting: boolean;
  /** Its last send failed: it is sent alone until one succeeds. */
  suspect: boolean;
  /** This many of `waiting` are sent one by one, to find the one that the log refuses. */
  singly: number;
  /** `sending` has been reported as stalled: it will not be retried. */
  stalled: boolean;
}

interface Send {
  readonly since: number;
  /** It has a slot in `sendsInFlight`. */
  counts: boolean;
}

export class Sender<Item extends Queued> {
  readonly #clock: Clock;
  readonly #sink: RecordSink;
  readonly #events: SenderEvents<Item>;
  readonly #limits: SenderLimits;
  readonly #lanes = new Map<string, Lane<Item>[]>();
  readonly #ready = new Set<Lane<Item>>();
  #count = 0;
  #bytes = 0;
  readonly #sends = new Set<Send>();
  #flushing = false;
  #flushedAt = -Infinity;
  #lingering: Cancel | undefined;
  #watching = false;
  #onIdle: (() => void)[] = [];

  constructor(clock: Clock, sink: RecordSink, events: SenderEvents<Item>, limits: SenderLimits) {
    this.#clock = clock;
    this.#sink = sink;
    this.#events = events;
    this.#limits = limits;
  }

  /** Bytes of everything that is not settled. */
  get pendingBytes(): number {
    return this.#bytes;
  }

  /** Bytes of one partition that are not settled. */
  pendingBytesOf({ topic, partition }: Pick<IntakeRecord, 'topic' | 'partition'>): number {
    return this.#lanes.get(topic)?.[partition]?.sizeBytes ?? 0;
  }

  add(item: Item): void {
    const lane = this.#lane(item.record);
    lane.waiting.push(item);
    lane.sizeBytes += item.sizeBytes;
    this.#count++;
    this.#bytes += item.sizeBytes;
    if (lane.sending.length === 0 && !lane.resting) {
      this.#ready.add(lane);
      this.#schedule();
    }
    this.#watch();
  }

  /** The record that has waited longest; undefined: none waits. */
  oldest(): Item | undefined {
    let oldest: Item | undefined;
    for (const lanes of this.#lanes.values()) {
      for (const lane of lanes) {
        const first = lane?.sending[0] ?? lane?.waiting[0];
        if (first && (oldest === undefined || first.since < oldest.since)) oldest = first;
      }
    }
    return oldest;
  }

  /** Everything that is not settled. */
  *pending(): Iterable<Item> {
    for (const lanes of this.#lanes.values()) {
      for (const lane of lanes) {
        yield* lane?.sending ?? [];
        yield* lane?.waiting ?? [];
      }
    }
  }

  /** Resolves when nothing is pending: all stored, refused or given up. */
  idle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #lane({ topic, partition }: IntakeRecord): Lane<Item> {
    let lanes = this.#lanes.get(topic);
    if (!lanes) this.#lanes.set(topic, (lanes = []));
    return (lanes[partition] ??= {
      topic,
      partition,
      waiting: [],
      sending: [],
      sizeBytes: 0,
      resting: false,
      suspect: false,
      singly: 0,
      stalled: false,
    });
  }

  /**
   * Sends immediately (after this turn's arrivals) if the last send began some time ago, else after a short wait for
   * more records.
   */
  #schedule(): void {
    if (this.#flushing || this.#lingering || this.#ready.size === 0) return;
    if (this.#countedSends() >= this.#limits.sendsInFlight) return;
    const waitMs = this.#flushedAt + this.#limits.lingerMs - this.#clock.monotonic();
    if (waitMs > 0) {
      this.#lingering = this.#clock.after(waitMs, () => this.#flush());
    } else {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
  }

  #countedSends(): number {
    let count = 0;
    for (const { counts } of this.#sends) if (counts) count++;
    return count;
  }

  #flush(): void {
    this.#flushing = false;
    this.#flushedAt = this.#clock.monotonic();
    this.#lingering = undefined;
    const together: Lane<Item>[] = [];
    for (const lane of this.#ready) {
      if (lane.waiting.length === 0) continue; // given up meanwhile
      lane.sending = this.#take(lane);
      if (lane.suspect) void this.#send([lane]);
      else together.push(lane);
    }
    this.#ready.clear();
    if (together.length > 0) void this.#send(together);
  }

  #take(lane: Lane<Item>): Item[] {
    const { batchBytes, batchRecords } = this.#limits;
    const limit = lane.singly > 0 ? 1 : batchRecords;
    let count = 0;
    let bytes = 0;
    for (const item of lane.waiting) {
      if (count === limit || (count > 0 && bytes + item.sizeBytes > batchBytes)) break;
      count++;
      bytes += item.sizeBytes;
    }
    if (lane.singly > 0) lane.singly--;
    if (count < lane.waiting.length) return lane.waiting.splice(0, count);
    const all = lane.waiting;
    lane.waiting = [];
    return all;
  }

  async #send(lanes: readonly Lane<Item>[]): Promise<void> {
    const send = { since: this.#clock.monotonic(), counts: true };
    this.#sends.add(send);
    const open = new Set(lanes);
    const items = lanes.length === 1 ? (lanes[0] as Lane<Item>).sending : lanes.flatMap(({ sending }) => sending);
    const error = await this.#attempt(items, (topic, partition) => {
      const lane = this.#lanes.get(topic)?.[partition];
      if (!lane || !open.delete(lane)) return;
      this.#stored([lane]);
      this.#schedule();
    });
    this.#sends.delete(send);
    if (error === undefined) this.#stored([...open]);
    else for (const lane of open) this.#failed(lane, lanes.length === 1, error);
    this.#schedule();
    this.#notifyIdle();
  }

  /** The failure, or undefined. */
  async #attempt(items: readonly Item[], storedAhead: StoredAhead): Promise<Error | undefined> {
    try {
      await this.#sink.send(
        items.map(({ record }) => record),
        storedAhead,
      );
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #stored(lanes: readonly Lane<Item>[]): void {
    const items = lanes.length === 1 ? (lanes[0] as Lane<Item>).sending : lanes.flatMap(({ sending }) => sending);
    for (const lane of lanes) {
      lane.suspect = false;
      this.#finish(lane);
    }
    if (items.length > 0) this.#events.stored(items);
  }

  #failed(lane: Lane<Item>, alone: boolean, error: Error): void {
    const items = lane.sending;
    const refused = error instanceof RecordsRefused;
    this.#events.failed(error);
    lane.suspect = true;
    if (lane.stalled) {
      this.#finish(lane);
      this.#events.abandoned(items);
    } else if (refused && alone && items.length === 1) {
      this.#finish(lane);
      this.#events.refused(items[0] as Item, error);
    } else {
      lane.waiting = items.concat(lane.waiting);
      lane.sending = [];
      if (refused && alone) lane.singly = items.length;
      if (refused) this.#ready.add(lane);
      else this.#rest(lane);
    }
  }

  #rest(lane: Lane<Item>): void {
    lane.resting = true;
    this.#clock.after(this.#limits.retryMs, () => {
      lane.resting = false;
      if (lane.waiting.length === 0) return;
      lane.sending = this.#take(lane);
      void this.#send([lane]);
    });
  }

  #finish(lane: Lane<Item>): void {
    this.#forget(lane, lane.sending);
    lane.sending = [];
    lane.stalled = false;
    if (lane.waiting.length > 0) this.#ready.add(lane);
  }

  #forget(lane: Lane<Item>, items: readonly Item[]): void {
    this.#count -= items.length;
    for (const { sizeBytes } of items) {
      lane.sizeBytes -= sizeBytes;
      this.#bytes -= sizeBytes;
    }
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#clock.after(STALL_CHECK_MS, () => {
      this.#watching = false;
      this.#passSlowSends();
      const before = this.#clock.monotonic() - this.#limits.stallMs;
      for (const lanes of this.#lanes.values()) for (const lane of lanes) if (lane) this.#giveUp(lane, before);
      this.#notifyIdle();
      if (this.#count > 0) this.#watch();
    });
  }

  #passSlowSends(): void {
    const before = this.#clock.monotonic() - this.#limits.slowMs;
    for (const send of this.#sends) if (send.since <= before) send.counts = false;
    this.#schedule();
  }

  /** The whole lane, not only its oldest: records after an abandoned one must not overtake its repetition. */
  #giveUp(lane: Lane<Item>, before: number): void {
    const oldest = lane.sending[0] ?? lane.waiting[0];
    if (!oldest || oldest.since > before) return;
    const { waiting } = lane;
    lane.waiting = [];
    lane.singly = 0;
    this.#forget(lane, waiting);
    if (waiting.length > 0) this.#events.abandoned(waiting);
    if (lane.sending.length > 0 && !lane.stalled) {
      lane.stalled = true;
      this.#events.stalled(lane.sending);
    }
  }

  #notifyIdle(): void {
    if (this.#count > 0) return;
    const waiters = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiters) resolve();
  }
}
