import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { SimDisk } from '@milepost/simulator';
import { type Log, MAX_TIMESTAMP } from './index.ts';
import {
  appendAll,
  batchOf,
  everything,
  listeningLogger,
  numbered,
  openLog,
  readAll,
  START_MS,
  tinySegments,
} from './testing.ts';

const LOG = '/data/t-0/00000000000000000000.log';
const INDEX = '/data/t-0/00000000000000000000.index';
const TIME_INDEX = '/data/t-0/00000000000000000000.timeindex';
const BATCH_BYTES = batchOf(['v00']).length;
const oneSegment = tinySegments({ 'segment.bytes': '100000', 'segment.index.bytes': '100000' });
const values = (count: number) => Array.from({ length: count }, (_, n) => `v${String(n).padStart(2, '0')}`);

/** Changes a file as a disk or a person might, while no log uses it. */
async function overwrite(disk: SimDisk, path: string, bytes: Buffer, at = 0, cutTo?: number): Promise<void> {
  const file = disk.open(path, 'create');
  if (cutTo !== undefined) file.truncate(cutTo);
  if (at === file.size()) file.append(bytes);
  else file.write(at, bytes);
  await file.sync();
  file.close();
}

/** A log of `count` equal batches in one segment, synced; the checkpoint covers `recoveryPoint` of them. */
async function synced(count: number, recoveryPoint: number): Promise<SimDisk> {
  const disk = new SimDisk();
  const { log } = await openLog(disk, { config: oneSegment });
  appendAll(log, values(count));
  await log.sync();
  const checkpoint = Buffer.from(`0\n1\nt 0 ${recoveryPoint}\n`);
  await overwrite(disk, '/data/recovery-point-offset-checkpoint', checkpoint, 0, 0);
  return disk.powerCut();
}

function errorAt(log: Log, offset: number): ErrorCode {
  return log.read(Offset(offset), { ...everything(log.logEndOffset), maxBytes: 1 }).error;
}

describe('a torn tail', () => {
  test.each([1, 8, 30, 61, BATCH_BYTES - 1])('of %s bytes is cut, and the reason is logged', async (torn) => {
    const disk = await synced(10, 0);
    await overwrite(disk, LOG, batchOf(['torn'], { baseOffset: Offset(10) }).subarray(0, torn), 10 * BATCH_BYTES);
    const logger = listeningLogger();
    const { log } = await openLog(disk, { config: oneSegment, logger });
    expect(readAll(log)).toEqual(values(10));
    expect([log.lostTail, log.mayLackAcknowledged]).toEqual([true, false]);
    expect(logger.said.error).toEqual([]);
    expect(logger.said.warn).toEqual([
      expect.stringMatching(
        new RegExp(`^cut ${torn} bytes behind offset 10: batch at ${10 * BATCH_BYTES} of ${LOG}: .* torn`),
      ),
    ]);
    expect(log.append(batchOf(['next']), LeaderEpoch(1))).toMatchObject({ baseOffset: 10 });
  });

  test('of zeros, as a file system leaves them, is cut', async () => {
    const disk = await synced(10, 0);
    await overwrite(disk, LOG, Buffer.alloc(5000), 10 * BATCH_BYTES);
    const { log } = await openLog(disk, { config: oneSegment });
    expect([log.logEndOffset, log.lostTail, log.mayLackAcknowledged]).toEqual([10, true, false]);
    expect(disk.files().get(LOG)).toHaveLength(10 * BATCH_BYTES);
  });

  test('of a large batch, of which one page did not arrive, is no loss', async () => {
    const disk = await synced(10, 0);
    const torn = batchOf(['x'.repeat(20_000)], { baseOffset: Offset(10) });
    torn.fill(0, 2 * 4096 - 10 * BATCH_BYTES, 3 * 4096 - 10 * BATCH_BYTES);
    await overwrite(disk, LOG, torn, 10 * BATCH_BYTES);
    const { log } = await openLog(disk, { config: oneSegment });
    expect([log.logEndOffset, log.lostTail, log.mayLackAcknowledged]).toEqual([10, true, false]);
  });

  test('with flush `os` may have been acknowledged', async () => {
    const disk = await synced(10, 0);
    await overwrite(disk, LOG, batchOf(['torn'], { baseOffset: Offset(10) }).subarray(0, 30), 10 * BATCH_BYTES);
    const { log } = await openLog(disk, { config: oneSegment, flush: 'os' });
    expect(log.mayLackAcknowledged).toBe(true);
  });

  test('is not cut twice: recovered records are durable before they count', async () => {
    const disk = new SimDisk();
    const { log } = await openLog(disk, { config: oneSegment });
    appendAll(log, values(10)); // never synced: only in the page cache when the program is killed
    const killed = disk.kill();
    const recovered = await openLog(killed, { config: oneSegment });
    expect([recovered.log.flushedOffset, recovered.log.lostTail]).toEqual([10, false]);
    const again = await openLog(killed.powerCut(), { config: oneSegment });
    expect(readAll(again.log)).toEqual(values(10));
  });
});

