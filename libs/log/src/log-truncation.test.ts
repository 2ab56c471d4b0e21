import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { SimClock, SimDisk } from '@milepost/simulator';
import type { Log } from './index.ts';
import { appendAll, batchOf, numbered, openLog, readAll } from './testing.ts';

const EPOCH = LeaderEpoch(0);

/** 40 records that are durable and in the checkpoint, and 20 more whose sync is running. */
async function given(seed = 0): Promise<{ clock: SimClock; disk: SimDisk; log: Log }> {
  const clock = new SimClock();
  const disk = new SimDisk(seed, { clock });
  const { log } = await clock.settle(openLog(disk, { clock }));
  appendAll(log, numbered(40));
  await clock.settle(log.sync());
  await clock.run(61_000);
  appendAll(log, numbered(20, 40));
  void log.sync().catch(() => {});
  return { clock, disk, log };
}

const savedPoint = (disk: SimDisk): number =>
  Number(/t 0 (\d+)/.exec(disk.files().get('/data/recovery-point-offset-checkpoint')?.toString() ?? '')?.[1] ?? 0);

test('a cut during a sync: the flushed offset follows it, and appends are refused until it is done', async () => {
  const { clock, log } = await given();
  const cut = log.truncateTo(Offset(10));
  const refused = log.append(batchOf(['too early']), EPOCH);
  expect(refused).toMatchObject({ error: ErrorCode.NOT_LEADER_OR_FOLLOWER });
  const synced = log.sync();
  await clock.settle(cut);
  await clock.settle(synced);
  expect([log.logEndOffset, log.flushedOffset]).toEqual([10, 10]);
  appendAll(log, ['next']);
  await clock.settle(log.sync());
  expect([log.logEndOffset, log.flushedOffset]).toEqual([11, 11]);
  expect(readAll(log)).toEqual([...numbered(10), 'next']);
});

test('no checkpoint names an offset beyond a cut that has begun to change files', async () => {
  const { clock, disk, log } = await given();
  const saved: number[] = [];
  disk.onStep = ({ operation, path }) => {
    if (operation === 'rename' && path.endsWith('.log')) saved.push(savedPoint(disk));
  };
  const cut = log.truncateTo(Offset(10));
  await clock.settle(cut);
  await clock.run(61_000);
  expect(saved.length).toBeGreaterThan(0);
  expect([...new Set(saved), savedPoint(disk)]).toEqual([10, 10]);
});

test('after a power cut at any step of a cut, the log ends at the old end, at the cut, or between two batches', async () => {
  let wasCut = true;
  for (let step = 1; wasCut; step++) {
    const { clock, disk, log } = await given(step);
    let left: SimDisk | undefined;
    const last = disk.steps + step;
    disk.onStep = ({ number }) => {
      if (number === last) left = disk.powerCut();
    };
    void log.truncateTo(Offset(10)).catch(() => {});
    await clock.run(1_000);
    wasCut = left !== undefined;
    const { log: found } = await clock.settle(openLog(left ?? disk.powerCut(), { clock }));
    const end = found.logEndOffset;
    expect(end).toBeGreaterThanOrEqual(10);
    expect([step, readAll(found)]).toEqual([step, numbered(end)]);
  }
});
