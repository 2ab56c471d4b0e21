import { DiskFailed, ErrorCode, LeaderEpoch, Offset, Timestamp } from '@milepost/core';
import { RecordBatch } from '@milepost/records';
import { SimClock, SimDisk } from '@milepost/simulator';
import { type Log, LogFailed, MAX_TIMESTAMP } from './index.ts';
import {
  appendAll,
  batchOf,
  everything,
  listeningLogger,
  numbered,
  openLog,
  readAll,
  recordsIn,
  START_MS,
  tinySegments,
  valuesIn,
} from './testing.ts';

const EPOCH = LeaderEpoch(0);
const DAY_MS = 86_400_000;
const big = (name: string, sizeBytes: number) => name.padEnd(sizeBytes, '.');

function segmentsOn(disk: SimDisk): number[] {
  return (disk.list('/data/t-0') ?? []).flatMap(({ name }) => (name.endsWith('.log') ? [Number.parseInt(name)] : []));
}

function bytesFrom(
  log: Log,
  from: number,
  maxBytes: number,
  atLeastOneBatch = true,
  upTo = log.logEndOffset,
): string[] {
  const read = log.read(Offset(from), { maxBytes, upTo, atLeastOneBatch });
  if (read.error !== ErrorCode.NONE) throw new Error(read.message);
  return valuesIn(read.records);
}

describe('append', () => {
  test('appended batches are read back verbatim, except for offset and leader epoch', async () => {
    const { log } = await openLog(new SimDisk());
    appendAll(log, ['first']);
    const sent = batchOf(['a', 'b'], { compression: 'zstd' });
    const original = Buffer.from(sent);
    expect(log.append(sent, LeaderEpoch(7))).toEqual({
      error: ErrorCode.NONE,
      baseOffset: 1,
      lastOffset: 2,
      logAppendTimeMs: -1,
      duplicate: false,
    });
    const read = log.read(Offset(1), everything(log.logEndOffset));
    const stored = (read as { records: Buffer }).records;
    const batch = RecordBatch.at(stored, 0) as RecordBatch;
    expect([batch.baseOffset, batch.leaderEpoch, batch.isIntact()]).toEqual([1, 7, true]);
    expect(stored.subarray(16)).toEqual(original.subarray(16));
  });

  test('with LogAppendTime the broker stamps the batch and returns the time', async () => {
    const clock = new SimClock();
    const config = tinySegments({ 'message.timestamp.type': 'LogAppendTime' });
    const { log } = await openLog(new SimDisk(), { config, clock });
    const now = clock.now();
    const idempotence = { producerId: 1n, producerEpoch: 0, baseSequence: 0 };
    expect(log.append(batchOf([{ value: 'v', timestamp: 5 }], idempotence), EPOCH)).toMatchObject({
      logAppendTimeMs: now,
    });
    await clock.run(1000);
    const again = log.append(batchOf([{ value: 'v', timestamp: 5 }], idempotence), EPOCH);
    expect(again).toMatchObject({ duplicate: true, baseOffset: 0, logAppendTimeMs: now });
    const read = log.read(Offset(0), everything(log.logEndOffset)) as { records: Buffer };
    expect(recordsIn(read.records)).toMatchObject([{ timestamp: now }]);
    expect((RecordBatch.at(read.records, 0) as RecordBatch).isIntact()).toBe(true);
  });

  test('a refused batch changes nothing', async () => {
    const { log } = await openLog(new SimDisk());
    appendAll(log, ['a']);
    const broken = batchOf(['b']);
    broken[65] = (broken[65] as number) ^ 1;
    expect(log.append(broken, EPOCH)).toMatchObject({ error: ErrorCode.CORRUPT_MESSAGE });
    expect(log.append(batchOf(['c']), EPOCH)).toMatchObject({ baseOffset: 1 });
    expect(readAll(log)).toEqual(['a', 'c']);
  });

  test('a leader of an older epoch cannot write', async () => {
    const { log } = await openLog(new SimDisk());
    appendAll(log, ['a'], 5);
    expect(log.append(batchOf(['b']), LeaderEpoch(4))).toMatchObject({ error: ErrorCode.NOT_LEADER_OR_FOLLOWER });
  });

  test('a duplicate gets the offset of the original, which may still wait for its sync', async () => {
    const { log } = await openLog(new SimDisk());
    const batches = Array.from(
      { length: 5 },
      (_, n) => () => batchOf([`v${n}`], { producerId: 9n, producerEpoch: 0, baseSequence: n }),
    );
    for (const batch of batches) log.append(batch(), EPOCH);
    expect(log.flushedOffset).toBe(0);
    for (const [n, batch] of batches.entries())
      expect(log.append(batch(), EPOCH)).toMatchObject({ duplicate: true, baseOffset: n, lastOffset: n });
    await log.sync();
    expect(log.flushedOffset).toBe(5);
    expect(readAll(log)).toEqual(numbered(5));
  });
});