test('a page that a power cut left out ends the log, and the intact batches after it are kept in a file beside', async () => {
  const disk = await synced(200, 0);
  await overwrite(disk, LOG, Buffer.alloc(4096), 4096);
  const original = Buffer.from(disk.files().get(LOG) as Buffer);
  const logger = listeningLogger();
  const { log } = await openLog(disk, { config: oneSegment, logger });
  const whole = Math.floor(4096 / BATCH_BYTES);
  expect(readAll(log)).toEqual(values(200).slice(0, whole));
  expect([log.lostTail, log.mayLackAcknowledged]).toEqual([true, false]);
  const aside = `${LOG}.corrupt-${whole * BATCH_BYTES}`;
  expect(disk.powerCut().files().get(aside)).toEqual(original.subarray(whole * BATCH_BYTES));
  expect(logger.said.error).toEqual([expect.stringContaining(aside)]);
});

describe('a flipped bit', () => {
  const places: [string, number, number?][] = [
    ['in the records', 65],
    ['in the length', 9],
    ['in the magic', 16],
    ['in the base offset', 6],
    ['in the base offset, a little upwards', 7, 3],
    ['in the base offset, downwards', 7, 0],
  ];
  test.each(
    [20, 0].flatMap((recoveryPoint) =>
      places.map(([what, byte, bit = 0]) => [what, recoveryPoint, byte, bit] as const),
    ),
  )('%s, with everything below %i known to be synced: only that batch is refused, the rest stays', async (...args) => {
    const [, recoveryPoint, byte, bit] = args;
    const disk = await synced(20, recoveryPoint);
    disk.flipBit(LOG, (5 * BATCH_BYTES + byte) * 8 + bit);
    const logger = listeningLogger();
    const { log } = await openLog(disk, { config: oneSegment, logger });
    expect([log.logEndOffset, log.lostTail]).toEqual([20, recoveryPoint === 0]); // a new epoch, if a loss cannot be excluded
    expect(logger.said.error).toEqual([expect.stringContaining(`batch at ${5 * BATCH_BYTES} of ${LOG}`)]);
    expect(readAll(log, Offset(6))).toEqual(values(20).slice(6));
    expect(errorAt(log, 5)).toBe(ErrorCode.CORRUPT_MESSAGE);
    const before = log.read(Offset(0), everything(log.logEndOffset)) as { records: Buffer };
    expect(before.records).toHaveLength(5 * BATCH_BYTES);
    expect(log.append(batchOf(['next']), LeaderEpoch(0))).toMatchObject({ baseOffset: 20 });
  });

  test.each(places)(
    '%s of the last batch: it was whole once, so an acknowledged record may be missing',
    async (...args) => {
      const [, byte, bit = 0] = args;
      const disk = await synced(20, 0);
      disk.flipBit(LOG, (19 * BATCH_BYTES + byte) * 8 + bit);
      const { log } = await openLog(disk, { config: oneSegment });
      expect([log.logEndOffset, log.lostTail, log.mayLackAcknowledged]).toEqual([19, true, true]);
    },
  );

  test('in the batch before the last one: the last one remains, whatever is known to be synced', async () => {
    for (const recoveryPoint of [0, 19, 20]) {
      const disk = await synced(20, recoveryPoint);
      disk.flipBit(LOG, (18 * BATCH_BYTES + 65) * 8);
      const { log } = await openLog(disk, { config: oneSegment });
      expect([recoveryPoint, log.logEndOffset, readAll(log, Offset(19))]).toEqual([recoveryPoint, 20, ['v19']]);
      expect(errorAt(log, 18)).toBe(ErrorCode.CORRUPT_MESSAGE);
    }
  });

  test('in the last batch of a segment: the later segments remain', async () => {
    const disk = new SimDisk();
    const { log } = await openLog(disk);
    appendAll(log, values(40));
    await log.sync();
    await overwrite(disk, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n0\n'), 0, 0);
    const killed = disk.kill();
    const [, second] = [...killed.files().keys()].filter((path) => path.endsWith('.log'));
    const end = Number(/(\d{20})/.exec(second as string)?.[1]);
    killed.flipBit(LOG, ((end - 1) * BATCH_BYTES + 65) * 8);
    const { log: found } = await openLog(killed);
    expect([found.logEndOffset, found.lostTail]).toEqual([40, true]);
    expect(readAll(found, Offset(end))).toEqual(values(40).slice(end));
    expect(errorAt(found, end - 1)).toBe(ErrorCode.CORRUPT_MESSAGE);
    await found.sync();
    expect(readAll((await openLog(killed.kill())).log, Offset(end))).toEqual(values(40).slice(end));
  });

  test('in a log that was closed cleanly is found by the reader, and logged once', async () => {
    const disk = new SimDisk();
    const { directory, log: first } = await openLog(disk, { config: oneSegment });
    appendAll(first, values(20));
    await directory.close();
    disk.flipBit(LOG, (7 * BATCH_BYTES + 66) * 8 + 3);
    const logger = listeningLogger();
    const { log } = await openLog(disk, { config: oneSegment, logger });
    for (let tries = 0; tries < 3; tries++) {
      expect(errorAt(log, 7)).toBe(ErrorCode.CORRUPT_MESSAGE);
      expect(errorAt(log, 6)).toBe(ErrorCode.NONE);
      expect(errorAt(log, 8)).toBe(ErrorCode.NONE);
    }
    expect(logger.said.error).toEqual([expect.stringContaining(`batch at ${7 * BATCH_BYTES} of ${LOG}: crc`)]);
    expect(log.offsetForTimestamp(START_MS, log.logEndOffset)?.offset).toBe(0);
  });

  test('anywhere in a closed log is never served', async () => {
    const disk = new SimDisk();
    const { directory, log } = await openLog(disk, { config: oneSegment });
    appendAll(log, values(12));
    await directory.close();
    const whole = Buffer.from(disk.files().get(LOG) as Buffer);
    for (let byte = 0; byte < 3 * BATCH_BYTES; byte++) {
      if (byte % BATCH_BYTES >= 12 && byte % BATCH_BYTES < 16) continue; // the leader epoch: nothing covers it, nothing depends on it
      const bit = (4 * BATCH_BYTES + byte) * 8 + (byte % 8);
      disk.flipBit(LOG, bit);
      const opened = await openLog(disk, { config: oneSegment });
      const served: string[] = [];
      for (let offset = 0; offset < 12; offset++) {
        const read = opened.log.read(Offset(offset), {
          maxBytes: 1,
          upTo: opened.log.logEndOffset,
          atLeastOneBatch: true,
        });
        if (read.error === ErrorCode.NONE) served.push(read.records.toString('hex'));
        else expect(read.error).toBe(ErrorCode.CORRUPT_MESSAGE);
      }
      const good = Array.from({ length: 12 }, (_, n) =>
        whole.subarray(n * BATCH_BYTES, (n + 1) * BATCH_BYTES).toString('hex'),
      );
      expect(served.filter((one) => !good.includes(one))).toEqual([]);
      expect(served.length).toBeGreaterThanOrEqual(4);
      await opened.directory.close();
      disk.flipBit(LOG, bit);
    }
  });
});

describe('an index', () => {
  const spoil: [string, (disk: SimDisk, path: string) => Promise<void>][] = [
    ['is missing', (disk, path) => disk.remove(path)],
    ['is empty', (disk, path) => overwrite(disk, path, Buffer.alloc(0), 0, 0)],
    ['holds zeros', (disk, path) => overwrite(disk, path, Buffer.alloc(48), 0, 0)],
    ['holds noise', (disk, path) => overwrite(disk, path, Buffer.from('7f3a9c'.repeat(16), 'hex'), 0, 0)],
    ['is cut inside an entry', (disk, path) => overwrite(disk, path, Buffer.alloc(0), 5, 5)],
  ];
  for (const path of [INDEX, TIME_INDEX])
    test.each(spoil)(
      `${path.slice(-10)} that %s is no loss, after a clean stop or an unclean one`,
      async (_, change) => {
        const disk = new SimDisk();
        const config = tinySegments();
        const { directory, log } = await openLog(disk, { config });
        appendAll(log, numbered(60));
        await directory.close();
        await change(disk, path);
        const check = (opened: Log) => {
          for (let offset = 0; offset < 60; offset++) expect(readAll(opened, Offset(offset))[0]).toBe(`v${offset}`);
          expect(opened.offsetForTimestamp(START_MS, opened.logEndOffset)?.offset).toBe(0);
          expect(opened.offsetForTimestamp(MAX_TIMESTAMP, opened.logEndOffset)?.offset).toBe(0);
        };
        check((await openLog(disk, { config })).log);
        const killed = disk.kill();
        await change(killed, path);
        check((await openLog(killed, { config })).log);
      },
    );
});

test('a garbled producer snapshot is replaced by an older one and the log', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  const batch = (n: number) => batchOf([`v${n}`], { producerId: 1n, producerEpoch: 0, baseSequence: n });
  for (let n = 0; n < 60; n++) log.append(batch(n), LeaderEpoch(0));
  await directory.close();
  const snapshots = () => [...disk.files().keys()].filter((path) => path.endsWith('.snapshot'));
  for (const path of snapshots().slice(-2)) disk.flipBit(path, 99);
  const logger = listeningLogger();
  const second = await openLog(disk, { logger });
  expect(logger.said.warn).toEqual([
    expect.stringContaining('.snapshot: crc'),
    expect.stringContaining('.snapshot: crc'),
  ]);
  for (let n = 55; n < 60; n++)
    expect(second.log.append(batch(n), LeaderEpoch(0))).toMatchObject({ duplicate: true, baseOffset: n });
  await second.directory.close();
  for (const path of snapshots()) await disk.remove(path);
  const third = await openLog(disk);
  for (let n = 55; n < 60; n++)
    expect(third.log.append(batch(n), LeaderEpoch(0))).toMatchObject({ duplicate: true, baseOffset: n });
});

