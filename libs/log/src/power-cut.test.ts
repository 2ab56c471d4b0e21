// The promise, tested: nothing acknowledged is lost, changed or reordered, no offset that a reader has seen is given to
// another record, and a producer's duplicates are still recognized. The disk loses whatever was not synced. The power
// is cut (or the program killed) at every step of a workload and at random steps of a thousand others, over several
// lives.
import { type BrokerId, ErrorCode, invariant, LeaderEpoch, Offset, Timestamp, Uuid } from '@milepost/core';
import { SimClock, SimDisk, SimRandom } from '@milepost/simulator';
import { type Log, LogDirectory } from './index.ts';
import { batchOf, everything, START_MS, recordsIn, testHost, tinySegments } from './testing.ts';

const TOPIC_ID = Uuid('11111111-2222-4333-8444-555555555555');
const IDENTITY = { clusterId: 'cluster', brokerId: 1 as BrokerId };
const FOLDER = '/data';
const ACTIONS = 40;
const SEEDS = 1_000;

/** A broken promise. */
class Violation extends Error {}
function hold(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new Violation(message());
}

interface Sent {
  readonly bytes: Buffer;
  readonly values: readonly string[];
  /** The acknowledged offset. */
  offset?: Offset;
  acknowledged: boolean;
}

/**
 * Sends in order, at most five requests in flight, and resends everything unacknowledged after a crash: as clients do.
 */
class Producer {
  readonly name: string;
  readonly #id: bigint | undefined;
  readonly #sent: Sent[] = [];
  #sequence = 0;

  constructor(name: string, id: bigint | undefined) {
    this.name = name;
    this.#id = id;
  }

  get isIdempotent(): boolean {
    return this.#id !== undefined;
  }
  get unanswered(): Sent[] {
    return this.#sent.filter((sent) => !sent.acknowledged);
  }
  /** Idempotent producers may repeat any of their last five batches. */
  get repeatable(): Sent[] {
    return this.isIdempotent ? this.#sent.slice(-5) : [];
  }
  get sent(): readonly Sent[] {
    return this.#sent;
  }

  next(random: SimRandom): Sent {
    const isBig = random.chance(0.1);
    const count = isBig ? 1 : 1 + random.below(3);
    const padding = isBig ? 5_000 : random.below(150);
    const values = Array.from(
      { length: count },
      (_, n) => `${this.name}:${this.#sent.length}.${n}:${'x'.repeat(padding)}`,
    );
    const timestamp = Timestamp(START_MS - random.below(10_000));
    const idempotence =
      this.#id === undefined ? {} : { producerId: this.#id, producerEpoch: 0, baseSequence: this.#sequence };
    const bytes = batchOf(
      values.map((value) => ({ value, timestamp })),
      idempotence,
    );
    this.#sequence += count;
    const sent = { bytes, values, acknowledged: false };
    this.#sent.push(sent);
    return sent;
  }

  /** The unacknowledged batches of a plain producer may be anywhere or nowhere. */
  forgetUnanswered(): void {
    if (!this.isIdempotent) this.#sent.splice(0, Infinity, ...this.#sent.filter((sent) => sent.acknowledged));
  }
}

/** One log over several lives of its disk, with all that was returned to clients. */
class World {
  readonly random: SimRandom;
  readonly clock = new SimClock();
  readonly producers: Producer[];
  disk: SimDisk;
  directory!: LogDirectory;
  log!: Log;
  /** The disk of this life; `disk` belongs to the next one once the power was cut. */
  #own: SimDisk;
  #violation: unknown;
  #epoch = 0;
  /** The record at each offset that was acknowledged, or read below the flushed offset. */
  readonly #known = new Map<number, string>();
  /** Requested deletions may have happened up to here; confirmed ones have. */
  #allowedStart = 0;
  #confirmedStart = 0;
  #writes: Promise<void>[] = [];

  constructor(seed: number) {
    this.random = new SimRandom(seed);
    this.disk = new SimDisk(this.random.fork(), { clock: this.clock });
    this.#own = this.disk;
    this.producers = [new Producer('a', 1n), new Producer('b', 2n), new Producer('plain', undefined)];
  }

  get isOff(): boolean {
    return this.#own.isOff;
  }

