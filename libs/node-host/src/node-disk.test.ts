import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DiskFailed } from '@milepost/core';
import { diskContract } from '../../core/src/contracts/disk.contract.ts';
import { nodeDisk } from './index.ts';

const folders: string[] = [];
const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-disk-'));
  folders.push(folder);
  return folder;
};
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

diskContract('nodeDisk', () => ({ disk: nodeDisk(), folder: makeFolder() }));
diskContract('nodeDisk with one descriptor', () => ({ disk: nodeDisk({ openFiles: 1 }), folder: makeFolder() }));

const descriptorsIn = (folder: string): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return []; // the descriptor of this listing itself
    }
  });
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('three hundred files share ten descriptors, and each keeps its bytes', async () => {
  const folder = makeFolder();
  const disk = nodeDisk({ openFiles: 10 });
  const files = [];
  for (let n = 0; n < 300; n++) {
    const file = disk.open(`${folder}/${n}`, 'create');
    file.append(Buffer.from(`first ${n}`));
    await file.sync();
    files.push(file);
  }
  expect(descriptorsIn(folder).length).toBeLessThanOrEqual(10);
  for (const [n, file] of files.entries()) {
    file.append(Buffer.from(`, second ${n}`));
    await file.sync();
  }
  for (const [n, file] of files.entries()) {
    const target = Buffer.alloc(100);
    expect(target.toString('utf8', 0, file.read(0, target))).toBe(`first ${n}, second ${n}`);
  }
  expect(descriptorsIn(folder).length).toBeLessThanOrEqual(10);
  for (const file of files) file.close();
  expect(descriptorsIn(folder)).toEqual([]);
});

onLinux('a file with unsynced bytes keeps its descriptor until they are synced', async () => {
  const folder = makeFolder();
  const disk = nodeDisk({ openFiles: 2 });
  const files = Array.from({ length: 20 }, (_, n) => disk.open(`${folder}/${n}`, 'create'));
  for (const file of files) file.append(Buffer.from('dirty'));
  expect(descriptorsIn(folder)).toHaveLength(20);
  await Promise.all(files.map((file) => file.sync()));
  files[0]?.read(0, Buffer.alloc(1));
  const other = disk.open(`${folder}/other`, 'create');
  expect(descriptorsIn(folder).length).toBeLessThanOrEqual(2);
  for (const file of [...files, other]) file.close();
});

test('a path that is no file and one that may not be entered have different errors', () => {
  const folder = makeFolder();
  writeFileSync(`${folder}/file`, '');
  const disk = nodeDisk();
  expect(disk.open(`${folder}/none/x`, 'existing')).toBeUndefined();
  expect(() => disk.open(`${folder}/file/x`, 'create')).toThrow(/open .*: ENOTDIR/);
  expect(() => disk.lock(`${folder}/none/.lock`)).toThrow(/lock .*: ENOENT/);
});

onLinux('a full disk says ENOSPC, and the size is the truth', () => {
  const full = nodeDisk().open('/dev/full', 'existing');
  let failure: unknown;
  try {
    full?.append(Buffer.from('x'));
  } catch (error) {
    failure = error;
  }
  expect(failure).toBeInstanceOf(DiskFailed);
  expect((failure as DiskFailed).code).toBe('ENOSPC');
  expect(full?.size()).toBe(0);
  full?.close();
});

describe('a lock between processes', () => {
  const source = new URL('node-lock.ts', import.meta.url).pathname;
  const hook = new URL('../../../tools/swc-hook.mjs', import.meta.url).pathname;
  const node = (script: string) => ['--import', hook, '--input-type=module', '-e', script];
  const tryIt = `import { lockFile } from ${JSON.stringify(source)}; const lock = lockFile(process.env.LOCK);`;
  const run = promisify(execFile);
  const isFree = async (path: string) => {
    const script = `${tryIt} console.log(lock ? 'free' : 'taken');`;
    const { stdout } = await run(process.execPath, node(script), { env: { ...process.env, LOCK: path } });
    return stdout.trim() === 'free';
  };

  test('has one holder, and is released when the holder is killed', async () => {
    const path = `${makeFolder()}/.lock`;
    const holder = spawn(
      process.execPath,
      node(`${tryIt} console.log(lock ? 'held' : 'no'); setInterval(() => {}, 1000);`),
      {
        env: { ...process.env, LOCK: path },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const said = await new Promise<string>((resolve) =>
      holder.stdout.once('data', (data: Buffer) => resolve(data.toString())),
    );
    expect(said.trim()).toBe('held');
    const disk = nodeDisk();
    expect(disk.lock(path)).toBeUndefined();
    expect(await isFree(path)).toBe(false);
    const gone = new Promise((resolve) => holder.once('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    const lock = disk.lock(path);
    expect(lock).toBeDefined();
    expect(await isFree(path)).toBe(false);
    lock?.release();
    expect(await isFree(path)).toBe(true);
  });

  test('is acquired by one of eight processes that start together', async () => {
    const path = `${makeFolder()}/.lock`;
    const script = `${tryIt} console.log(lock ? 'held' : 'no'); await new Promise((resolve) => process.stdin.once('data', resolve)); process.exit();`;
    const contenders = Array.from({ length: 8 }, () =>
      spawn(process.execPath, node(script), {
        env: { ...process.env, LOCK: path },
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    const said = await Promise.all(
      contenders.map(
        (one) =>
          new Promise<string>((resolve) => one.stdout.once('data', (data: Buffer) => resolve(data.toString().trim()))),
      ),
    );
    for (const one of contenders) one.stdin.end('go');
    await Promise.all(contenders.map((one) => new Promise((resolve) => one.once('exit', resolve))));
    expect(said.filter((word) => word === 'held')).toHaveLength(1);
  });
});
