// A flipped bit or a missing end in the files that cleaning writes: the cleaner's checkpoint, and the files of a
// cleaned segment that is being swapped in, as a stop at any moment leaves them. Only records that were written are
// ever served. While the sources of the new segment still exist, the last value of no key is lost.
import { ErrorCode, LeaderEpoch, type Offset } from '@milepost/core';
import { batchesOf } from '@milepost/records';
import { SimClock, SimDisk, SimRandom } from '@milepost/simulator';
import { type Log, LogCleaner, type LogDirectory, logConfigOf } from './index.ts';
import {
  batchOf,
  damaged,
  everything,
  type Files,
  listeningLogger,
  openLog,
  putFiles,
  testHost,
  TOPIC_ID,
} from './testing.ts';

const LIMIT_MS = 120_000;
const RECORDS = 120;
const KEYS = 7;
const PLACES_PER_FILE = 30;
const PLACES_OF_BATCHES = 250;
const CHECKPOINT = '/data/cleaner-offset-checkpoint';
const CONFIG = logConfigOf({
  'cleanup.policy': 'compact',
  'segment.bytes': '1024',
  'index.interval.bytes': '100',
  'min.cleanable.dirty.ratio': '0.01',
});

const keyOf = (n: number): string => `k${n % KEYS}`;
const valueOf = (n: number): string => `${n}:`.padEnd(40, 'x');
/** The last record of every key, by its offset: all keys are among the last records. */
const LAST = new Map(Array.from({ length: KEYS }, (_, n) => RECORDS - KEYS + n).map((n) => [keyOf(n), n]));

class Node {
  readonly clock = new SimClock();
  readonly logger = listeningLogger();
  readonly disk: SimDisk;
  directory!: LogDirectory;
  log!: Log;

  constructor(files: Files = new Map()) {
    this.disk = new SimDisk(1, { clock: this.clock });
    putFiles(this.disk, files);
  }

  async open(): Promise<this> {
    const { clock, disk, logger } = this;
    const opening = { clock, logger, config: CONFIG, topicId: TOPIC_ID };
    Object.assign(this, await clock.settle(openLog(disk, opening)));
    return this;
  }

  clean(): Promise<number> {
    const { clock, disk, logger } = this;
    const settings = { isEnabled: true, backoffMs: 15_000, mapBytes: 24_000, mapLoadFactor: 0.9, bytesPerSecond: 1e9 };
    const cleaner = new LogCleaner({
      host: testHost(disk, { clock, logger }),
      logs: () => this.directory.logs(),
      settings: () => settings,
      lastStableOffsetOf: (log) => log.flushedOffset,
    });
    return clock.settle(cleaner.round());
  }

  /** The served records, by offset; each is as it was written. */
  serve(): Map<number, string> {
    const served = new Map<number, string>();
    const upTo = this.log.logEndOffset;
    for (let at = this.log.logStartOffset; at < upTo; ) {
      const read = this.log.read(at, everything(upTo));
      if (read.error !== ErrorCode.NONE) {
        at = (at + 1) as Offset; // refused to readers, which continue after it
        continue;
      }
      const batches = [...batchesOf(read.records)];
      for (const batch of batches)
        for (const { offset, key, value } of batch.records()) {
          expect([offset, String(key), String(value)]).toEqual([offset, keyOf(offset), valueOf(offset)]);
          served.set(offset, String(key));
        }
      at = batches.at(-1)?.nextOffset ?? upTo;
    }
    return served;
  }
}

async function filled(): Promise<Node> {
  const node = await new Node().open();
  for (let n = 0; n < RECORDS; n++) {
    const batch = batchOf([{ key: keyOf(n), value: valueOf(n) }]);
    expect(node.log.append(batch, LeaderEpoch(0)).error).toBe(ErrorCode.NONE);
  }
  await node.clock.settle(node.directory.close()); // from here on the recovery point is known
  return node.open();
}

/** The states of the folder during cleaning: each set of files once, with their content. */
async function moments(): Promise<Files[]> {
  const node = await filled();
  const seen = new Map<string, Files>();
  node.disk.onStep = () => {
    const files = node.disk.files();
    const half = [...files.keys()].filter((path) => /\.(cleaned|swap)$/.test(path));
    const bases = half.map((path) => path.replace(/\.\w+\.(cleaned|swap)$/, '.log'));
    const mixture = `${half.map((path) => path.replace(/^.*\d\./, '')).join()} ${bases.every((path) => files.has(path))}`;
    if (half.length > 0) seen.set(mixture, new Map([...files].map(([path, bytes]) => [path, Buffer.from(bytes)])));
  };
  expect(await node.clean()).toBe(1);
  return [...seen.values()];
}

function placesIn(files: Files, path: string, random: SimRandom): number[] {
  const { length } = files.get(path) as Buffer;
  const count = path.endsWith('.log.swap') ? PLACES_OF_BATCHES : PLACES_PER_FILE;
  return length === 0 ? [] : Array.from({ length: count }, () => random.below(length * 8));
}

const lastOffsets = (served: ReadonlyMap<number, string>): Map<string, number> =>
  new Map([...served].map(([offset, key]) => [key, offset]));

test(
  'the checkpoint of the cleaner: at worst the log is cleaned again, and nothing is lost',
  async () => {
    const node = await filled();
    expect(await node.clean()).toBe(1);
    const cleaned = node.serve();
    expect(cleaned.size).toBeLessThan(RECORDS);
    await node.clock.settle(node.directory.close());
    const files = node.disk.files();
    expect([...files.keys()]).toContain(CHECKPOINT);
    for (const [what, damage] of damaged(files, CHECKPOINT, placesIn(files, CHECKPOINT, new SimRandom(1)))) {
      const again = await new Node(damage).open();
      expect([what, again.serve()]).toEqual([what, cleaned]);
      expect([what, again.log.cleanedUpTo <= again.log.logEndOffset]).toEqual([what, true]);
      await again.clean();
      expect([what, lastOffsets(again.serve())]).toEqual([what, LAST]);
    }
  },
  LIMIT_MS,
);

test(
  'a cleaned segment that is being swapped in: only written records are served, and existing sources suffice',
  async () => {
    const random = new SimRandom(2);
    const kinds = new Set<string>();
    for (const files of await moments()) {
      const paths = [...files.keys()].filter((path) => /\.(cleaned|swap)$/.test(path));
      const swap = paths.find((path) => path.endsWith('.log.swap'));
      const isEnough = swap === undefined || files.has(swap.slice(0, -'.swap'.length));
      for (const path of paths)
        for (const [what, damage] of damaged(files, path, placesIn(files, path, random))) {
          kinds.add(/\.(\w+\.\w+)$/.exec(path)?.[1] ?? '');
          const again = await new Node(damage).open();
          const last = lastOffsets(again.serve());
          const wanted = isEnough || !path.endsWith('.log.swap') ? LAST : last;
          expect([what, last]).toEqual([what, wanted]);
          expect([what, again.log.logEndOffset]).toEqual([what, RECORDS]);
        }
    }
    expect([...kinds].toSorted()).toEqual(
      ['index.cleaned', 'index.swap', 'log.cleaned', 'log.swap', 'timeindex.cleaned', 'timeindex.swap'].toSorted(),
    );
  },
  LIMIT_MS,
);