  /** Starts, and checks the log against the promises. */
  async start(): Promise<void> {
    this.#own = this.disk;
    const retention = this.random.pick(['-1', '-1', '3000']);
    const config = tinySegments({ 'segment.bytes': '6000', 'retention.bytes': retention, 'retention.ms': '-1' });
    const opening = LogDirectory.open(testHost(this.disk, { clock: this.clock }), FOLDER, IDENTITY, {
      flush: 'always',
      configOf: () => config,
    });
    this.directory = await this.#alive(opening);
    const existing = this.directory.get('t', 0);
    hold(existing !== undefined || this.#known.size === 0, () => 'the log is gone');
    this.log = existing ?? (await this.#alive(this.directory.create('t', TOPIC_ID, 0, config)));
    if (this.log.lostTail) this.#epoch++;
    this.#checkStart();
    await this.#retry();
  }

  async live(): Promise<void> {
    for (let n = 0; n < ACTIONS && !this.isOff; n++) {
      await this.#act();
      if (this.#violation) throw this.#violation;
    }
  }

  /** A clean stop of the program. */
  async close(): Promise<void> {
    await this.#alive(Promise.all(this.#writes));
    if (this.#violation) throw this.#violation;
    await this.#alive(this.directory.close());
  }

  /** The end of a life: the seed decides what follows. */
  crash(how: 'power cut' | 'kill'): void {
    if (this.log) this.#allowedStart = Math.max(this.#allowedStart, this.log.logStartOffset);
    this.disk = how === 'kill' ? this.disk.kill() : this.disk.powerCut();
    this.#writes = [];
    for (const producer of this.producers) producer.forgetUnanswered();
  }

  /** Checks all records in the log: each producer's records once and in order. */
  checkAll(): void {
    const seen = this.#readAll(this.log.logEndOffset);
    for (const producer of this.producers.filter((one) => one.isIdempotent)) {
      const mine = seen.map(({ value }) => value).filter((value) => value.startsWith(`${producer.name}:`));
      const expected = producer.sent.flatMap((sent) => sent.values);
      const from = mine.length === 0 ? expected.length : expected.indexOf(mine[0] as string);
      const isSame = mine.every((value, n) => value === expected[from + n]) && from + mine.length <= expected.length;
      hold(
        isSame,
        () => `${producer.name}: [${mine.map(short).join()}], expected [${expected.slice(from).map(short).join()}]`,
      );
    }
    this.#checkTimes(seen);
  }

  checkIndexes(): void {
    const files = this.disk.files();
    for (const [path, bytes] of files) {
      const log = files.get(path.replace(/\.(time)?index$/, '.log'));
      if (!path.endsWith('index') || log === undefined) continue;
      const base = Number(/(\d{20})\./.exec(path)?.[1]);
      const batches = placesIn(log);
      const entryBytes = path.endsWith('.timeindex') ? 12 : 8;
      hold(bytes.length % entryBytes === 0, () => `${path} has ${bytes.length} bytes`);
      for (let at = 0; at < bytes.length; at += entryBytes) {
        const isTime = entryBytes === 12;
        const lastOffset = base + bytes.readInt32BE(isTime ? at + 8 : at);
        const batch = batches.find((one) => one.lastOffset === lastOffset);
        const agrees = isTime
          ? batch?.maxTimestamp === Number(bytes.readBigInt64BE(at))
          : batch?.position === bytes.readInt32BE(at + 4);
        hold(agrees, () => `${path}: the entry at ${at} does not agree with the log`);
      }
    }
  }

  async #act(): Promise<void> {
    const { random, log } = this;
    const roll = random.below(100);
    if (roll < 55) this.#append(random.pick(this.producers));
    else if (roll < 65) this.#repeat(random.pick(this.producers));
    else if (roll < 75) this.#readSome();
    else if (roll < 80) await this.#retention();
    else if (roll < 83) await this.#deleteRecords();
    else if (roll < 84) await this.clock.run(61_000);
    else if (roll < 93) await this.clock.run(random.below(4));
    else await this.#alive(log.sync());
  }

  #append(producer: Producer): void {
    if (producer.unanswered.length >= 5) return;
    this.#send(producer.next(this.random), producer, false);
  }

  #repeat(producer: Producer): void {
    const again = producer.repeatable.find((sent) => sent.offset !== undefined && this.random.chance(0.3));
    if (again !== undefined) this.#send(again, producer, true);
  }

  #send(sent: Sent, producer: Producer, isRepeated: boolean): void {
    const outcome = this.log.append(Buffer.from(sent.bytes), LeaderEpoch(this.#epoch));
    if (this.isOff) throw new Error('the power is gone');
    if (outcome.error !== ErrorCode.NONE) throw new Violation(`${producer.name}: refused, ${outcome.message}`);
    const { baseOffset, duplicate } = outcome;
    hold(!isRepeated || duplicate, () => `${producer.name}: a duplicate was taken for new at ${baseOffset}`);
    hold(!sent.acknowledged || sent.offset === baseOffset, () => `a duplicate got ${baseOffset}, first ${sent.offset}`);
    sent.offset = baseOffset;
    const acknowledge = () => {
      sent.acknowledged = true;
      for (const [n, value] of sent.values.entries()) this.#learn(baseOffset + n, value);
    };
    const own = this.#own;
    const complain = (failure: unknown) => {
      if (!own.isOff || failure instanceof Violation) this.#violation ??= failure;
    };
    this.#writes.push(this.log.sync().then(acknowledge).catch(complain));
  }

  /** Resends the batches without a response before the crash, in order, with their old sequences. */
  async #retry(): Promise<void> {
    for (const producer of this.producers) for (const sent of producer.unanswered) this.#send(sent, producer, false);
  }

  #readSome(): void {
    const { log, random } = this;
    const start = log.logStartOffset;
    if (log.flushedOffset <= start) return;
    const from = Offset(start + random.below(log.flushedOffset - start));
    const options = { maxBytes: random.below(8_000), upTo: log.flushedOffset, atLeastOneBatch: random.chance(0.5) };
    const read = log.read(from, options);
    if (read.error !== ErrorCode.NONE) throw new Violation(`read at ${from}: ${read.message}`);
    const records = recordsIn(read.records);
    hold(read.records.length > 0 || !options.atLeastOneBatch, () => `nothing at ${from}`);
    for (const { offset, value } of records) {
      hold(offset < log.flushedOffset, () => `${offset} was served, flushed is ${log.flushedOffset}`);
      this.#learn(offset, String(value));
    }
  }

