import { BrokerId, ErrorCode, LeaderEpoch, Offset, Uuid } from '@milepost/core';
import { SimDisk } from '@milepost/simulator';
import { type LogConfig, LogDirectory } from './index.ts';
import { batchOf, everything, testHost, tinySegments, valuesIn } from './testing.ts';

const EPOCH = LeaderEpoch(0);
const TOPIC_ID = Uuid('11111111-2222-4333-8444-555555555555');

async function open(disk: SimDisk, config?: LogConfig) {
  const identity = { clusterId: 'cluster', brokerId: BrokerId(1) };
  const directory = await LogDirectory.open(testHost(disk), '/data', identity, {
    flush: 'always',
    configOf: () => config ?? tinySegments(),
  });
  const log = directory.get('t', 0) ?? (await directory.create('t', TOPIC_ID, 0, config ?? tinySegments()));
  return { directory, log };
}

test('what is appended is read back verbatim, with the offsets of the log', async () => {
  const { log } = await open(new SimDisk(1));
  for (let n = 0; n < 100; n++) {
    const outcome = log.append(batchOf([`v${n}`, `w${n}`]), EPOCH);
    expect(outcome).toMatchObject({
      error: ErrorCode.NONE,
      baseOffset: 2 * n,
      lastOffset: 2 * n + 1,
      duplicate: false,
    });
  }
  expect(log.flushedOffset).toBe(0);
  await log.sync();
  expect(log.flushedOffset).toBe(200);
  const values: string[] = [];
  for (let at = Offset(0); at < 200; ) {
    const read = log.read(at, everything(log.flushedOffset));
    if (read.error !== ErrorCode.NONE) throw new Error(read.message);
    values.push(...valuesIn(read.records));
    at = Offset(values.length);
  }
  expect(values).toEqual(Array.from({ length: 200 }, (_, n) => `${n}:${n % 2 ? 'w' : 'v'}${n >> 1}`));
});

test('a clean stop and a start change nothing', async () => {
  const disk = new SimDisk(2);
  const first = await open(disk);
  for (let n = 0; n < 50; n++) first.log.append(batchOf([`v${n}`]), EPOCH);
  await first.directory.close();
  const second = await open(disk);
  expect(second.log.logEndOffset).toBe(50);
  expect(second.log.recoveredBytes).toBe(0);
  expect(second.log.topicId).toBe(TOPIC_ID);
  expect(second.log.append(batchOf(['next']), EPOCH)).toMatchObject({ baseOffset: 50 });
});

test('an unclean stop is recovered', async () => {
  const disk = new SimDisk(3);
  const first = await open(disk);
  for (let n = 0; n < 50; n++) first.log.append(batchOf([`v${n}`]), EPOCH);
  await first.log.sync();
  const second = await open(disk.kill());
  expect(second.log.logEndOffset).toBe(50);
  expect(second.log.recoveredBytes).toBeGreaterThan(0);
  expect(second.log.lostTail).toBe(false);
});
