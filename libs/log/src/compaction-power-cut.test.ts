// The promise of a compacted log, tested with power cuts at any step of appends, cleaning and recovery: the
// acknowledged last value of each key is never lost, a deleted key never returns, the record at an offset never
// changes, no offset that anyone has seen is reused, and a producer's sequences continue. The disk loses whatever was
// not synced.
import { ErrorCode, LeaderEpoch, Timestamp } from '@milepost/core';
import { batchesOf, buildBatch } from '@milepost/records';
import { SimClock, SimDisk, SimRandom } from '@milepost/simulator';
import { Log, LogCleaner, LogDirectory, logConfigOf } from './index.ts';
import { KeyOffsets } from './key-offsets.ts';
import { Segment } from './segment.ts';
import { everything, IDENTITY, testHost, TOPIC_ID } from './testing.ts';

const ACTIONS = 60;
const SEEDS = 250;
const KEYS = 6;
const CONFIG = logConfigOf({
  'cleanup.policy': 'compact',
  'segment.bytes': '1500',
  'index.interval.bytes': '100',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '20',
  'file.delete.delay.ms': '5',
});

/** A broken promise. */
class Violation extends Error {}
function hold(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Violation(message());
}

interface Sent {
  readonly key: string;
  /** Null: a tombstone. */
  readonly value: string | null;
  readonly bytes: Buffer;
  readonly isIdempotent: boolean;
  offset?: number;
  isAcknowledged: boolean;
}

const told = ({ key, value }: { key: string; value: string | null }): string => `${key}=${value ?? 'nothing'}`;
const short = (text: string | undefined): string => (text ?? 'nothing').replace(/x+$/, '');

class World {
  readonly random: SimRandom;
  readonly clock = new SimClock();
  disk: SimDisk;
  #own: SimDisk;
  #log!: Log;
  #cleaner!: LogCleaner;
  #directory!: LogDirectory;
  #violation: unknown;
  #epoch = 0;
  #sequence = 0;
  #count = 0;
  /** In the order of sending; the idempotent producer has its own keys. */
  readonly #sent: Sent[] = [];
  /** Every value that was ever tried at an offset. */
  readonly #tried = new Map<number, Set<string>>();
  /** The value that was acknowledged or read at an offset. */
  readonly #known = new Map<number, string>();
  readonly tombstones = new Set<number>();
  passes = 0;

  constructor(seed: number) {
    this.random = new SimRandom(seed);
    this.disk = new SimDisk(this.random.fork(), { clock: this.clock });
    this.#own = this.disk;
  }