describe('a producer with batches that a start cannot find', () => {
  const EPOCH = LeaderEpoch(0);
  const mine = (sequence: number) => batchOf(['mine'], { producerId: 1n, producerEpoch: 0, baseSequence: sequence });
  const other = (sequence: number) => batchOf(['other'], { producerId: 2n, producerEpoch: 0, baseSequence: sequence });

  test('continues where its batches were deleted and their snapshot is damaged', async () => {
    const disk = new SimDisk();
    const { log, directory } = await openLog(disk);
    log.append(mine(0), EPOCH);
    await directory.close();
    const second = await openLog(disk); // the snapshot of the stop covers only the first batch
    for (let n = 1; n < 8; n++) second.log.append(mine(n), EPOCH);
    await second.log.applyRetention(START_MS + 8 * 86_400_000);
    expect(second.log.sizeBytes).toBe(0);
    const killed = disk.kill();
    killed.flipBit('/data/t-0/00000000000000000008.snapshot', 99);
    const { log: found } = await openLog(killed);
    expect(found.append(mine(8), EPOCH)).toMatchObject({ error: ErrorCode.NONE, baseOffset: 8 });
    expect(found.append(mine(10), EPOCH)).toMatchObject({ error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER });
  });

  test('continues after a damaged batch of its own, and its earlier batches are still recognized', async () => {
    const disk = new SimDisk();
    const { log, directory } = await openLog(disk, { config: tinySegments({ 'segment.bytes': '100000' }) });
    log.append(mine(0), EPOCH);
    log.append(mine(1), EPOCH);
    log.append(other(0), EPOCH);
    await directory.close();
    const [path] = [...disk.files().keys()].filter((one) => one.endsWith('.log'));
    const length = (disk.files().get(path as string) as Buffer).length / 3;
    disk.flipBit(path as string, Math.floor(1.5 * length) * 8 + 400);
    await disk.remove('/data/t-0/00000000000000000003.snapshot');
    for (let start = 0; start < 2; start++) {
      const { log: found, directory: opened } = await openLog(disk);
      expect(found.append(mine(0), EPOCH)).toMatchObject({ duplicate: true, baseOffset: 0 });
      expect(found.append(other(2), EPOCH)).toMatchObject({ error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER });
      await opened.close(); // and the next start does not know more
    }
    const { log: found } = await openLog(disk);
    expect(found.append(mine(2), EPOCH)).toMatchObject({ error: ErrorCode.NONE, duplicate: false });
    expect(found.append(mine(4), EPOCH)).toMatchObject({ error: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER });
  });

  test('continues where the disk has lost the end of the synced part', async () => {
    const disk = new SimDisk();
    const { log, directory } = await openLog(disk, { config: tinySegments({ 'segment.bytes': '100000' }) });
    for (let n = 0; n < 4; n++) log.append(mine(n), EPOCH);
    await directory.close();
    const [path] = [...disk.files().keys()].filter((one) => one.endsWith('.log'));
    const length = (disk.files().get(path as string) as Buffer).length;
    await overwrite(disk, path as string, Buffer.alloc(0), length / 2, length / 2);
    const { log: found } = await openLog(disk);
    expect(found.logEndOffset).toBe(2);
    expect(found.append(mine(1), EPOCH)).toMatchObject({ duplicate: true, baseOffset: 1 });
    expect(found.append(mine(4), EPOCH)).toMatchObject({ error: ErrorCode.NONE, baseOffset: 2 });
  });
});