  async #retention(): Promise<void> {
    await this.#alive(this.log.applyRetention(this.clock.now()));
    this.#allowedStart = Math.max(this.#allowedStart, this.log.logStartOffset);
  }

  async #deleteRecords(): Promise<void> {
    const { log, random } = this;
    const to = Offset(log.logStartOffset + random.below((log.logEndOffset - log.logStartOffset) / 3 + 1));
    this.#allowedStart = Math.max(this.#allowedStart, to);
    this.#confirmedStart = Math.max(this.#confirmedStart, await this.#alive(log.deleteRecordsBefore(to)));
  }

  #learn(offset: number, value: string): void {
    const before = this.#known.get(offset);
    hold(before === undefined || before === value, () => `${offset} was ${short(before)}, is ${short(value)}`);
    this.#known.set(offset, value);
  }

  #checkStart(): void {
    const { logStartOffset, logEndOffset, flushedOffset } = this.log;
    hold(logStartOffset <= this.#allowedStart, () => `starts at ${logStartOffset}, allowed ${this.#allowedStart}`);
    hold(logStartOffset >= this.#confirmedStart, () => `starts at ${logStartOffset}, was ${this.#confirmedStart}`);
    hold(flushedOffset === logEndOffset, () => `flushed ${flushedOffset} of ${logEndOffset} at the start`);
    const found = new Map(this.#readAll(logEndOffset).map(({ offset, value }) => [offset as number, value]));
    for (const [offset, value] of this.#known)
      if (offset >= logStartOffset)
        hold(found.get(offset) === value, () => `${offset} was ${short(value)}, is ${short(found.get(offset))}`);
  }

  #readAll(upTo: Offset): { offset: Offset; value: string; timestamp: number }[] {
    const { log } = this;
    const all: { offset: Offset; value: string; timestamp: number }[] = [];
    let at = log.logStartOffset;
    while (at < upTo) {
      const read = log.read(at, everything(upTo));
      if (read.error !== ErrorCode.NONE) throw new Violation(`read at ${at}: ${read.message}`);
      const records = recordsIn(read.records).filter((record) => record.offset >= at);
      hold(records.length > 0, () => `nothing at ${at}, expected records up to ${upTo}`);
      for (const { offset, value, timestamp } of records) {
        hold(offset === at, () => `${offset} after ${at - 1}`);
        all.push({ offset, value: String(value), timestamp });
        at = Offset(offset + 1);
      }
    }
    return all;
  }

  #checkTimes(all: readonly { offset: Offset; timestamp: number }[]): void {
    const target = START_MS - this.random.below(10_000);
    const expected = all.find(({ timestamp }) => timestamp >= target)?.offset;
    const found = this.log.offsetForTimestamp(target, this.log.logEndOffset)?.offset;
    hold(found === expected, () => `the first at or after ${target} is ${expected}, found ${found}`);
  }

  /** A promise of this life, with time passing. It never settles once the disk is dead, and neither does this wait. */
  #alive<Value>(promise: Promise<Value>): Promise<Value> {
    return this.clock.settle(promise);
  }
}

