// A flipped bit or a missing end, at any position of any file of the data folder, is found at the start or at the read.
// Indexes and snapshots are rebuilt, a batch that is not as it was written is never served, and all others are.
//
// Two kinds cannot be found, because no checksum covers them and nothing contradicts them (docs/INVARIANTS.md): a log
// start that became another possible one, and the leader epoch of a log's very last batch after a kill.
import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import { SimDisk, SimRandom } from '@milepost/simulator';
import type { LogDirectory } from './log-directory.ts';
import type { Log } from './log.ts';
import { LogDirectoryRefused } from './meta-properties.ts';
import {
  appendAll,
  batchOf,
  cut,
  damaged,
  type Files,
  flipped,
  listeningLogger,
  numbered,
  openLog,
  putFiles,
  readAll,
  START_MS,
  tinySegments,
  TOPIC_ID,
} from './testing.ts';

const LIMIT_MS = 180_000;
const BATCHES = 36;
const DELETED_BELOW = Offset(3);
const PRODUCER = { producerId: 7n, producerEpoch: 0 };
const POSITIONS_PER_FILE = 40;
const EPOCH_AT = 12;
const EPOCH_ENDS = 16;
const BYSTANDER = numbered(10);

type Stop = 'clean stop' | 'kill';
interface Left {
  readonly files: Files;
  /** The stored batches, by base offset. */
  readonly batches: ReadonlyMap<number, Buffer>;
}

/** Several segments, three epochs, a producer, a deleted beginning; and another partition that stays undamaged. */
async function left(how: Stop): Promise<Left> {
  const disk = new SimDisk(1);
  const { directory, log } = await openLog(disk, { config: tinySegments() });
  const beside = await directory.create('u', TOPIC_ID, 0, tinySegments());
  appendAll(beside, BYSTANDER);
  for (let n = 0; n < BATCHES; n++) {
    const epoch = LeaderEpoch(n < 10 ? 1 : n < 25 ? 2 : 5);
    const value = { value: `v${n}`.repeat(8), timestamp: START_MS + n * 1_000 };
    const batch = batchOf([value, value], { ...PRODUCER, baseSequence: n * 2 });
    expect(log.append(batch, epoch).error).toBe(ErrorCode.NONE);
  }
  await beside.sync();
  await log.sync();
  await log.deleteRecordsBefore(DELETED_BELOW);
  const { records } = log.read(DELETED_BELOW, { maxBytes: 2 ** 20, upTo: log.logEndOffset, atLeastOneBatch: true }) as {
    records: Buffer;
  };
  const batches = new Map<number, Buffer>();
  for (let at = DELETED_BELOW as number; at < log.logEndOffset; ) {
    const read = log.read(Offset(at), { maxBytes: 1, upTo: log.logEndOffset, atLeastOneBatch: true });
    if (read.error !== ErrorCode.NONE) throw new Error(read.message);
    const [batch] = [...batchesOf(read.records)];
    batches.set(batch?.baseOffset ?? -1, Buffer.from(read.records));
    at = batch?.nextOffset ?? Number.POSITIVE_INFINITY;
  }
  expect(records.length).toBeGreaterThan(0);
  expect(batches.size).toBeGreaterThan(BATCHES - 3);
  if (how === 'clean stop') await directory.close();
  const files = new Map([...disk.files()].map(([path, bytes]) => [path, Buffer.from(bytes)]));
  return { files, batches };
}

interface Outcome {
  readonly said: string;
  /** Base offsets of batches that were not served. */
  readonly missing: number[];
  readonly log: Log;
  readonly directory: LogDirectory;
}

/** Opens the folder; every served batch is as it was written, and the other partition is whole. */
async function opened({ files, batches }: Left): Promise<Outcome | LogDirectoryRefused> {
  const logger = listeningLogger();
  const disk = new SimDisk(2);
  putFiles(disk, files);
  const found = await openLog(disk, { config: tinySegments(), logger, topicId: TOPIC_ID }).catch(
    (failure: unknown) => failure,
  );
  if (found instanceof LogDirectoryRefused) return found;
  if (found instanceof Error) throw found;
  const { directory, log } = found as Awaited<ReturnType<typeof openLog>>;
  const beside = directory.get('u', 0) as Log;
  expect(beside.logEndOffset).toBe(BYSTANDER.length);
  if (beside.logStartOffset === 0) expect(readAll(beside)).toEqual(BYSTANDER);

  const missing: number[] = [];
  for (const [baseOffset, bytes] of batches) {
    const from = Offset(Math.max(baseOffset, DELETED_BELOW));
    const read = log.read(from, { maxBytes: 1, upTo: log.logEndOffset, atLeastOneBatch: true });
    const served = read.error === ErrorCode.NONE ? read.records : undefined;
    if (served === undefined || served.length === 0) missing.push(baseOffset);
    else if (!served.equals(bytes) && !isLastEpoch(baseOffset, served, bytes)) {
      const [first] = [...batchesOf(served)];
      if (first === undefined || !batches.get(first.baseOffset)?.equals(served))
        throw new Error(`at ${from} a batch was served that was never written`);
      missing.push(baseOffset); // the next existing batch
    }
  }
  const { info: _, ...said } = logger.said;
  return { said: [...said.warn, ...said.error].join('\n'), missing, log, directory };
}