describe('segments', () => {
  test('a full segment is followed by one that is named by its first offset', async () => {
    const disk = new SimDisk();
    const { log } = await openLog(disk);
    appendAll(log, [big('a', 400), big('b', 400), big('c', 400), 'd']);
    expect(segmentsOn(disk)).toEqual([0, 2]);
    appendAll(log, [big('e', 700)]);
    expect(segmentsOn(disk)).toEqual([0, 2, 4]);
    expect(readAll(log).map((value) => value[0])).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a batch whose timestamp is segment.ms after the first one’s begins a segment, regardless of the clock', async () => {
    const disk = new SimDisk();
    const { directory, log } = await openLog(disk, { config: tinySegments({ 'segment.ms': '1000' }) });
    const at = (timestamp: number) => log.append(batchOf([{ value: 'v', timestamp }]), EPOCH);
    at(START_MS - 5000);
    at(START_MS - 4000);
    at(START_MS - 9000);
    expect(segmentsOn(disk)).toEqual([0]);
    await directory.close();
    const again = await openLog(disk, { config: tinySegments({ 'segment.ms': '1000' }) });
    again.log.append(batchOf([{ value: 'v', timestamp: START_MS - 3999 }]), EPOCH);
    expect(segmentsOn(disk)).toEqual([0, 3]);
  });

  test('a full index ends a segment', async () => {
    const disk = new SimDisk();
    const config = tinySegments({
      'segment.bytes': '1000000',
      'segment.index.bytes': '36',
      'index.interval.bytes': '0',
    });
    const { log } = await openLog(disk, { config });
    appendAll(log, numbered(8));
    expect(segmentsOn(disk)).toEqual([0, 5]);
  });

  test('a rolled segment is synced before later records count as flushed', async () => {
    const disk = new SimDisk();
    const { log } = await openLog(disk);
    appendAll(log, [big('a', 800), big('b', 800), big('c', 800)]);
    const synced: string[] = [];
    disk.onStep = ({ operation, path }) => {
      if (operation.startsWith('synced')) synced.push(path.replace('/data/', ''));
      if (operation === 'synced' && path.endsWith('2.log')) expect(log.flushedOffset).toBe(0);
    };
    await log.sync();
    const last = '00000000000000000002.log';
    expect(synced).toEqual(
      expect.arrayContaining(['t-0/00000000000000000000.log', 't-0/00000000000000000001.log', 't-0']),
    );
    expect(synced.indexOf(`t-0/${last}`)).toBeGreaterThan(synced.indexOf('t-0/00000000000000000001.log'));
    expect(log.flushedOffset).toBe(3);
  });
});

