// Some of the promises on the machine's own disk. That the simulated disk behaves like it is tested elsewhere.
import { ErrorCode, LeaderEpoch, Offset } from '@milepost/core';
import { nodeClock, nodeDisk } from '@milepost/node-host';
import { mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogDirectory } from './index.ts';
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

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'milepost-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const logFiles = () => readdirSync(join(folder, 't-0')).filter((name) => name.endsWith('.log'));

test('appends, syncs, rolls, reads, closes and continues', async () => {
  const { directory, log } = await openLog(nodeDisk(), { folder });
  await Promise.all(
    numbered(200).map((value) => {
      appendAll(log, [value]);
      return log.sync();
    }),
  );
  expect(log.flushedOffset).toBe(200);
  expect(logFiles().length).toBeGreaterThan(10);
  expect(readAll(log)).toEqual(numbered(200));
  await directory.close();
  const again = await openLog(nodeDisk(), { folder });
  expect(again.log.recoveredBytes).toBe(0);
  appendAll(again.log, numbered(10, 200));
  expect(readAll(again.log)).toEqual(numbered(210));
  await again.directory.close();
});

test('a torn tail is cut', async () => {
  const { directory, log } = await openLog(nodeDisk(), { folder });
  appendAll(log, numbered(40));
  await directory.close();
  rmSync(join(folder, '.kafka_cleanshutdown'));
  const last = logFiles().at(-1) as string;
  writeFileSync(join(folder, 't-0', last), batchOf(['torn']).subarray(0, 50), { flag: 'a' });
  const logger = listeningLogger();
  const again = await openLog(nodeDisk(), { folder, logger });
  expect(logger.said.warn).toEqual([expect.stringContaining('cut 50 bytes behind offset 40')]);
  expect(readAll(again.log)).toEqual(numbered(40));
  await again.directory.close();
});

test('a file that shrinks under the log is CORRUPT_MESSAGE, never half a batch', async () => {
  const { directory, log } = await openLog(nodeDisk(), { folder });
  appendAll(log, numbered(5));
  await log.sync();
  truncateSync(join(folder, 't-0', logFiles()[0] as string), batchOf(['v0']).length * 3 + 20);
  const read = (from: number) => log.read(Offset(from), { maxBytes: 1, upTo: log.logEndOffset, atLeastOneBatch: true });
  expect([0, 1, 2, 3, 4].map((from) => read(from).error)).toEqual([
    0,
    0,
    0,
    ErrorCode.CORRUPT_MESSAGE,
    ErrorCode.CORRUPT_MESSAGE,
  ]);
  await directory.close();
});

test('retention removes files, and deletion removes the folder', async () => {
  const { directory, log } = await openLog(nodeDisk(), { folder });
  appendAll(log, numbered(100));
  await log.deleteRecordsBefore(Offset(90));
  expect(log.append(batchOf(['more']), LeaderEpoch(0))).toMatchObject({ baseOffset: 100 });
  await directory.delete('t', 0);
  expect(readdirSync(folder).some((name) => name === 't-0')).toBe(false);
  await directory.close();
});

test('many logs share few open files', async () => {
  const disk = nodeDisk({ openFiles: 8 });
  const host = testHost(disk, { clock: nodeClock });
  const directory = await LogDirectory.open(host, folder, IDENTITY, { flush: 'always' });
  const logs = [];
  for (let partition = 0; partition < 40; partition++)
    logs.push(await directory.create('many', TOPIC_ID, partition, tinySegments()));
  for (let round = 0; round < 3; round++) for (const log of logs) appendAll(log, [`r${round}`]);
  await Promise.all(logs.map((log) => log.sync()));
  for (const log of logs) expect(readAll(log)).toEqual(['r0', 'r1', 'r2']);
  await directory.close();
});
