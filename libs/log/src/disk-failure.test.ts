// A failed sync is logged when it fails, once and in the same words, whatever requested it.
import { DiskFailed, ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { SimClock, SimDisk } from '@milepost/simulator';
import { type Log, LogCleaner, LogFailed } from './index.ts';
import {
  appendAll,
  batchOf,
  everything,
  listeningLogger,
  openLog,
  START_MS,
  testHost,
  tinySegments,
} from './testing.ts';

interface Scene {
  readonly log: Log;
  readonly disk: SimDisk;
  readonly clock: SimClock;
  readonly logger: ReturnType<typeof listeningLogger>;
  /** From now on. */
  readonly diskFails: () => void;
}

const big = 'x'.repeat(900);
const old = (log: Log) => log.append(batchOf([{ value: big, timestamp: START_MS - 5_000 }]), LeaderEpoch(0));
const heard = (failing: Promise<unknown>) => expect(failing).rejects.toThrow(LogFailed);

/** Before each of these, two records are durable. */
const ways: Record<string, { failsAt?: RegExp; run: (scene: Scene) => Promise<unknown> | void }> = {
  'a commit': {
    run: ({ log, diskFails }) => {
      appendAll(log, ['c']);
      diskFails();
      return heard(log.sync());
    },
  },
  'a roll that nobody waits for': {
    run: ({ log, diskFails }) => {
      diskFails();
      appendAll(log, [big]);
    },
  },
  retention: {
    failsAt: /t-0$/,
    run: ({ log, diskFails }) => {
      diskFails();
      return heard(log.applyRetention(START_MS + 10_000));
    },
  },
  'a deletion of records': {
    run: ({ log, diskFails }) => {
      appendAll(log, ['c']);
      diskFails();
      return heard(log.deleteRecordsBefore(Offset(3)));
    },
  },
  'the cleaner': {
    failsAt: /t-0$/,
    run: async ({ log, disk, clock, logger, diskFails }) => {
      const cleaner = new LogCleaner({
        host: testHost(disk, { clock, logger }),
        logs: () => [log],
        settings: () => ({ isEnabled: true, backoffMs: 1, mapBytes: 24_000, mapLoadFactor: 0.9, bytesPerSecond: 1e9 }),
        lastStableOffsetOf: (one) => one.flushedOffset,
      });
      diskFails();
      await cleaner.round();
    },
  },
  'a stop': {
    run: async ({ log, diskFails }) => {
      appendAll(log, ['c']);
      diskFails();
      expect(await log.close()).toBe(false);
    },
  },
};

test.each(Object.keys(ways))(
  'a sync that fails in %s stops the log, and the message has the reason and the cure',
  async (name) => {
    const way = ways[name] as (typeof ways)[string];
    const clock = new SimClock();
    const disk = new SimDisk(1, { clock });
    const logger = listeningLogger();
    const policy = name === 'the cleaner' ? 'compact' : 'delete';
    const config = tinySegments({
      'cleanup.policy': policy,
      'retention.ms': '1000',
      'min.cleanable.dirty.ratio': '0.01',
    });
    const { log } = await clock.settle(openLog(disk, { config, clock, logger }));
    old(log);
    old(log);
    await clock.settle(log.sync());
    const diskFails = (): void => {
      disk.fail = (operation, path) =>
        operation.startsWith('sync') && (way.failsAt ?? /t-0\/[^/]+\.log$/).test(path) ? 'EIO' : undefined;
    };
    await clock.settle(Promise.resolve(way.run({ log, disk, clock, logger, diskFails })));
    await clock.settle(log.sync().catch(() => {})); // whatever is pending
    expect(log.failed).toBe(true);
    expect(logger.said.error).toEqual([
      expect.stringMatching(
        /^t-0 takes no more records: its disk failed: sync\w* \/data\/t-0\S*: EIO \(told to fail\); all below offset 2 is safe, what came after may be lost; check the disk, then restart the broker$/,
      ),
    ]);
  },
);

test('a failed read is refused and logged, and the log continues', async () => {
  const disk = new SimDisk();
  let fails = false;
  const open = disk.open.bind(disk) as (path: string, mode: 'create') => ReturnType<SimDisk['open']>;
  disk.open = ((path: string, mode: 'create') => {
    const file = open(path, mode);
    const read = file?.read.bind(file);
    if (file && read)
      file.read = (position, target) => {
        if (fails && path.endsWith('.log')) throw new DiskFailed('read', path, 'EIO');
        return read(position, target);
      };
    return file;
  }) as SimDisk['open'];
  const logger = listeningLogger();
  const { log } = await openLog(disk, { logger });
  appendAll(log, ['a']);
  await log.sync();
  fails = true;
  expect(log.read(Offset(0), everything(log.logEndOffset))).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
  expect(logger.said.error).toEqual([expect.stringMatching(/^t-0: read \/data\/t-0\/\d+\.log: EIO$/)]);
  fails = false;
  appendAll(log, ['b']);
  await log.sync();
  expect([log.failed, log.flushedOffset]).toEqual([false, 2]);
});