describe('read', () => {
  const threeBatches = async () => {
    const { log } = await openLog(new SimDisk(), { config: tinySegments({ 'segment.bytes': '100000' }) });
    for (const values of [['a', 'b'], ['c', 'd', 'e'], ['f']]) log.append(batchOf(values), EPOCH);
    return log;
  };

  test('begins with the batch that contains the offset', async () => {
    const log = await threeBatches();
    expect(bytesFrom(log, 3, 10_000)).toEqual(['2:c', '3:d', '4:e', '5:f']);
    expect(bytesFrom(log, 0, 10_000)).toHaveLength(6);
  });

  test('returns whole batches within the size, and the first one in any case if requested', async () => {
    const log = await threeBatches();
    const sizeOfFirst = batchOf(['a', 'b']).length;
    expect(bytesFrom(log, 0, sizeOfFirst)).toEqual(['0:a', '1:b']);
    expect(bytesFrom(log, 0, sizeOfFirst - 1)).toEqual(['0:a', '1:b']);
    expect(bytesFrom(log, 0, sizeOfFirst - 1, false)).toEqual([]);
    expect(bytesFrom(log, 2, 0)).toEqual(['2:c', '3:d', '4:e']);
  });

  test('never reaches the bound', async () => {
    const log = await threeBatches();
    expect(bytesFrom(log, 0, 10_000, true, Offset(5))).toEqual(['0:a', '1:b', '2:c', '3:d', '4:e']);
    expect(bytesFrom(log, 0, 10_000, true, Offset(4))).toEqual(['0:a', '1:b']);
    expect(bytesFrom(log, 2, 10_000, true, Offset(2))).toEqual([]);
    expect(bytesFrom(log, 2, 10_000, true, Offset(3))).toEqual([]);
  });

  test('at the end is empty, beyond it or before the start out of range', async () => {
    const log = await threeBatches();
    expect(bytesFrom(log, 6, 10_000)).toEqual([]);
    expect(log.read(Offset(7), everything(Offset(7)))).toMatchObject({ error: ErrorCode.OFFSET_OUT_OF_RANGE });
    await log.deleteRecordsBefore(Offset(2));
    expect(log.read(Offset(1), everything(Offset(6)))).toMatchObject({ error: ErrorCode.OFFSET_OUT_OF_RANGE });
    expect(bytesFrom(log, 2, 10_000)).toHaveLength(4);
  });

  test('any offset, any size, over many segments: the same records', async () => {
    const { log } = await openLog(new SimDisk());
    appendAll(log, numbered(300));
    for (let from = 0; from < 300; from += 7)
      for (const maxBytes of [1, 200, 5000]) {
        const found = bytesFrom(log, from, maxBytes);
        expect(found).toEqual(found.map((_, n) => `${from + n}:v${from + n}`));
        expect(found.length).toBeGreaterThan(0);
      }
  });
});

describe('sync', () => {
  test('many callers share a sync', async () => {
    const disk = new SimDisk();
    const { log } = await openLog(disk, { config: tinySegments({ 'segment.bytes': '100000' }) });
    let syncs = 0;
    disk.onStep = ({ operation, path }) => {
      if (operation === 'sync' && path.endsWith('.log')) syncs++;
    };
    const waiting = numbered(20).map((value) => {
      appendAll(log, [value]);
      return log.sync();
    });
    await Promise.all(waiting);
    expect(log.flushedOffset).toBe(20);
    expect(syncs).toBe(2);
  });

  test('a failed sync stops the log for good, and is logged once', async () => {
    const disk = new SimDisk();
    const logger = listeningLogger();
    const { log } = await openLog(disk, { logger });
    appendAll(log, ['safe']);
    await log.sync();
    appendAll(log, ['lost']);
    disk.fail = (operation, path) => (operation === 'synced' && path.endsWith('.log') ? 'EIO' : undefined);
    await expect(log.sync()).rejects.toThrow(LogFailed);
    disk.fail = () => undefined;
    await expect(log.sync()).rejects.toThrow('EIO');
    expect(log.append(batchOf(['more']), EPOCH)).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
    expect([log.failed, log.flushedOffset]).toEqual([true, 1]);
    expect(bytesFrom(log, 0, 1000, true, log.flushedOffset)).toEqual(['0:safe']);
    expect(logger.said.error).toHaveLength(1);
    expect(logger.said.error[0]).toContain('all below offset 1 is safe');
  });

  test('a full disk refuses the batch, and the log continues when there is room', async () => {
    const disk = new SimDisk();
    const { directory, log } = await openLog(disk);
    appendAll(log, numbered(5));
    const free = disk.free('/data');
    disk.capacityBytes = free.totalBytes - free.freeBytes + 30;
    expect(log.append(batchOf(['too much']), EPOCH)).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(readAll(log)).toEqual(numbered(5));
    disk.capacityBytes = 2 ** 40;
    appendAll(log, numbered(40, 5));
    await log.sync();
    expect(readAll(log)).toEqual(numbered(45));
    await directory.close();
    expect(readAll((await openLog(disk)).log)).toEqual(numbered(45));
  });

  test.each([10, 30, 60, 100, 150])('a disk with %s bytes left at a roll loses nothing', async (room) => {
    const disk = new SimDisk();
    const { log } = await openLog(disk);
    appendAll(log, [big('a', 900)]);
    const free = disk.free('/data');
    disk.capacityBytes = free.totalBytes - free.freeBytes + room;
    const refused = log.append(batchOf([big('b', 900)]), EPOCH);
    expect(refused).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
    disk.capacityBytes = 2 ** 40;
    appendAll(log, ['c', big('d', 900), 'e']);
    await log.sync();
    expect(readAll(log).map((value) => value[0])).toEqual(['a', 'c', 'd', 'e']);
    expect(readAll((await openLog(disk.powerCut())).log).map((value) => value[0])).toEqual(['a', 'c', 'd', 'e']);
  });
});