  async start(): Promise<void> {
    this.#own = this.disk;
    const host = testHost(this.disk, { clock: this.clock });
    const options = { flush: 'always' as const, configOf: () => CONFIG };
    this.#directory = await this.clock.settle(LogDirectory.open(host, '/data', IDENTITY, options));
    const found = this.#directory.get('t', 0);
    hold(found !== undefined || this.#known.size === 0, () => 'the log is gone');
    this.#log = found ?? (await this.clock.settle(this.#directory.create('t', TOPIC_ID, 0, CONFIG)));
    if (this.#log.lostTail) this.#epoch++;
    const mapBytes = this.random.pick([24 * 9, 24 * 100]);
    this.#cleaner = new LogCleaner({
      host,
      logs: () => [this.#log],
      settings: () => ({ isEnabled: true, backoffMs: 1, mapBytes, mapLoadFactor: 0.9, bytesPerSecond: 1e9 }),
      lastStableOffsetOf: (log) => log.flushedOffset,
    });
    this.#check();
    // A plain producer does not retry: a record without a response may be there or not.
    for (const sent of this.#sent) if (!sent.isAcknowledged && sent.isIdempotent) this.#append(sent);
  }

  async live(): Promise<void> {
    for (let n = 0; n < ACTIONS && !this.#own.isOff; n++) {
      const roll = this.random.below(100);
      if (roll < 60) this.#send();
      else if (roll < 70) this.#clean();
      else if (roll < 78) this.#check();
      else if (roll < 80) await this.clock.run(25);
      else await this.clock.run(this.random.below(5));
      if (this.#violation) throw this.#violation;
    }
  }

  crash(how: 'power cut' | 'kill'): void {
    this.disk = how === 'kill' ? this.disk.kill() : this.disk.powerCut();
  }

  /** Cleans everything that can be cleaned, until nothing changes. */
  async finish(): Promise<void> {
    await this.clock.run(50);
    for (let n = 0; n < 12; n++) this.#send();
    await this.clock.run(50);
    await this.clock.settle(this.#cleaner.round());
    if (this.#violation) throw this.#violation;
    this.#check();
    await this.clock.settle(this.#directory.close());
  }

  #clean(): void {
    this.#watch(this.#cleaner.round().then((passes) => void (this.passes += passes)));
  }

  #send(): void {
    const { random } = this;
    const isIdempotent = random.chance(0.4);
    if (this.#sent.filter((sent) => !sent.isAcknowledged && sent.isIdempotent).length >= 5) return;
    const key = `${isIdempotent ? 'p' : 'k'}${random.below(KEYS)}`;
    const value = random.chance(0.25) ? null : `${this.#count++}${'x'.repeat(random.pick([0, 20, 300]))}`;
    const records = [
      {
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestamp: Timestamp(this.clock.now()),
      },
    ];
    const idempotence = isIdempotent ? { producerId: 1n, producerEpoch: 0, baseSequence: this.#sequence++ } : {};
    const compression = random.pick(['none', 'none', 'gzip'] as const);
    const bytes = buildBatch({ records, compression, ...idempotence });
    const sent: Sent = { key, value, bytes, isIdempotent, isAcknowledged: false };
    this.#sent.push(sent);
    this.#append(sent);
  }

  #append(sent: Sent): void {
    const outcome = this.#log.append(Buffer.from(sent.bytes), LeaderEpoch(this.#epoch));
    if (this.#own.isOff) throw new Error('the power is gone');
    if (outcome.error !== ErrorCode.NONE) throw new Violation(`${told(sent)}: refused, ${outcome.message}`);
    const { baseOffset, duplicate } = outcome;
    sent.offset = baseOffset;
    const tried = this.#tried.get(baseOffset) ?? new Set();
    this.#tried.set(baseOffset, tried.add(told(sent)));
    if (sent.value === null) this.tombstones.add(baseOffset);
    const before = this.#known.get(baseOffset);
    hold(duplicate || before === undefined, () => `offset ${baseOffset} is given out again, it was ${short(before)}`);
    this.#watch(
      this.#log.sync().then(() => {
        sent.isAcknowledged = true;
        this.#learn(baseOffset, told(sent));
      }),
    );
  }

  #watch(promise: Promise<void>): void {
    const own = this.#own;
    promise.catch((failure) => {
      if (!own.isOff || failure instanceof Violation) this.#violation ??= failure;
    });
  }

  #learn(offset: number, what: string): void {
    const before = this.#known.get(offset);
    hold(before === undefined || before === what, () => `${offset} was ${short(before)}, is ${short(what)}`);
    this.#known.set(offset, what);
  }

  /** Reads everything as a consumer does, and compares it with the acknowledged values. */
  #check(): void {
    const found = this.#readAll();
    for (const [offset, record] of found) {
      const what = told(record);
      hold(this.#tried.get(offset)?.has(what) ?? false, () => `${short(what)} at ${offset}: nobody wrote it there`);
      this.#learn(offset, what);
    }
    hold(
      this.#log.logEndOffset > Math.max(-1, ...this.#known.keys()),
      () => `the log ends at ${this.#log.logEndOffset}, known are ${Math.max(...this.#known.keys())}`,
    );
    for (const key of new Set(this.#sent.map((sent) => sent.key))) this.#checkKey(key, found);
  }

  #checkKey(key: string, found: ReadonlyMap<number, { key: string; value: string | null }>): void {
    const ours = this.#sent.filter((sent) => sent.key === key);
    const last = ours.findLast(({ isAcknowledged }) => isAcknowledged);
    if (last === undefined) return;
    const isMaybe = (sent: Sent) => sent === last || ours.indexOf(sent) > ours.indexOf(last);
    const [offset] = [...found].findLast(([, record]) => record.key === key) ?? [];
    if (offset === undefined)
      return hold(
        ours.some((sent) => isMaybe(sent) && sent.value === null),
        () => `${short(told(last))} at ${last.offset} was acknowledged and is gone`,
      );
    hold(
      offset >= (last.offset as number),
      () => `${short(told(last))} at ${last.offset} was acknowledged, but the last of its key is at ${offset}`,
    );
  }

  #readAll(): Map<number, { key: string; value: string | null }> {
    const found = new Map<number, { key: string; value: string | null }>();
    const upTo = this.#log.flushedOffset;
    let at = this.#log.logStartOffset;
    while (at < upTo) {
      const read = this.#log.read(at, everything(upTo));
      if (read.error !== ErrorCode.NONE) throw new Violation(`read at ${at}: ${read.message}`);
      let end = at;
      for (const batch of batchesOf(read.records)) {
        hold(batch.nextOffset > end, () => `batch ${batch.baseOffset} to ${batch.lastOffset} after ${end}`);
        end = batch.nextOffset;
        for (const { offset, key, value } of batch.records())
          if (offset >= at) found.set(offset, { key: String(key), value: value === null ? null : String(value) });
      }
      hold(end > at, () => `nothing at ${at}, expected batches up to ${upTo}`);
      at = end;
    }
    return found;
  }
}

type End = 'kill' | { cutAfterSteps: number };

/** Several lives; the last one ends with a clean stop. */
async function run(world: World, lives: readonly End[], lie?: (path: string) => boolean): Promise<void> {
  for (const end of lives) {
    const { disk } = world;
    if (lie) disk.syncIsALie = lie;
    if (typeof end === 'object') {
      const last = disk.steps + end.cutAfterSteps;
      disk.onStep = ({ number }) => {
        if (number === last) world.crash('power cut');
      };
    }
    try {
      await world.start();
      await world.live();
    } catch (failure) {
      if (failure instanceof Violation || !disk.isOff) throw failure;
    }
    if (!disk.isOff) world.crash(typeof end === 'object' ? 'power cut' : 'kill');
  }
  if (lie) world.disk.syncIsALie = lie;
  await world.start();
  await world.finish();
}

async function runSeed(seed: number, lie?: (path: string) => boolean): Promise<World> {
  const world = new World(seed);
  current = world;
  const random = new SimRandom(seed ^ 0xc1ea);
  const lives = Array.from(
    { length: 2 + random.below(3) },
    (): End => (random.chance(0.15) ? 'kill' : { cutAfterSteps: 1 + random.below(260) }),
  );
  try {
    await run(world, lives, lie);
    return world;
  } catch (failure) {
    const Kind = failure instanceof Violation ? Violation : Error;
    throw new Kind(`seed ${seed}: ${String(failure)}`, { cause: failure });
  }
}

/** For planted bugs, which have no other access to it. */
let current: World;

test(`${SEEDS} seeds of several lives each: no last value is lost, no deleted key comes back`, async () => {
  let passes = 0;
  for (let seed = 1; seed <= SEEDS; seed++) passes += (await runSeed(seed)).passes;
  expect(passes).toBeGreaterThan(SEEDS);
});

test('a power cut at each step of a life with cleaning in it, and of the recovery after it', async () => {
  for (let step = 1; step <= 200; step++) await run(new World(3), [{ cutAfterSteps: step }]);
  for (let step = 1; step <= 60; step++)
    await run(new World(4), [{ cutAfterSteps: 190 }, { cutAfterSteps: step }, { cutAfterSteps: step }]);
});

/** The number of seeds until a failure. Any failure counts: without the bug there is none. */
async function seedsToFind(what: string, lie?: (path: string) => boolean): Promise<number> {
  for (let seed = 1; seed <= SEEDS; seed++)
    try {
      await runSeed(seed, lie);
    } catch (failure) {
      console.info(`${what} was found after ${seed} seeds: ${String(failure)}`);
      return seed;
    }
  throw new Error(`${what} was not found in ${SEEDS} seeds`);
}

describe('a planted bug is found:', () => {
  const undo: (() => void)[] = [];
  afterEach(() => {
    for (const restore of undo.splice(0)) restore();
  });
  /** Replaces the method; `original` is unbound. */
  function plant<T extends object, K extends keyof T>(prototype: T, name: K, make: (original: T[K]) => T[K]): void {
    const original = prototype[name];
    prototype[name] = make(original);
    undo.push(() => {
      prototype[name] = original;
    });
  }

  test('a cleaned segment replaces its sources without a sync', async () => {
    await seedsToFind('a skipped sync of a cleaned segment', (path) => path.includes('.cleaned'));
  });

  test('the active segment is cleaned', async () => {
    const written: Segment[] = [];
    plant(
      Segment.prototype,
      'append',
      (original) =>
        function (this: Segment, ...args) {
          if (!this.path.endsWith('.cleaned')) written.push(this);
          original.apply(this, args);
        },
    );
    plant(
      Log.prototype,
      'cleanable',
      (original) =>
        function (this: Log, ...args) {
          return { ...original.apply(this, args), firstUncleanableOffset: this.logEndOffset };
        },
    );
    plant(
      Log.prototype,
      'segmentsBelow',
      (original) =>
        function (this: Log, offset) {
          const below = original.call(this, offset);
          const active = written.at(-1);
          return active === undefined || below.includes(active) ? below : [...below, active];
        },
    );
    plant(Log.prototype, 'hasSegments', () => () => true);
    await seedsToFind('cleaning the active segment');
  });

  test('a live key is dropped', async () => {
    plant(
      KeyOffsets.prototype,
      'get',
      (original) =>
        function (this: KeyOffsets, key) {
          const offset = original.call(this, key);
          return offset % 50 === 49 ? offset + 1 : offset;
        },
    );
    await seedsToFind('dropping a live key');
  });

  test('a deleted key returns, because its tombstone was not taken for the last record of its key', async () => {
    plant(
      KeyOffsets.prototype,
      'put',
      (original) =>
        function (this: KeyOffsets, key, offset) {
          return current.tombstones.has(offset) || original.call(this, key, offset);
        },
    );
    await seedsToFind('reviving a deleted key');
  });
});
