import { BrokerId, type DiskLock, ErrorCode, LeaderEpoch, Offset, Uuid } from '@milepost/core';
import { SimClock, SimDisk } from '@milepost/simulator';
import { defaultLogConfig, LogDirectory, LogDirectoryRefused, type RecoveryProgress } from './index.ts';
import {
  appendAll,
  batchOf,
  IDENTITY,
  listeningLogger,
  numbered,
  openLog,
  readAll,
  testHost,
  tinySegments,
  TOPIC_ID,
} from './testing.ts';

const OTHER_ID = Uuid('99999999-2222-4333-8444-555555555555');
const open = (disk: SimDisk, identity: { clusterId: string | undefined; brokerId: BrokerId } = IDENTITY) =>
  LogDirectory.open(testHost(disk), '/data', identity, { flush: 'always' });
const textOf = (disk: SimDisk, path: string) => disk.files().get(path)?.toString();

describe('is refused in one line', () => {
  test('while another process holds it', async () => {
    const disk = new SimDisk();
    const directory = await open(disk);
    await expect(open(disk)).rejects.toThrow(
      new LogDirectoryRefused(
        'data folder /data is in use by another process: stop that one, or give this one its own MILEPOST_DATA_DIR',
      ),
    );
    await directory.close();
    await expect(open(disk)).resolves.toBeInstanceOf(LogDirectory);
  });

  test('when it belongs to another cluster, naming both', async () => {
    const disk = new SimDisk();
    await (await open(disk, { clusterId: 'mine', brokerId: BrokerId(1) })).close();
    const opening = open(disk, { clusterId: 'yours', brokerId: BrokerId(1) });
    await expect(opening).rejects.toThrow(
      /^data folder \/data belongs to cluster mine, the database to cluster yours: [^\n]+$/,
    );
    await expect(open(disk, { clusterId: 'mine', brokerId: BrokerId(2) })).rejects.toThrow(
      /broker 1, this is broker 2/,
    );
    expect((await open(disk, { clusterId: 'mine', brokerId: BrokerId(1) })).clusterId).toBe('mine');
  });

  test.each([
    ['EACCES', /make it writable/],
    ['EROFS', /make it writable/],
    ['ENOSPC', /free some space/],
    ['EIO', /check that disk/],
  ])('when the disk fails with %s', async (code, cure) => {
    const disk = new SimDisk();
    disk.fail = (operation) => (operation === 'append' ? code : undefined);
    await expect(open(disk)).rejects.toThrow(cure);
    disk.fail = () => undefined;
    await expect(open(disk)).resolves.toBeInstanceOf(LogDirectory);
  });
});

test('without a given cluster id the folder’s is used, and the first start creates one', async () => {
  const disk = new SimDisk();
  const first = await open(disk, { clusterId: undefined, brokerId: BrokerId(3) });
  expect(first.clusterId).toMatch(/^[\w-]{22}$/);
  await first.close();
  const second = await open(disk.powerCut(), { clusterId: undefined, brokerId: BrokerId(3) });
  expect(second.clusterId).toBe(first.clusterId);
});

test.each(['killed', 'refused by the disk'])(
  'a first start that is %s at any step leaves a folder that is usable',
  async (end) => {
    const folder = '/srv/milepost/data';
    const whole = new SimDisk();
    await openLog(whole, { folder });
    for (let last = whole.steps; last > 0; last--) {
      const first = new SimDisk(last);
      let second: SimDisk | undefined;
      if (end === 'killed') first.onStep = ({ number }) => (number === last ? (second = first.kill()) : undefined);
      else first.fail = () => (first.steps === last ? 'EIO' : undefined);
      await openLog(first, { folder }).catch(() => {});
      second ??= first.kill();
      const { log } = await openLog(second, { folder });
      appendAll(log, ['a']);
      await log.sync();
      expect([last, readAll((await openLog(second.powerCut(), { folder })).log)]).toEqual([last, ['a']]);
    }
  },
);

test('a full disk does not prevent the deletion of a log, nor its successor from starting at 0', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, numbered(30));
  await log.deleteRecordsBefore(Offset(12));
  disk.fail = (operation) => (operation === 'append' ? 'ENOSPC' : undefined);
  await directory.delete('t', 0);
  await expect(directory.create('t', OTHER_ID, 0, tinySegments())).rejects.toThrow('ENOSPC');
  disk.fail = () => undefined;
  const next = await directory.create('t', OTHER_ID, 0, tinySegments());
  appendAll(next, ['a']);
  await next.sync();
  const { log: after } = await openLog(disk.powerCut());
  expect([after.topicId, after.logStartOffset, readAll(after)]).toEqual([OTHER_ID, 0, ['a']]);
});

