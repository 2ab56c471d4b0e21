// A log that follows another one: what it appends, where it is cut, and how it starts over.
import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { SimClock, SimDisk } from '@milepost/simulator';
import type { Log } from './index.ts';
import { appendAll, batchOf, everything, numbered, openLog, readAll, tinySegments } from './testing.ts';

const clock = new SimClock();

async function given(options: Parameters<typeof openLog>[1] = {}): Promise<{ log: Log; disk: SimDisk }> {
  const disk = new SimDisk(1, { clock });
  const { log } = await clock.settle(openLog(disk, { clock, ...options }));
  return { log, disk };
}

const all = (log: Log, from = log.logStartOffset): Buffer => {
  const outcome = log.read(from, { ...everything(log.logEndOffset), maxBytes: 2 ** 30 });
  if (outcome.error !== ErrorCode.NONE) throw new Error(outcome.message);
  return outcome.records;
};

function copyAll(from: Log, to: Log): void {
  while (to.logEndOffset < from.logEndOffset)
    expect(to.appendAsFollower(all(from, to.logEndOffset))).toMatchObject({ error: ErrorCode.NONE });
}

/** Three epochs of 20 records each. */
async function leaderOf(options: Parameters<typeof openLog>[1] = {}): Promise<Log> {
  const { log } = await given(options);
  for (const epoch of [0, 2, 5]) {
    log.beginEpoch(LeaderEpoch(epoch));
    appendAll(log, numbered(20, log.logEndOffset), epoch);
  }
  await clock.settle(log.sync());
  return log;
}

const epochEnds = (log: Log): unknown[] => [0, 1, 2, 3, 4, 5].map((epoch) => log.endOffsetForEpoch(LeaderEpoch(epoch)));

test('a follower has the leader’s batches byte for byte, at their offsets and with their epochs', async () => {
  const leader = await leaderOf();
  const { log } = await given();
  copyAll(leader, log);
  expect(readAll(log)).toEqual(numbered(60));
  expect(epochEnds(log)).toEqual(epochEnds(leader));
  let at = Offset(0);
  for (const batch of [20, 40, 60]) {
    const of = (one: Log) => one.read(at, { ...everything(Offset(batch)), maxBytes: 10_000 });
    expect(of(log)).toEqual(of(leader));
    at = Offset(batch);
  }
});

test('what a follower has synced survives a power cut, epochs and producers included', async () => {
  const { log: leader } = await given();
  for (let sequence = 0; sequence < 30; sequence++)
    leader.append(
      batchOf([`v${sequence}`], { producerId: 7n, producerEpoch: 0, baseSequence: sequence }),
      LeaderEpoch(3),
    );
  const { log, disk } = await given();
  copyAll(leader, log);
  await clock.settle(log.sync());
  const { log: found } = await clock.settle(openLog(disk.powerCut(), { clock }));
  expect(readAll(found)).toEqual(numbered(30));
  expect(found.latestEpoch).toBe(3);
  expect(found.activeProducers()).toMatchObject([{ producerId: 7n, lastSequence: 29 }]);
  const again = batchOf(['v29'], { producerId: 7n, producerEpoch: 0, baseSequence: 29 });
  expect(found.append(again, LeaderEpoch(4))).toMatchObject({ error: ErrorCode.NONE, duplicate: true, baseOffset: 29 });
});

test('batches behind a gap that the leader’s cleaner has left are appended at their own offsets', async () => {
  const leader = await leaderOf();
  const { log } = await given();
  const tail = all(leader, Offset(50));
  expect(log.appendAsFollower(tail)).toMatchObject({ error: ErrorCode.NONE });
  expect([log.logStartOffset, readAll(log)[0]]).toEqual([0, 'v50']);
  copyAll(leader, log);
  expect(readAll(log)).toEqual(numbered(10, 50));
});

test('a batch larger than segment.bytes of today is appended, in a segment of its own', async () => {
  const { log: leader } = await given({ config: tinySegments({ 'segment.bytes': '100000' }) });
  appendAll(leader, ['small', 'x'.repeat(5_000), 'y'.repeat(5_000), 'small']);
  const { log } = await given();
  copyAll(leader, log);
  expect(readAll(log).map((value) => value.length)).toEqual([5, 5_000, 5_000, 5]);
});