test('a segment that cannot follow the one before it is kept beside the log, and not served', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  appendAll(log, values(40));
  await log.sync();
  await overwrite(disk, '/data/recovery-point-offset-checkpoint', Buffer.from('0\n0\n'), 0, 0);
  const killed = disk.kill();
  const [, second, third] = [...killed.files().keys()].filter((path) => path.endsWith('.log'));
  await overwrite(killed, second as string, Buffer.alloc(0), 2 * BATCH_BYTES - 1, 2 * BATCH_BYTES - 1);
  const logger = listeningLogger();
  const opened = await openLog(killed, { logger });
  const end = Number(/(\d{20})/.exec(second as string)?.[1]) + 1;
  expect([opened.log.logEndOffset, opened.log.lostTail]).toEqual([end, true]);
  expect(killed.files().has(`${third}.corrupt-0`)).toBe(true);
  expect(logger.said.error).toEqual([expect.stringContaining(`${third}.corrupt-0`)]);
});

test.each(['at work', 'in recovery'])(
  'after a sync that failed %s, the next start writes the records again',
  async (when) => {
    const disk = new SimDisk(3);
    const { log } = await openLog(disk);
    appendAll(log, ['first']);
    await log.sync();
    appendAll(log, ['in the page cache only']);
    const fails = (operation: string, path: string) =>
      operation === 'synced' && path.endsWith('.log') ? 'EIO' : undefined;
    let left = disk;
    if (when === 'at work') {
      disk.fail = fails;
      await expect(log.sync()).rejects.toThrow('EIO');
    } else {
      left = disk.kill();
      left.fail = fails;
      await expect(openLog(left)).rejects.toThrow('EIO');
    }
    const again = left.kill();
    const { log: served } = await openLog(again);
    expect(readAll(served)).toEqual(['first', 'in the page cache only']);
    expect(served.flushedOffset).toBe(2);
    const { log: found } = await openLog(again.powerCut());
    expect(readAll(found)).toEqual(['first', 'in the page cache only']);
  },
);