test('a log whose folder could not be moved away makes room for a new one of the same name', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, ['of the old topic']);
  await log.sync();
  disk.fail = (operation) => (operation === 'rename' ? 'EIO' : undefined);
  await expect(directory.delete('t', 0)).rejects.toThrow('EIO');
  disk.fail = () => undefined;
  appendAll(await directory.create('t', OTHER_ID, 0, tinySegments()), ['a']);
  await directory.close();
  expect(readAll((await openLog(disk)).log)).toEqual(['a']);
});

test('the files are those of Kafka', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, numbered(30));
  await log.sync();
  await log.deleteRecordsBefore(Offset(5));
  await directory.close();
  expect([...disk.files().keys()].sort()).toEqual([
    '/data/.kafka_cleanshutdown',
    '/data/.lock',
    '/data/cleaner-offset-checkpoint',
    '/data/log-start-offset-checkpoint',
    '/data/meta.properties',
    '/data/recovery-point-offset-checkpoint',
    '/data/replication-offset-checkpoint',
    '/data/t-0/00000000000000000000.index',
    '/data/t-0/00000000000000000000.log',
    '/data/t-0/00000000000000000000.timeindex',
    '/data/t-0/00000000000000000014.index',
    '/data/t-0/00000000000000000014.log',
    '/data/t-0/00000000000000000014.snapshot',
    '/data/t-0/00000000000000000014.timeindex',
    '/data/t-0/00000000000000000028.index',
    '/data/t-0/00000000000000000028.log',
    '/data/t-0/00000000000000000028.snapshot',
    '/data/t-0/00000000000000000028.timeindex',
    '/data/t-0/00000000000000000030.snapshot',
    '/data/t-0/leader-epoch-checkpoint',
    '/data/t-0/partition.metadata',
  ]);
  expect(textOf(disk, '/data/t-0/partition.metadata')).toBe(
    'version: 0\ntopic_id: EREREiIiQzOEREVVVVVVVQ\n'.replace(
      'EREREiIiQzOEREVVVVVVVQ',
      Buffer.from(TOPIC_ID.replaceAll('-', ''), 'hex').toString('base64url'),
    ),
  );
  expect(textOf(disk, '/data/t-0/leader-epoch-checkpoint')).toBe('0\n1\n0 5\n');
  expect(textOf(disk, '/data/log-start-offset-checkpoint')).toBe('0\n1\nt 0 5\n');
  expect(textOf(disk, '/data/recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 30\n');
  expect(textOf(disk, '/data/meta.properties')).toMatch(
    /^#\ncluster.id=cluster\ndirectory.id=\S{22}\nnode.id=1\nversion=1\n$/,
  );
});

test('the folder holds many logs, with any name that Kafka allows', async () => {
  const disk = new SimDisk();
  const directory = await open(disk);
  const names = [
    ['a', 0],
    ['a', 10],
    ['a-b', 3],
    ['a-b-7', 0],
    ['x.y_z', 1],
    ['n'.repeat(249), 2],
  ] as const;
  for (const [topic, partition] of names)
    appendAll(await directory.create(topic, TOPIC_ID, partition, defaultLogConfig), [`${topic}/${partition}`]);
  await directory.close();
  const again = await open(disk);
  expect([...again.logs()]).toHaveLength(names.length);
  for (const [topic, partition] of names) {
    const log = again.get(topic, partition);
    expect(log && [log.topic, log.partition, log.topicId, readAll(log)]).toEqual([
      topic,
      partition,
      TOPIC_ID,
      [`${topic}/${partition}`],
    ]);
  }
  expect(again.get('a', 1)).toBeUndefined();
});

test('a new log survives a power cut once its creation is acknowledged', async () => {
  const disk = new SimDisk(5);
  await openLog(disk);
  const { log } = await openLog(disk.powerCut());
  expect([log.topicId, log.logEndOffset, log.lostTail]).toEqual([TOPIC_ID, 0, false]);
});

test('a log of a deleted topic does not return, nor does anything that checkpoints held about it', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, numbered(60));
  await log.sync();
  await log.deleteRecordsBefore(Offset(50));
  await directory.delete('t', 0);
  expect(directory.get('t', 0)).toBeUndefined();
  expect(log.append(batchOf(['late']), LeaderEpoch(0))).toMatchObject({ error: ErrorCode.KAFKA_STORAGE_ERROR });
  await expect(log.sync()).rejects.toThrow('it was deleted');

  const successor = await directory.create('t', OTHER_ID, 0, tinySegments());
  appendAll(successor, numbered(20));
  await successor.sync();
  const again = await openLog(disk.powerCut());
  expect([again.log.topicId, again.log.logStartOffset]).toEqual([OTHER_ID, 0]);
  expect(readAll(again.log)).toEqual(numbered(20));
});

