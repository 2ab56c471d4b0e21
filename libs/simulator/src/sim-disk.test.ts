import { DiskFailed } from '@milepost/core';
import { diskContract } from '../../core/src/contracts/disk.contract.ts';
import { PowerLost, SimClock, SimDisk, SimRandom } from './index.ts';

const folder = '/data';

async function makeDisk(seed = 0): Promise<SimDisk> {
  const disk = new SimDisk(seed);
  disk.makeFolder(folder);
  await disk.syncFolder('/');
  return disk;
}

const put = (disk: SimDisk, path: string, content: string) => {
  const file = disk.open(path, 'create');
  file.append(Buffer.from(content));
  return file;
};
const text = (disk: SimDisk, path: string): string | undefined => disk.files().get(path)?.toString();
const seeds = Array.from({ length: 300 }, (_, seed) => seed);

diskContract('SimDisk', async () => ({ disk: await makeDisk(), folder }));

test('synced bytes under synced names survive every power cut', async () => {
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    const file = put(disk, '/data/a', 'kept');
    await file.sync();
    await disk.syncFolder(folder);
    file.append(Buffer.from(' perhaps'));
    const left = text(disk.powerCut(), '/data/a') ?? '';
    expect(left.slice(0, 4)).toBe('kept');
    expect(left.length).toBeLessThanOrEqual(12);
  }
});

test('a power cut leaves all unsynced bytes, none, a torn part, or zeros', async () => {
  const fates = new Set<string>();
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    const file = disk.open('/data/a', 'create');
    await disk.syncFolder(folder);
    file.append(Buffer.alloc(5000, 'a'));
    file.append(Buffer.alloc(5000, 'b'));
    const left = disk.powerCut().files().get('/data/a') as Buffer;
    if (left.length === 0) fates.add('nothing');
    else if (left.length === 10_000 && !left.includes(0)) fates.add('all');
    else if (left.length < 5000 && !left.includes(0)) fates.add('torn first');
    else if (left.length > 5000 && !left.includes(0)) fates.add('torn second');
    if (left.includes(0) && left.includes('b')) fates.add('the second without all of the first');
  }
  expect([...fates].sort()).toEqual([
    'all',
    'nothing',
    'the second without all of the first',
    'torn first',
    'torn second',
  ]);
});

test('a name is durable only after its folder was synced', async () => {
  const left = { unsynced: new Set<boolean>(), synced: new Set<boolean>() };
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    await put(disk, '/data/synced', 'x').sync();
    await disk.syncFolder(folder);
    await put(disk, '/data/unsynced', 'x').sync();
    const after = disk.powerCut();
    left.synced.add(text(after, '/data/synced') === 'x');
    left.unsynced.add(text(after, '/data/unsynced') === 'x');
  }
  expect([...left.synced]).toEqual([true]);
  expect(left.unsynced).toEqual(new Set([false, true]));
});

test('a rename of a synced file leaves the old or the new file under the name, never neither', async () => {
  const seen = new Set<string | undefined>();
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    await put(disk, '/data/state', 'old').sync();
    await disk.syncFolder(folder);
    await put(disk, '/data/state.tmp', 'new').sync();
    disk.rename('/data/state.tmp', '/data/state');
    seen.add(text(disk.powerCut(), '/data/state'));
  }
  expect(seen).toEqual(new Set(['new', 'old']));
});

test('a rename without a sync of the new bytes may leave an empty file: the classic mistake is detected', async () => {
  const seen = new Set<string | undefined>();
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    await put(disk, '/data/state', 'old').sync();
    await disk.syncFolder(folder);
    put(disk, '/data/state.tmp', 'new');
    disk.rename('/data/state.tmp', '/data/state');
    seen.add(text(disk.powerCut(), '/data/state'));
  }
  expect(seen).toContain('');
});

test('a truncation is undone when no sync followed it', async () => {
  const seen = new Set<string | undefined>();
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    const file = put(disk, '/data/a', '0123456789');
    await file.sync();
    await disk.syncFolder(folder);
    file.truncate(4);
    seen.add(text(disk.powerCut(), '/data/a'));
  }
  expect(seen).toContain('0123456789');
  expect(seen).toContain('0123');
});