test('a batch that begins before the log’s end, of an older epoch, or damaged is refused, and nothing is appended', async () => {
  const leader = await leaderOf();
  const { log } = await given();
  const first = all(leader, Offset(0));
  log.appendAsFollower(first);
  const end = log.logEndOffset;
  expect(log.appendAsFollower(first)).toMatchObject({ error: ErrorCode.OFFSET_OUT_OF_RANGE });
  log.beginEpoch(LeaderEpoch(9));
  expect(log.appendAsFollower(all(leader, end))).toMatchObject({
    error: ErrorCode.CORRUPT_MESSAGE,
    message: expect.stringContaining('after 9'),
  });
  await clock.settle(log.truncateTo(end));
  const damaged = Buffer.from(all(leader, end));
  damaged[65] = (damaged[65] as number) ^ 1;
  expect(log.appendAsFollower(damaged)).toMatchObject({ error: ErrorCode.CORRUPT_MESSAGE });
  expect(log.logEndOffset).toBe(end);
});

test('a cut at the log’s end forgets the epoch that has begun there and written nothing', async () => {
  const { log } = await given();
  appendAll(log, numbered(10), 1);
  log.beginEpoch(LeaderEpoch(7));
  expect(log.latestEpoch).toBe(7);
  await clock.settle(log.truncateTo(Offset(10)));
  expect([log.latestEpoch, log.logEndOffset]).toEqual([1, 10]);
});

test('a log that restarts further on is empty there: no record, epoch or producer of before', async () => {
  const { log: leader } = await given();
  for (let sequence = 0; sequence < 90; sequence++)
    leader.append(
      batchOf([`v${sequence}`], { producerId: 7n, producerEpoch: 0, baseSequence: sequence }),
      LeaderEpoch(3),
    );
  const { log, disk } = await given();
  copyAll(leader, log);
  await clock.settle(log.sync());
  await clock.settle(log.restartAt(Offset(200)));
  const check = (one: Log): void => {
    expect([one.logStartOffset, one.logEndOffset, one.flushedOffset]).toEqual([200, 200, 200]);
    expect(one.activeProducers()).toEqual([]);
    expect(one.latestEpoch).toBe(-1);
  };
  check(log);
  const { log: found } = await clock.settle(openLog(disk.powerCut(), { clock }));
  check(found);
  found.beginEpoch(LeaderEpoch(4));
  appendAll(found, ['next'], 4);
  expect(readAll(found)).toEqual(['next']);
});

test('a log may restart further back: its leader’s log ends before its own starts', async () => {
  const leader = await leaderOf();
  const { log, disk } = await given();
  copyAll(leader, log);
  await clock.settle(log.deleteRecordsBefore(Offset(50)));
  await clock.settle(log.truncateTo(Offset(30)));
  expect([log.logStartOffset, log.logEndOffset]).toEqual([30, 30]);
  const { log: found } = await clock.settle(openLog(disk.powerCut(), { clock }));
  expect([found.logStartOffset, found.logEndOffset]).toEqual([30, 30]);
});

test('a power cut at any step of a restart leaves the old log, its beginning, or the new one', async () => {
  let wasCut = true;
  for (let step = 1; wasCut; step++) {
    const leader = await leaderOf();
    const { log, disk } = await given();
    copyAll(leader, log);
    await clock.settle(log.sync());
    let left: SimDisk | undefined;
    const last = disk.steps + step;
    disk.onStep = ({ number }) => {
      if (number === last) left = disk.powerCut();
    };
    void log.restartAt(Offset(100)).catch(() => {});
    await clock.run(1_000);
    wasCut = left !== undefined;
    const { log: found } = await clock.settle(openLog(left ?? disk.powerCut(), { clock }));
    const end = found.logEndOffset;
    if (end > 60) expect([step, found.logStartOffset, end]).toEqual([step, 100, 100]);
    else expect([step, readAll(found)]).toEqual([step, numbered(end)]);
  }
});

test('the high watermark is known after a stop, never beyond the log', async () => {
  const disk = new SimDisk(1, { clock });
  const { log, directory } = await clock.settle(openLog(disk, { clock }));
  appendAll(log, numbered(40));
  log.highWatermark = Offset(30);
  expect(() => (log.highWatermark = Offset(41))).toThrow('high watermark 41, the log ends at 40');
  await clock.settle(directory.close());
  const { log: found } = await clock.settle(openLog(disk, { clock }));
  expect(found.highWatermark).toBe(30);
  await clock.settle(found.truncateTo(Offset(20)));
  expect(found.highWatermark).toBe(20);
});

test('retention deletes nothing beyond the offset that it is given', async () => {
  const { log } = await given({ config: tinySegments({ 'retention.bytes': '0' }) });
  appendAll(log, numbered(60));
  await clock.settle(log.sync());
  expect(await clock.settle(log.applyRetention(clock.now(), Offset(0)))).toBe(0);
  expect(await clock.settle(log.applyRetention(clock.now(), Offset(30)))).toBeGreaterThan(0);
  expect(log.logStartOffset).toBeGreaterThan(0);
  expect(log.logStartOffset).toBeLessThanOrEqual(30);
});