const isLastEpoch = (baseOffset: number, served: Buffer, written: Buffer): boolean =>
  baseOffset === (BATCHES - 1) * 2 &&
  served.subarray(0, EPOCH_AT).equals(written.subarray(0, EPOCH_AT)) &&
  served.subarray(EPOCH_ENDS).equals(written.subarray(EPOCH_ENDS));

const filesOf = ({ files }: Left, kind: RegExp): string[] => [...files.keys()].filter((path) => kind.test(path));
const LOGS = /\/t-0\/\d+\.log$/;
const DERIVED = /\/t-0\/\d+\.(index|timeindex|snapshot)$/;
const CHECKPOINTS = /(-checkpoint|partition\.metadata|\.kafka_cleanshutdown)$/;

/** The log has the same length, times, epochs and producer as before. */
function isAsBefore({ log, missing }: Outcome): void {
  expect(missing).toEqual([]);
  expect(log.logStartOffset).toBe(DELETED_BELOW);
  expect(log.logEndOffset).toBe(BATCHES * 2);
  for (let n = 2; n < BATCHES; n++)
    expect(log.offsetForTimestamp(START_MS + n * 1_000, log.logEndOffset)?.offset).toBe(Math.max(3, n * 2));
  expect(log.endOffsetForEpoch(LeaderEpoch(1))?.endOffset).toBe(20);
  expect(log.endOffsetForEpoch(LeaderEpoch(2))?.endOffset).toBe(50);
  const again = { value: `v${BATCHES - 1}`.repeat(8), timestamp: START_MS + (BATCHES - 1) * 1_000 };
  const repeated = batchOf([again, again], { ...PRODUCER, baseSequence: (BATCHES - 1) * 2 });
  expect(log.append(repeated, LeaderEpoch(5))).toMatchObject({ duplicate: true, baseOffset: (BATCHES - 1) * 2 });
}

describe.each<Stop>(['clean stop', 'kill'])('after a %s', (how) => {
  let before: Left;
  const random = new SimRandom(how === 'kill' ? 3 : 4);
  beforeAll(async () => {
    before = await left(how);
  }, LIMIT_MS);
  const places = (path: string): number[] => {
    const size = (before.files.get(path) as Buffer).length;
    return size === 0 ? [] : Array.from({ length: POSITIONS_PER_FILE }, () => random.below(size * 8));
  };

  test(
    'an undamaged folder is unchanged',
    async () => {
      isAsBefore((await opened(before)) as Outcome);
    },
    LIMIT_MS,
  );

  test(
    'a flipped bit in a batch: that batch is named and refused, all others are served',
    async () => {
      for (const path of filesOf(before, LOGS))
        for (const bit of places(path)) {
          const outcome = (await opened({ ...before, files: flipped(before.files, path, bit) })) as Outcome;
          expect([path, bit, outcome.missing.length]).toEqual([path, bit, Math.min(1, outcome.missing.length)]);
          if (outcome.missing.length > 0) expect(outcome.said).toMatch(/batch at \d+ of /);
        }
    },
    LIMIT_MS,
  );

  test(
    'a segment that ends early: the loss is logged, and the rest is served',
    async () => {
      for (const path of filesOf(before, LOGS)) {
        const bytes = before.files.get(path) as Buffer;
        const ends = [...batchesOf(bytes)].map(({ position }) => position);
        for (const sizeBytes of [...ends, ...places(path).map((bit) => bit >> 3)].slice(0, 30)) {
          const outcome = (await opened({ ...before, files: cut(before.files, path, sizeBytes) })) as Outcome;
          const base = Number(/(\d+)\.log$/.exec(path)?.[1]);
          expect(outcome.missing.every((offset) => offset >= base)).toBe(true);
          if (outcome.missing.length > 0) expect([path, sizeBytes, outcome.said]).not.toEqual([path, sizeBytes, '']);
        }
      }
    },
    LIMIT_MS,
  );

  test(
    'an index or a snapshot, wherever it is damaged or cut, is rebuilt',
    async () => {
      for (const path of filesOf(before, DERIVED))
        for (const [, files] of damaged(before.files, path, places(path).slice(0, 10)))
          isAsBefore((await opened({ ...before, files })) as Outcome);
    },
    LIMIT_MS,
  );

  test(
    'a checkpoint, the marker or the metadata of a partition: nothing wrong is served, and nothing is lost',
    async () => {
      for (const path of filesOf(before, CHECKPOINTS))
        for (const [what, files] of damaged(before.files, path, places(path))) {
          const outcome = (await opened({ ...before, files })) as Outcome;
          expect([what, outcome.log.logEndOffset]).toEqual([what, BATCHES * 2]);
          if (!path.includes('log-start')) expect([what, outcome.missing]).toEqual([what, []]);
        }
    },
    LIMIT_MS,
  );

  test(
    'meta.properties: the folder is used as it was, or refused',
    async () => {
      const path = '/data/meta.properties';
      for (const [, files] of damaged(before.files, path, places(path))) {
        const outcome = await opened({ ...before, files });
        if (outcome instanceof LogDirectoryRefused) expect(outcome.message).toMatch(/data folder|cluster\.id/);
        else isAsBefore(outcome);
      }
    },
    LIMIT_MS,
  );
});
