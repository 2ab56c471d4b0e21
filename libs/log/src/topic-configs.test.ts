// Topic properties that decide when a log writes, rolls, syncs and removes. Their effect on records, new and old, is
// tested in append-validation.test.ts, log.test.ts and compaction.test.ts.
import { ErrorCode, LeaderEpoch } from '@milepost/core';
import { SimClock, SimDisk } from '@milepost/simulator';
import type { Log } from './index.ts';
import { appendAll, batchOf, numbered, openLog, START_MS, testHost, tinySegments } from './testing.ts';
import { LogDirectory } from './log-directory.ts';
import { IDENTITY, TOPIC_ID } from './testing.ts';

const oneSegment = (more: Record<string, string>) =>
  tinySegments({ 'segment.bytes': '1000000', 'segment.index.bytes': '100000', ...more });
const names = (disk: SimDisk, extension: string): string[] =>
  (disk.list('/data/t-0') ?? []).map(({ name }) => name).filter((name) => name.endsWith(extension));
const opened = (config: Record<string, string>, flush: 'always' | 'os' = 'os') => {
  const clock = new SimClock();
  const disk = new SimDisk(1, { clock });
  return clock
    .settle(openLog(disk, { clock, config: oneSegment(config), flush }))
    .then(({ log }) => ({ clock, disk, log }));
};

test('flush.messages: after that many records the log is synced though no request waits', async () => {
  const { clock, log } = await opened({ 'flush.messages': '5' });
  appendAll(log, numbered(4));
  await clock.run(10_000);
  expect(log.flushedOffset).toBe(0);
  appendAll(log, numbered(1));
  await clock.run(100);
  expect(log.flushedOffset).toBe(5);
});

test('flush.ms: after that time the log is synced though no request waits', async () => {
  const { clock, log } = await opened({ 'flush.ms': '1000' });
  appendAll(log, numbered(1));
  await clock.run(900);
  expect(log.flushedOffset).toBe(0);
  await clock.run(200);
  expect(log.flushedOffset).toBe(1);
  appendAll(log, numbered(1));
  await clock.run(900);
  expect(log.flushedOffset).toBe(1);
  await clock.run(200);
  expect(log.flushedOffset).toBe(2);
});

test('with flush `always` both do not affect the group commit', async () => {
  const { clock, log } = await opened({ 'flush.messages': '1', 'flush.ms': '10' }, 'always');
  appendAll(log, numbered(3));
  await clock.run(10_000);
  expect(log.flushedOffset).toBe(0);
});

test('file.delete.delay.ms: files of a dropped segment remain as `.deleted`, then they are removed', async () => {
  const { clock, disk, log } = await opened({
    'segment.bytes': '1024',
    'retention.bytes': '1000',
    'file.delete.delay.ms': '30000',
  });
  appendAll(
    log,
    ['a', 'b', 'c', 'd'].map((value) => value.padEnd(900, '.')),
  );
  await clock.settle(log.sync());
  expect(await clock.settle(log.applyRetention(clock.now()))).toBeGreaterThan(0);
  const deleted = names(disk, '.deleted');
  expect(deleted.map((name) => name.split('.')[1]).slice(0, 3)).toEqual(['index', 'log', 'timeindex']);
  await clock.run(29_000);
  expect(names(disk, '.deleted')).toEqual(deleted);
  await clock.run(2_000);
  expect(names(disk, '.deleted')).toEqual([]);
});

test('segment.ms, and segment.jitter.ms randomly below it, end a segment by the time of its records', async () => {
  const at = (timestamp: number) => batchOf([{ value: 'v', timestamp }]);
  const rollsAfter = async (jitter: string, drawn: number): Promise<number> => {
    const disk = new SimDisk();
    const host = { ...testHost(disk), random: { below: () => drawn, chance: () => false, uuid: () => 'none' } };
    const config = oneSegment({ 'segment.ms': '10000', 'segment.jitter.ms': jitter });
    const directory = await LogDirectory.open(host, '/data', IDENTITY, { flush: 'os', configOf: () => config });
    const log: Log = await directory.create('t', TOPIC_ID, 0, config);
    for (let ms = 0; ms <= 20_000; ms += 1_000) {
      expect(log.append(at(START_MS - 1_000_000 + ms), LeaderEpoch(0)).error).toBe(ErrorCode.NONE);
      if (names(disk, '.log').length > 1) return ms;
    }
    return -1;
  };
  expect([await rollsAfter('0', 4_000), await rollsAfter('5000', 0), await rollsAfter('5000', 4_000)]).toEqual([
    11_000, 11_000, 7_000,
  ]);
});

test('index.interval.bytes is the distance between the entries of an index, segment.index.bytes their number', async () => {
  const entries = async (config: Record<string, string>): Promise<[number, number]> => {
    const { clock, disk, log } = await opened(config);
    appendAll(
      log,
      numbered(100).map((value) => value.padEnd(200, '.')),
    );
    await clock.settle(log.close());
    const sizes = names(disk, '.index').map((name) => disk.files().get(`/data/t-0/${name}`)?.length ?? 0);
    return [sizes.length, sizes[0] as number];
  };
  const [, few] = await entries({ 'index.interval.bytes': '5000' });
  const [, many] = await entries({ 'index.interval.bytes': '500' });
  expect(many).toBeGreaterThan(few * 5);
  expect(await entries({ 'index.interval.bytes': '0', 'segment.index.bytes': '80' })).toEqual([10, 80]);
});