test('retention frees space on a disk without a single byte left', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk, {
    config: tinySegments({ 'retention.ms': '1000', 'file.delete.delay.ms': '0' }),
  });
  const old = (value: string) => log.append(batchOf([{ value: big(value, 900), timestamp: START_MS - 5000 }]), EPOCH);
  for (const value of ['a', 'b', 'c']) old(value);
  await log.sync();
  const free = disk.free('/data');
  disk.capacityBytes = free.totalBytes - free.freeBytes;
  expect(old('d')).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
  expect(await log.applyRetention(START_MS)).toBe(2);
  expect([log.failed, log.logStartOffset]).toEqual([false, 2]);
  await new Promise((resolve) => setImmediate(resolve)); // the files are removed off the loop
  expect(old('d')).toMatchObject({ baseOffset: 3 });
  expect(readAll(log).map((value) => value[0])).toEqual(['c', 'd']);
});

test.each(['.snapshot', '.log', '.index', '.timeindex'])(
  'a roll that fails at its %s is completed before anything else is appended',
  async (suffix) => {
    const disk = new SimDisk();
    const { log } = await openLog(disk);
    appendAll(log, [big('a', 700)]);
    disk.fail = (operation, path) => (operation === 'create' && path.endsWith(suffix) ? 'ENOSPC' : undefined);
    expect(log.append(batchOf([big('b', 900)]), EPOCH)).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(log.append(batchOf(['small']), EPOCH)).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
    disk.fail = () => undefined;
    appendAll(log, ['c', big('d', 900), 'e']);
    await log.sync();
    expect(segmentsOn(disk)).toEqual([0, 1, 2, 3]);
    const found = await openLog(disk.powerCut());
    expect(readAll(found.log).map((value) => value[0])).toEqual(['a', 'c', 'd', 'e']);
  },
);

test('half a batch that a failed append left is not the end of a segment that is rolled next', async () => {
  const disk = new SimDisk(4);
  const { log } = await openLog(disk);
  appendAll(log, [big('a', 500)]);
  disk.fail = (operation, path) => (operation === 'append' && path.endsWith('.log') ? 'EIO' : undefined);
  expect(log.append(batchOf([big('b', 200)]), EPOCH)).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
  disk.fail = () => undefined;
  appendAll(log, [big('c', 900)]); // does not fit: the next segment begins with it
  await log.sync();
  expect(segmentsOn(disk)).toEqual([0, 1]);
  const found = await openLog(disk.powerCut());
  expect(readAll(found.log).map((value) => value[0])).toEqual(['a', 'c']);
});

