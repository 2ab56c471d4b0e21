// Moves records into the log, in order. For each partition at most one `send` is out, and its successor waits for the
// final outcome: with two, a batch that the client library repeats could land behind the next. What arrives meanwhile
// collects, across devices and partitions, and leaves in one piece: a send of hundreds costs little more than one of one.
//
// A failed send is tried again, each partition on its own, so that one in trouble does not hold up the others. Records
// that wait longer than `stallMs` are given up: never acknowledged, so their devices send them again.
import type { Cancel, Clock } from '@milepost/core';
import { type IntakeRecord, type RecordSink, RecordsRefused } from './record.ts';

export interface Queued {
  readonly record: IntakeRecord;
  readonly sizeBytes: number;
  /** `clock.monotonic()` when it came. */
  readonly since: number;
}

export interface SenderEvents<Item> {
  stored(items: readonly Item[]): void;
  /** A send failed; it is tried again. For the log line. */
  failed(error: Error): void;
  /** The log will never take it. */
  refused(item: Item, error: RecordsRefused): void;
  /** Waited too long, and will not be sent (again). */
  abandoned(items: readonly Item[]): void;
  /** Waited too long while a send is out that nobody can call back: its outcome follows, `stored` or `abandoned`. */
  stalled(items: readonly Item[]): void;
}

export interface SenderLimits {
  /** A record is given up after this time. */
  readonly stallMs: number;
  /** Between two attempts of one partition. */
  readonly retryMs: number;
  /** From the beginning of one send to that of the next, at least: each costs as much as a hundred records. */
  readonly lingerMs: number;
  readonly sendsInFlight: number;
  readonly batchRecords: number;
  /** Of one partition. Stays below the log's max.message.bytes (1 MiB). */
  readonly batchBytes: number;
}

export const SENDER_LIMITS: SenderLimits = {
  stallMs: 30_000,
  retryMs: 200,
  lingerMs: 5,
  sendsInFlight: 4,
  batchRecords: 1000,
  batchBytes: 768 * 1024,
};

const STALL_CHECK_MS = 500;

/** One partition of one topic. */
interface Lane<Item> {
  waiting: Item[];
  sending: Item[];
  /** Between two attempts: nothing leaves. */
  resting: boolean;
  /** Its last send failed: it travels alone until one succeeds. */
  suspect: boolean;
  /** So many of `waiting` travel one by one, to find the one that the log refuses. */
  singly: number;
  /** `sending` has been reported as stalled: it will not be tried again. */
  stalled: boolean;
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
  #sends = 0;
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

  add(item: Item): void {
    const lane = this.#lane(item.record);
    lane.waiting.push(item);
    this.#count++;
    this.#bytes += item.sizeBytes;
    if (lane.sending.length === 0 && !lane.resting) {
      this.#ready.add(lane);
      this.#schedule();
    }
    this.#watch();
  }

  /** `since` of the record that has waited longest; undefined: none waits. */
  oldest(): number | undefined {
    let oldest: number | undefined;
    for (const lanes of this.#lanes.values()) {
      for (const lane of lanes) {
        const since = (lane?.sending[0] ?? lane?.waiting[0])?.since;
        if (since !== undefined && (oldest === undefined || since < oldest)) oldest = since;
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
      waiting: [],
      sending: [],
      resting: false,
      suspect: false,
      singly: 0,
      stalled: false,
    });
  }

  /** At once (after this turn's arrivals) where the last send began some time ago, else after a short wait for company. */
  #schedule(): void {
    if (this.#flushing || this.#lingering || this.#ready.size === 0) return;
    if (this.#sends >= this.#limits.sendsInFlight) return;
    const waitMs = this.#flushedAt + this.#limits.lingerMs - this.#clock.monotonic();
    if (waitMs > 0) {
      this.#lingering = this.#clock.after(waitMs, () => this.#flush());
    } else {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
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
    this.#sends++;
    const items = lanes.length === 1 ? (lanes[0] as Lane<Item>).sending : lanes.flatMap(({ sending }) => sending);
    const error = await this.#attempt(items);
    this.#sends--;
    if (error === undefined) {
      for (const lane of lanes) {
        lane.suspect = false;
        this.#finish(lane);
      }
      this.#events.stored(items);
    } else {
      for (const lane of lanes) this.#failed(lane, lanes.length === 1, error);
    }
    this.#schedule();
    this.#tellIdle();
  }

  /** The failure, or undefined. */
  async #attempt(items: readonly Item[]): Promise<Error | undefined> {
    try {
      await this.#sink.send(items.map(({ record }) => record));
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
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
    this.#forget(lane.sending);
    lane.sending = [];
    lane.stalled = false;
    if (lane.waiting.length > 0) this.#ready.add(lane);
  }

  #forget(items: readonly Item[]): void {
    this.#count -= items.length;
    for (const { sizeBytes } of items) this.#bytes -= sizeBytes;
  }

  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.#clock.after(STALL_CHECK_MS, () => {
      this.#watching = false;
      const before = this.#clock.monotonic() - this.#limits.stallMs;
      for (const lanes of this.#lanes.values()) for (const lane of lanes) if (lane) this.#giveUp(lane, before);
      this.#tellIdle();
      if (this.#count > 0) this.#watch();
    });
  }

  /** The whole lane, not only its oldest: what is behind an abandoned record must not overtake its repetition. */
  #giveUp(lane: Lane<Item>, before: number): void {
    const oldest = lane.sending[0] ?? lane.waiting[0];
    if (!oldest || oldest.since > before) return;
    const { waiting } = lane;
    lane.waiting = [];
    lane.singly = 0;
    this.#forget(waiting);
    if (waiting.length > 0) this.#events.abandoned(waiting);
    if (lane.sending.length > 0 && !lane.stalled) {
      lane.stalled = true;
      this.#events.stalled(lane.sending);
    }
  }

  #tellIdle(): void {
    if (this.#count > 0) return;
    const waiters = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiters) resolve();
  }
}