test('a removed folder may return with a part of its content', async () => {
  const seen = new Set<string>();
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    disk.makeFolder('/data/t-0');
    for (const name of ['a', 'b', 'c']) put(disk, `/data/t-0/${name}`, name);
    await disk.syncFolder(folder);
    await disk.syncFolder('/data/t-0');
    await disk.remove('/data/t-0');
    seen.add((disk.powerCut().list('/data/t-0') ?? [{ name: 'gone' }]).map((entry) => entry.name).join(''));
  }
  expect([...seen].sort()).toEqual(['', 'abc', 'bc', 'c', 'gone']);
});

test('a kill leaves the page cache, a power cut does not, and both release the locks', async () => {
  const disk = await makeDisk(5);
  put(disk, '/data/a', 'unsynced');
  expect(disk.lock('/data/.lock')).toBeDefined();
  const killed = disk.kill();
  expect(text(killed, '/data/a')).toBe('unsynced');
  expect(killed.lock('/data/.lock')).toBeDefined();
  expect(killed.lock('/data/.lock')).toBeUndefined();
  expect(killed.powerCut().lock('/data/.lock')).toBeDefined();
});

test('the old disk does nothing after a power cut', async () => {
  const clock = new SimClock();
  const disk = new SimDisk(1, { clock });
  const file = disk.open('/a', 'create');
  file.append(Buffer.from('x'));
  const sync = file.sync();
  const after = disk.powerCut();
  await expect(clock.settle(sync)).rejects.toThrow(PowerLost);
  expect(() => file.append(Buffer.from('y'))).toThrow(PowerLost);
  expect(() => disk.open('/b', 'create')).toThrow(PowerLost);
  expect(() => disk.powerCut()).toThrow(PowerLost);
  expect(after.list('/')?.map((entry) => entry.name) ?? []).not.toContain('b');
});

test('a sync covers changes before the call, not those while it runs', async () => {
  let lost = 0;
  for (const seed of seeds) {
    const clock = new SimClock();
    const disk = new SimDisk(seed, { clock });
    const file = disk.open('/a', 'create');
    await clock.settle(disk.syncFolder('/'));
    file.append(Buffer.from('before'));
    const sync = file.sync();
    file.append(Buffer.from('+while'));
    await clock.settle(sync);
    const left = text(disk.powerCut(), '/a') ?? '';
    expect(left.startsWith('before')).toBe(true);
    if (!left.endsWith('+while')) lost++;
  }
  expect(lost).toBeGreaterThan(50);
});

test('the power can be cut at every single step, and what was synced by then is there', async () => {
  const workload = async (disk: SimDisk, promised: string[]): Promise<void> => {
    disk.makeFolder(folder);
    await disk.syncFolder('/');
    for (const name of ['a', 'b', 'c']) {
      const file = put(disk, `/data/${name}.tmp`, name.repeat(3));
      await file.sync();
      disk.rename(`/data/${name}.tmp`, `/data/${name}`);
      await disk.syncFolder(folder);
      promised.push(name);
    }
  };
  const whole = new SimDisk(0);
  await workload(whole, []);
  expect(whole.steps).toBeGreaterThan(20);
  const counts = new Set<number>();
  for (let cut = 1; cut <= whole.steps; cut++)
    for (let seed = 0; seed < 5; seed++) {
      const disk = new SimDisk(seed);
      const promised: string[] = [];
      let after: SimDisk | undefined;
      disk.onStep = (step) => {
        if (step.number === cut) after = disk.powerCut();
      };
      await expect(workload(disk, promised)).rejects.toThrow(PowerLost);
      counts.add(promised.length);
      for (const name of promised) expect(after && text(after, `/data/${name}`)).toBe(name.repeat(3));
    }
  expect([...counts]).toEqual([0, 1, 2]);
});