describe('by time', () => {
  const stamped = async (...batches: number[][]) => {
    const { log } = await openLog(new SimDisk());
    for (const timestamps of batches)
      log.append(
        batchOf(
          timestamps.map((ms) => ({ value: big(`${ms}`, 60), timestamp: START_MS + ms })),
          { compression: 'gzip' },
        ),
        EPOCH,
      );
    return log;
  };

  test('the first record in offset order with that time or a later one, though timestamps do not ascend', async () => {
    const log = await stamped([-50, -10, -40], [-90], [-30, -5], [-60, -1]);
    const first = (ms: number, upTo = log.logEndOffset) => log.offsetForTimestamp(START_MS + ms, upTo)?.offset;
    expect([-100, -50, -49, -10, -9, -5, -4, -1].map((ms) => first(ms))).toEqual([0, 0, 1, 1, 5, 5, 7, 7]);
    expect(first(0)).toBeUndefined();
    expect(first(-4, Offset(7))).toBeUndefined();
    expect(first(-9, Offset(6))).toBe(5);
    await log.deleteRecordsBefore(Offset(2));
    expect(first(-50)).toBe(2);
  });

  test('the largest timestamp, with and without unflushed records', async () => {
    const log = await stamped([-50, -10, -40], [-90], [-30, -5], [-60, -1]);
    expect(log.offsetForTimestamp(MAX_TIMESTAMP, log.logEndOffset)).toEqual({
      offset: 7,
      timestamp: START_MS - 1,
      leaderEpoch: 0,
    });
    expect(log.offsetForTimestamp(MAX_TIMESTAMP, Offset(6))).toMatchObject({ offset: 5 });
    expect(log.offsetForTimestamp(MAX_TIMESTAMP, Offset(4))).toMatchObject({ offset: 1, timestamp: START_MS - 10 });
    expect(log.offsetForTimestamp(MAX_TIMESTAMP, Offset(0))).toBeUndefined();
  });

  test('a lookup agrees with a search through everything, over many segments', async () => {
    const times = Array.from({ length: 200 }, (_, n) => [((n * 7919) % 1009) - 2000]);
    const log = await stamped(...times);
    for (let target = -2010; target < -980; target += 13) {
      const expected = times.findIndex(([ms]) => (ms as number) >= target);
      expect(log.offsetForTimestamp(START_MS + target, log.logEndOffset)?.offset ?? -1).toBe(expected);
    }
    expect(log.offsetForTimestamp(Timestamp(0), log.logEndOffset)?.offset).toBe(0);
  });
});

describe('epochs', () => {
  test('each offset has its epoch, after restarts of both kinds as well', async () => {
    let disk = new SimDisk();
    let { directory, log } = await openLog(disk);
    appendAll(log, numbered(10), 1);
    appendAll(log, numbered(10), 4);
    log.beginEpoch(LeaderEpoch(6));
    const check = () => {
      expect([0, 9, 10, 19].map((offset) => log.epochAt(Offset(offset)))).toEqual([1, 1, 4, 4]);
      expect(log.endOffsetForEpoch(LeaderEpoch(1))).toEqual({ epoch: 1, endOffset: 10 });
    };
    check();
    expect(log.endOffsetForEpoch(LeaderEpoch(6))).toEqual({ epoch: 6, endOffset: 20 });
    await directory.close();
    ({ directory, log } = await openLog(disk));
    check();
    disk = disk.kill();
    const file = disk.open('/data/t-0/leader-epoch-checkpoint', 'create');
    file.truncate(0);
    ({ directory, log } = await openLog(disk));
    check();
    expect(log.latestEpoch).toBe(4);
  });
});