const short = (value: string | undefined): string => value?.replace(/:x*$/, '') ?? 'nothing';

function placesIn(log: Buffer): { position: number; lastOffset: number; maxTimestamp: number }[] {
  const places = [];
  for (let position = 0; position + 61 <= log.length; position += 12 + log.readInt32BE(position + 8))
    places.push({
      position,
      lastOffset: Number(log.readBigInt64BE(position)) + log.readInt32BE(position + 23),
      maxTimestamp: Number(log.readBigInt64BE(position + 35)),
    });
  return places;
}

/** Several lives, each ended by a clean stop, a kill or a power cut at the given step of the disk. */
async function run(
  world: World,
  lives: readonly ('close' | 'kill' | { cutAfterSteps: number })[],
  lie?: (path: string) => boolean,
) {
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
      if (end === 'close') {
        await world.close();
        world.checkIndexes();
      }
    } catch (failure) {
      if (failure instanceof Violation || !disk.isOff) throw failure;
    }
    if (!disk.isOff) world.crash(typeof end === 'object' ? 'power cut' : 'kill');
  }
  if (lie) world.disk.syncIsALie = lie;
  await world.start();
  world.checkAll();
  await world.close();
  world.checkIndexes();
}

function randomLives(random: SimRandom): ('close' | 'kill' | { cutAfterSteps: number })[] {
  return Array.from({ length: 2 + random.below(3) }, () => {
    const choice = random.below(10);
    return choice === 0 ? 'close' : choice === 1 ? 'kill' : { cutAfterSteps: 1 + random.below(160) };
  });
}

async function runSeed(seed: number, lie?: (path: string) => boolean): Promise<void> {
  try {
    await run(new World(seed), randomLives(new SimRandom(seed ^ 0x5eed)), lie);
  } catch (failure) {
    const Kind = failure instanceof Violation ? Violation : Error;
    throw new Kind(`seed ${seed}: ${String(failure)}`, { cause: failure });
  }
}

test(`${SEEDS} seeds of several lives each: nothing acknowledged is lost, changed, reordered or duplicated`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) await runSeed(seed);
});

test('a power cut at each step of one life, and at each step of the recovery after it', async () => {
  const whole = new World(7);
  await run(whole, []);
  let cuts = 0;
  for (let step = 1; step <= 220; step += 1) {
    await run(new World(7), [{ cutAfterSteps: step }]);
    cuts++;
  }
  for (let step = 1; step <= 40; step++) {
    await run(new World(8), [{ cutAfterSteps: 150 }, { cutAfterSteps: step }, { cutAfterSteps: step }]);
    cuts++;
  }
  invariant(cuts === 260, 'all of them');
});

test.each([
  ['of a segment', (path: string) => path.endsWith('.log')],
  ["of a partition's folder", (path: string) => path.endsWith('/t-0')],
  ['of the data folder', (path: string) => path === FOLDER],
  ['of the checkpoints', (path: string) => path.endsWith('-checkpoint.tmp')],
])('a skipped sync %s is found by the same checks', async (what, lie) => {
  for (let seed = 1; seed <= SEEDS; seed++)
    try {
      await runSeed(seed, lie);
    } catch (failure) {
      if (!(failure instanceof Violation)) throw failure;
      console.info(`a skipped sync ${what} was found after ${seed} seeds: ${failure.message}`);
      return;
    }
  throw new Error(`a skipped sync ${what} was not found in ${SEEDS} seeds`);
});