test('only a power cut reveals a sync that does nothing', async () => {
  let lost = 0;
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    disk.syncIsALie = (path) => path.endsWith('.log');
    const file = put(disk, '/data/0.log', 'acknowledged');
    await file.sync();
    await disk.syncFolder(folder);
    expect(text(disk, '/data/0.log')).toBe('acknowledged');
    if (text(disk.powerCut(), '/data/0.log') !== 'acknowledged') lost++;
  }
  expect(lost).toBeGreaterThan(100);
});

test('a failed sync loses what it covered, and a second one that succeeds does not restore it', async () => {
  let lost = 0;
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    const file = put(disk, '/data/a', 'x');
    await disk.syncFolder(folder);
    disk.fail = (operation) => (operation === 'synced' ? 'EIO' : undefined);
    await expect(file.sync()).rejects.toThrow('synced /data/a: EIO');
    disk.fail = () => undefined;
    await file.sync();
    expect(text(disk, '/data/a')).toBe('x');
    if (text(disk.powerCut(), '/data/a') === '') lost++;
  }
  expect(lost).toBeGreaterThan(50);
});

test('what a failed sync gave up of a page comes to the platter with the next write to that page, never without it', async () => {
  for (const seed of seeds) {
    const disk = await makeDisk(seed);
    const file = disk.open('/data/a', 'create');
    await disk.syncFolder(folder);
    file.append(Buffer.from('given up, '));
    disk.fail = (operation) => (operation === 'synced' ? 'EIO' : undefined);
    await expect(file.sync()).rejects.toThrow(DiskFailed);
    disk.fail = () => undefined;
    file.append(Buffer.from('written'));
    await file.sync();
    expect(text(disk.powerCut(), '/data/a')).toBe('given up, written');
  }
});

test('a full disk takes what fits and reports the rest; removing makes room', async () => {
  const disk = await makeDisk();
  disk.capacityBytes = 10;
  const file = put(disk, '/data/a', '1234567');
  expect(() => file.append(Buffer.from('abcdef'))).toThrow(DiskFailed);
  expect(text(disk, '/data/a')).toBe('1234567abc');
  expect(file.size()).toBe(10);
  expect(disk.free(folder)).toEqual({ freeBytes: 0, totalBytes: 10 });
  file.truncate(7);
  expect(disk.free(folder).freeBytes).toBe(3);
  await disk.remove('/data/a');
  expect(disk.free(folder).freeBytes).toBe(10);
});

test('a failing append leaves a part, which the size includes', async () => {
  const disk = await makeDisk(3);
  disk.fail = (operation) => (operation === 'append' ? 'EIO' : undefined);
  const file = disk.open('/data/a', 'create');
  const sizes = new Set<number>();
  for (let n = 0; n < 20; n++) {
    expect(() => file.append(Buffer.from('abcdef'))).toThrow(DiskFailed);
    sizes.add(file.size());
  }
  expect(sizes.size).toBeGreaterThan(5);
  expect(text(disk, '/data/a')).toHaveLength(file.size());
});

test('a flipped bit is on the platter', async () => {
  const disk = await makeDisk(9);
  const file = put(disk, '/data/a', 'aaaa');
  await file.sync();
  await disk.syncFolder(folder);
  disk.flipBit('/data/a', 9);
  expect(text(disk, '/data/a')).toBe('acaa');
  expect(text(disk.powerCut(), '/data/a')).toBe('acaa');
});

test('the same seed loses the same', async () => {
  const run = async (seed: number) => {
    const disk = new SimDisk(new SimRandom(seed));
    for (let n = 0; n < 30; n++) {
      const file = put(disk, `/${n % 7}`, `${n}`.repeat(n * 50));
      if (n % 5 === 0) await file.sync();
      if (n % 6 === 0) await disk.syncFolder('/');
    }
    return [...disk.powerCut().files()].map(([path, bytes]) => `${path}:${bytes.toString('base64')}`).join('\n');
  };
  expect(await run(4)).toBe(await run(4));
  expect(await run(4)).not.toBe(await run(5));
});