test('segments that a deletion had not removed yet do not return', async () => {
  const disk = new SimDisk();
  const { log } = await openLog(disk);
  appendAll(log, numbered(60));
  disk.fail = (operation, path) => (operation === 'rename' && path.endsWith('.log') ? 'EIO' : undefined);
  expect(await log.deleteRecordsBefore(Offset(35))).toBe(35);
  expect(log.append(batchOf(['v60']), LeaderEpoch(0))).toMatchObject({ error: ErrorCode.NONE });
  await log.sync();
  disk.fail = () => undefined;
  await log.deleteRecordsBefore(Offset(40));
  const opened = await openLog(disk.powerCut());
  expect(opened.log.logStartOffset).toBe(40);
  expect(readAll(opened.log)).toEqual(numbered(21, 40));
});

test.each([
  ['all of it', /\.log$/, /nothing/],
  ['but for an empty file', /[1-9]6\.log$/, /42\.log$/],
])(
  'offsets that were deleted are never assigned again, though the disk has lost the rest: %s',
  async (_, gone, emptied) => {
    const disk = new SimDisk();
    const { log } = await openLog(disk);
    appendAll(log, values(60));
    await log.deleteRecordsBefore(Offset(50));
    const killed = disk.kill();
    for (const path of [...killed.files().keys()].filter((name) => name.startsWith('/data/t-0/')))
      if (emptied.test(path)) await overwrite(killed, path, Buffer.alloc(0), 0, 0);
      else if (gone.test(path)) await killed.remove(path);
    const logger = listeningLogger();
    const { log: found } = await openLog(killed, { logger });
    expect([found.logStartOffset, found.logEndOffset, found.lostTail]).toEqual([50, 50, true]);
    expect(logger.said.error.at(-1)).toContain('everything below 60 was synced once: the disk has lost it');
    expect(found.append(batchOf(['next']), LeaderEpoch(1))).toMatchObject({ baseOffset: 50 });
  },
);

test('with flush=os an unclean stop may have lost records that readers saw, with or without a cut', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk, { flush: 'os' });
  appendAll(log, numbered(5));
  expect(log.lostTail).toBe(false);
  await directory.close();
  expect((await openLog(disk, { flush: 'os' })).log.lostTail).toBe(false);
  expect((await openLog(disk.kill(), { flush: 'os' })).log.lostTail).toBe(true);
});
