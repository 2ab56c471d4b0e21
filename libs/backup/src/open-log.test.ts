import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openLog, type OpenLog } from './open-log.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'backup-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const nameOf = (offset: number, extension: string): string => `${String(offset).padStart(20, '0')}.${extension}`;
const make = (name: string, text = name): void => writeFileSync(join(folder, name), text);

async function contents({ segments, others }: OpenLog): Promise<Record<string, string>> {
  const read = [...segments, ...others].map(async ({ name, handle }) => [name, await handle.readFile('utf8')] as const);
  return Object.fromEntries(await Promise.all(read));
}

test('the segments, the indexes of closed ones and the small files are opened; files that are no longer the log’s are not', async () => {
  for (const offset of [0, 10])
    for (const extension of ['log', 'index', 'timeindex', 'snapshot']) make(nameOf(offset, extension));
  for (const name of ['partition.metadata', 'leader-epoch-checkpoint', `${nameOf(5, 'log')}.deleted`, 'other.txt'])
    make(name);
  const log = (await openLog(folder)) as OpenLog;
  expect(log.segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 10]);
  expect(log.others.map(({ name }) => name).toSorted()).toEqual(
    [nameOf(0, 'index'), nameOf(0, 'snapshot'), nameOf(0, 'timeindex'), nameOf(10, 'snapshot')].concat(
      'leader-epoch-checkpoint',
      'partition.metadata',
    ),
  );
  await log.close();
});

test('a segment that is deleted after it was opened is copied nevertheless', async () => {
  make(nameOf(0, 'log'));
  make(nameOf(10, 'log'));
  const log = (await openLog(folder)) as OpenLog;
  rmSync(join(folder, nameOf(0, 'log')));
  expect(await contents(log)).toEqual({ [nameOf(0, 'log')]: nameOf(0, 'log'), [nameOf(10, 'log')]: nameOf(10, 'log') });
  await log.close();
});

test('while a cleaned segment is being swapped in, nothing is opened', async () => {
  make(nameOf(0, 'log'), 'uncleaned');
  make(nameOf(10, 'log'), 'active');
  make(`${nameOf(0, 'log')}.swap`, 'cleaned');
  const opening = openLog(folder);
  await pause(0);
  renameSync(join(folder, `${nameOf(0, 'log')}.swap`), join(folder, nameOf(0, 'log')));
  const log = (await opening) as OpenLog;
  expect(await contents(log)).toEqual({ [nameOf(0, 'log')]: 'cleaned', [nameOf(10, 'log')]: 'active' });
  await log.close();
});

test('no folder: no log', async () => {
  expect(await openLog(join(folder, 'absent'))).toBeUndefined();
});

test('later appends are seen, and another file of the same name is not', async () => {
  make(nameOf(0, 'log'), 'one');
  const log = (await openLog(folder)) as OpenLog;
  appendFileSync(join(folder, nameOf(0, 'log')), ' two');
  renameSync(join(folder, nameOf(0, 'log')), join(folder, 'moved'));
  make(nameOf(0, 'log'), 'of another topic');
  expect(await contents(log)).toEqual({ [nameOf(0, 'log')]: 'one two' });
  expect(readFileSync(join(folder, 'moved'), 'utf8')).toBe('one two');
  await log.close();
});