describe('retention', () => {
  const aged = async (configs: Record<string, string>) => {
    const disk = new SimDisk();
    const { directory, log } = await openLog(disk, { config: tinySegments(configs) });
    for (let day = 10; day > 0; day--)
      log.append(batchOf([{ value: big(`day ${day}`, 800), timestamp: START_MS - day * DAY_MS }]), EPOCH);
    return { disk, directory, log };
  };

  test('by time deletes the segments whose last record is too old', async () => {
    const { disk, log } = await aged({ 'segment.ms': '99999999999' });
    expect(await log.applyRetention(START_MS)).toBe(3);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([3, 10]);
    expect(segmentsOn(disk)[0]).toBe(3);
    expect(await log.applyRetention(START_MS)).toBe(0);
    expect(readAll(log)[0]).toContain('day 7');
  });

  test('of everything leaves an empty segment that continues the offsets', async () => {
    const { disk, directory, log } = await aged({});
    expect(await log.applyRetention(START_MS + 8 * DAY_MS)).toBe(10);
    expect([log.logStartOffset, log.logEndOffset, log.sizeBytes]).toEqual([10, 10, 0]);
    expect(segmentsOn(disk)).toEqual([10]);
    await directory.close();
    const again = await openLog(disk.powerCut());
    expect([again.log.logStartOffset, again.log.logEndOffset]).toEqual([10, 10]);
    expect(again.log.append(batchOf(['next']), EPOCH)).toMatchObject({ baseOffset: 10 });
  });

  test('by size deletes the oldest beyond the limit', async () => {
    const { log } = await aged({ 'retention.ms': '-1', 'retention.bytes': '3500' });
    expect(await log.applyRetention(START_MS)).toBeGreaterThan(4);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(3500);
    expect(log.sizeBytes).toBeLessThan(3500 + 900);
  });

  test('without `delete` in the cleanup policy nothing expires', async () => {
    const { log } = await aged({ 'cleanup.policy': 'compact', 'retention.bytes': '1000' });
    expect(await log.applyRetention(START_MS)).toBe(0);
  });

  test('the new start is durable before a file is removed', async () => {
    const { disk, log } = await aged({});
    let checkpoint = '';
    disk.onStep = ({ operation, path }) => {
      if (operation === 'rename' && path.endsWith('.log'))
        checkpoint ||= disk.files().get('/data/log-start-offset-checkpoint')?.toString() ?? '';
    };
    await log.applyRetention(START_MS);
    expect(checkpoint).toBe('0\n1\nt 0 3\n');
  });

  test.each<[string, (log: Log) => Promise<unknown>]>([
    ['by retention', (log) => log.applyRetention(START_MS + 8 * DAY_MS)],
    [
      'by DeleteRecords',
      async (log) => {
        appendAll(log, [big('too big for the rest of the segment', 900)]); // a roll, whose sync is running
        await Promise.resolve();
        await log.deleteRecordsBefore(Offset(3));
      },
    ],
  ])('records deleted %s are removed after the snapshot of their producers is durable', async (_, deletes) => {
    const mine = (n: number) => batchOf([`v${n}`], { producerId: 1n, producerEpoch: 0, baseSequence: n });
    let wasCut = true;
    for (let step = 1; wasCut; step++)
      for (let seed = 0; seed < 3; seed++) {
        const clock = new SimClock();
        const disk = new SimDisk(seed, { clock });
        const { log } = await clock.settle(openLog(disk, { clock }));
        for (let n = 0; n < 3; n++) log.append(mine(n), EPOCH);
        await clock.settle(log.sync());
        const last = disk.steps + step;
        let left: SimDisk | undefined;
        disk.onStep = ({ number, operation, path }) => {
          disk.slowness = operation === 'sync' && path.endsWith('.snapshot') ? 100 : 1;
          if (number === last) left = disk.powerCut();
        };
        void deletes(log).catch(() => {}); // never ends on a disk whose power is gone
        await clock.run(1_000);
        wasCut = left !== undefined;
        const { log: found } = await clock.settle(openLog(left ?? disk.powerCut(), { clock }));
        const outcomes = [0, 1, 2].map((n) => found.append(mine(n), EPOCH));
        expect([step, seed, outcomes]).toMatchObject([
          step,
          seed,
          [0, 1, 2].map((baseOffset) => ({ duplicate: true, baseOffset })),
        ]);
      }
  });

  test('records are deleted up to an offset, whole segments from the disk', async () => {
    const disk = new SimDisk();
    const { log } = await openLog(disk);
    appendAll(log, [big('a', 400), big('b', 400), big('c', 400), big('d', 400)]);
    expect(await log.deleteRecordsBefore(Offset(3))).toBe(3);
    expect(log.flushedOffset).toBe(4);
    expect(segmentsOn(disk)).toEqual([2]);
    expect(await log.deleteRecordsBefore(Offset(1))).toBe(3);
    const again = await openLog(disk.powerCut());
    expect(again.log.logStartOffset).toBe(3);
    expect(readAll(again.log).map((value) => value[0])).toEqual(['d']);
  });
});