test('a deletion that was cut short is finished at the next start', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, numbered(60));
  disk.fail = (operation, path) => (operation === 'remove' && path.includes('-delete') ? 'EIO' : undefined);
  await directory.delete('t', 0);
  disk.fail = () => undefined;
  const cut = disk.powerCut();
  expect(cut.list('/data')?.some(({ name }) => /^t-0\.[0-9a-f]{32}-delete$/.test(name))).toBe(true);
  await open(cut);
  expect(cut.list('/data')?.some(({ name }) => name.startsWith('t-0'))).toBe(false);
});

test('an unknown log is set aside, and the next one under another name', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, ['precious']);
  await directory.setAside('t', 0);
  await directory.create('t', OTHER_ID, 0, tinySegments());
  await directory.setAside('t', 0);
  expect(disk.list('/data')?.flatMap(({ name, kind }) => (kind === 'folder' ? [name] : []))).toEqual([
    't-0.stray',
    't-0.stray.stray',
  ]);
  expect(disk.files().get('/data/t-0.stray/00000000000000000000.log')?.includes('precious')).toBe(true);
  expect([...(await open(disk.kill())).logs()]).toEqual([]);
});

test('the remains of a creation that a power cut ended are removed', async () => {
  const disk = new SimDisk();
  await (await open(disk)).close();
  disk.makeFolder('/data/half-0');
  disk.open('/data/half-0/partition.metadata.tmp', 'create').close();
  const directory = await open(disk);
  expect([...directory.logs()]).toEqual([]);
  await expect(directory.create('half', TOPIC_ID, 0, tinySegments())).resolves.toMatchObject({ topic: 'half' });
});

test('the marker of a clean stop counts once', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, numbered(10));
  await directory.close();
  const second = await openLog(disk);
  expect(second.log.recoveredBytes).toBe(0);
  appendAll(second.log, numbered(10, 10));
  const third = await openLog(disk.kill());
  expect(third.log.recoveredBytes).toBeGreaterThan(0);
  expect(readAll(third.log)).toEqual(numbered(20));
});

test('a log that changed after a clean stop is scanned nevertheless', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, numbered(10));
  await directory.close();
  const file = disk.open('/data/t-0/00000000000000000000.log', 'create');
  file.truncate(file.size() - 10);
  file.close();
  const logger = listeningLogger();
  const again = await openLog(disk, { logger });
  expect(readAll(again.log)).toEqual(numbered(9));
  expect(logger.said.warn[0]).toMatch(/ends at offset 9, but was closed at 10/);
});

test('a failed log leaves no marker', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, ['v']);
  disk.fail = (operation) => (operation === 'synced' ? 'EIO' : undefined);
  await expect(log.sync()).rejects.toThrow('EIO');
  disk.fail = () => undefined;
  await directory.close();
  expect(disk.files().has('/data/.kafka_cleanshutdown')).toBe(false);
  await expect(open(disk)).resolves.toBeInstanceOf(LogDirectory);
});

test('progress is reported log by log, with the bytes that had to be scanned', async () => {
  const disk = new SimDisk();
  const directory = await open(disk);
  for (let partition = 0; partition < 5; partition++)
    appendAll(await directory.create('t', TOPIC_ID, partition, defaultLogConfig), ['v']);
  const told: RecoveryProgress[] = [];
  const onProgress = (progress: RecoveryProgress) => void told.push(progress);
  await LogDirectory.open(testHost(disk.kill()), '/data', IDENTITY, { flush: 'always', onProgress });
  expect(told.map(({ openedLogs, totalLogs }) => [openedLogs, totalLogs])).toEqual([1, 2, 3, 4, 5].map((n) => [n, 5]));
  expect(told.at(-1)?.scannedBytes).toBe(5 * batchOf(['v']).length);
});

test('recovery points are saved once a minute', async () => {
  const disk = new SimDisk();
  const clock = new SimClock();
  const { log } = await openLog(disk, { clock });
  appendAll(log, numbered(10));
  await log.sync();
  await clock.run(61_000);
  expect(textOf(disk, '/data/recovery-point-offset-checkpoint')).toBe('0\n1\nt 0 10\n');
});

test('unreadable checkpoints cost a scan, not the logs', async () => {
  const disk = new SimDisk();
  const { directory, log } = await openLog(disk);
  appendAll(log, numbered(60));
  await directory.close();
  for (const name of ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint']) {
    const file = disk.open(`/data/${name}`, 'create');
    file.truncate(1);
    file.close();
  }
  const logger = listeningLogger();
  expect(readAll((await openLog(disk, { logger })).log)).toEqual(numbered(60));
  expect(logger.said.warn.filter((line) => line.includes('is not a checkpoint'))).toHaveLength(2);
});

test('the lock is released when opening fails', async () => {
  const disk = new SimDisk();
  await (await open(disk)).close();
  await expect(open(disk, { clusterId: 'other', brokerId: BrokerId(1) })).rejects.toThrow(LogDirectoryRefused);
  const lock: DiskLock | undefined = disk.lock('/data/.lock');
  expect(lock).toBeDefined();
});