test('a segment that is full while its deletion waits for a sync is dropped after its own', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  appendAll(log, [big('a', 900), big('b', 900)]);
  await log.sync();
  await new Promise((resolve) => setImmediate(resolve)); // the roll's own sync has ended too
  let rolled = false;
  disk.onStep = ({ path }) => {
    if (rolled || !path.endsWith('leader-epoch-checkpoint.tmp')) return;
    rolled = true;
    appendAll(log, [big('c', 900)]);
  };
  await log.deleteRecordsBefore(Offset(2));
  await log.sync();
  expect([rolled, log.failed, segmentsOn(disk)]).toEqual([true, false, [2]]);
  expect(readAll((await openLog(disk.powerCut())).log).map((value) => value[0])).toEqual(['c']);
});

test('a cut below the end of the current sync waits for that sync', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  appendAll(log, numbered(5));
  await log.sync();
  appendAll(log, numbered(5));
  let flushedTooFar: boolean | undefined;
  disk.onStep = ({ operation, path }) => {
    if (operation !== 'rename' || !path.endsWith('recovery-point-offset-checkpoint.tmp')) return;
    flushedTooFar ??= false;
    void log.sync().then(() => {
      flushedTooFar = log.flushedOffset > log.logEndOffset;
    });
  };
  await log.truncateTo(Offset(4));
  expect([flushedTooFar, log.logEndOffset, log.flushedOffset]).toEqual([false, 4, 4]);
});

test.each([
  ['asked for again', async (log: Log) => log],
  ['asked for again after a power cut', async (_: Log, disk: SimDisk) => (await openLog(disk.powerCut())).log],
])('a cut that fails halfway retains the uncut records, and is done when it is %s', async (_, goOn) => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  appendAll(log, numbered(40));
  const second = segmentsOn(disk)[1] as number;
  const undeletable = `${second.toString().padStart(20, '0')}.log`;
  disk.fail = (operation, path) => (operation === 'rename' && path.endsWith(undeletable) ? 'EIO' : undefined);
  await expect(log.truncateTo(Offset(2))).rejects.toThrow(DiskFailed);
  const end = log.logEndOffset;
  expect(end).toBeGreaterThan(second);
  await log.sync();
  disk.fail = () => undefined;
  const later = await goOn(log, disk);
  expect(readAll(later)).toEqual(numbered(end));
  await later.truncateTo(Offset(2));
  expect(readAll(later)).toEqual(numbered(2));
});

test('a deletion that a full disk refused is not acknowledged before it is durable', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  appendAll(log, numbered(8));
  await log.sync();
  disk.fail = (operation) => (operation === 'append' ? 'ENOSPC' : undefined);
  for (let tries = 0; tries < 2; tries++) await expect(log.deleteRecordsBefore(Offset(4))).rejects.toThrow('ENOSPC');
  disk.fail = () => undefined;
  expect(await log.deleteRecordsBefore(Offset(4))).toBe(4);
  expect((await openLog(disk.powerCut())).log.logStartOffset).toBe(4);
});

test('cutting the end removes batches, epochs and producers from there on, for good', async () => {
  const disk = new SimDisk();
  const clock = new SimClock();
  const { log } = await openLog(disk, { clock });
  for (let n = 0; n < 60; n++)
    log.append(batchOf([`v${n}`], { producerId: 1n, producerEpoch: 0, baseSequence: n }), LeaderEpoch(n < 40 ? 1 : 2));
  await log.sync();
  await clock.run(61_000); // the checkpoint says that 60 were synced
  await log.truncateTo(Offset(30));
  expect([log.logEndOffset, log.flushedOffset, log.latestEpoch]).toEqual([30, 30, 1]);
  expect(disk.files().get('/data/recovery-point-offset-checkpoint')?.toString()).toBe('0\n1\nt 0 30\n');
  const next = () => batchOf(['w'], { producerId: 1n, producerEpoch: 0, baseSequence: 30 });
  const reopened = (await openLog(disk.powerCut())).log;
  expect(readAll(reopened)).toEqual(numbered(30));
  expect(reopened.append(next(), LeaderEpoch(3))).toMatchObject({
    error: ErrorCode.NONE,
    baseOffset: 30,
    duplicate: false,
  });
});
