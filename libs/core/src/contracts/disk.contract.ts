// The promises of every Disk while it lives. The simulated disk's own test covers what survives a power cut.
import { InvariantBroken } from '../invariant.ts';
import { type Disk, DiskFailed } from '../ports.ts';

export interface DiskUnderTest {
  readonly disk: Disk;
  /** An existing, empty folder. */
  readonly folder: string;
}

export function diskContract(name: string, make: () => DiskUnderTest | Promise<DiskUnderTest>): void {
  const text = (disk: Disk, path: string): string | undefined => {
    const file = disk.open(path, 'existing');
    if (file === undefined) return undefined;
    const target = Buffer.alloc(file.size());
    expect(file.read(0, target)).toBe(target.length);
    file.close();
    return target.toString();
  };
  const put = (disk: Disk, path: string, content: string): void => {
    const file = disk.open(path, 'create');
    file.append(Buffer.from(content));
    file.close();
  };

  describe(`${name} is a Disk`, () => {
    test('an absent file opens as undefined, or is created', async () => {
      const { disk, folder } = await make();
      expect(disk.open(`${folder}/a`, 'existing')).toBeUndefined();
      const file = disk.open(`${folder}/a`, 'create');
      expect([file.path, file.size()]).toEqual([`${folder}/a`, 0]);
      file.close();
      expect(text(disk, `${folder}/a`)).toBe('');
    });

    test('appended bytes can be read immediately, up to the end of the file', async () => {
      const { disk, folder } = await make();
      const file = disk.open(`${folder}/a`, 'create');
      file.append(Buffer.from('hello '));
      file.append(Buffer.from('world'));
      file.append(Buffer.alloc(0));
      expect(file.size()).toBe(11);
      const target = Buffer.alloc(8, '.');
      expect(file.read(6, target)).toBe(5);
      expect(target.toString()).toBe('world...');
      expect(file.read(11, target)).toBe(0);
      expect(file.read(500, target)).toBe(0);
      expect(file.read(2, Buffer.alloc(0))).toBe(0);
      file.close();
    });

    test('an append of several megabytes is whole', async () => {
      const { disk, folder } = await make();
      const file = disk.open(`${folder}/a`, 'create');
      const bytes = Buffer.from(Array.from({ length: 3_000_017 }, (_, n) => (n * 7 + (n >> 8)) & 0xff));
      file.append(Buffer.from('x'));
      file.append(bytes);
      await file.sync();
      const target = Buffer.alloc(bytes.length);
      expect(file.read(1, target)).toBe(bytes.length);
      expect(target.equals(bytes)).toBe(true);
      file.close();
    });

    test('a reopened file continues where it ended', async () => {
      const { disk, folder } = await make();
      put(disk, `${folder}/a`, 'one ');
      put(disk, `${folder}/a`, 'two');
      expect(text(disk, `${folder}/a`)).toBe('one two');
    });

    test('two open handles of a file see the same bytes', async () => {
      const { disk, folder } = await make();
      const writer = disk.open(`${folder}/a`, 'create');
      const reader = disk.open(`${folder}/a`, 'existing');
      writer.append(Buffer.from('shared'));
      const target = Buffer.alloc(6);
      expect(reader?.read(0, target)).toBe(6);
      expect(target.toString()).toBe('shared');
      expect(reader?.size()).toBe(6);
      writer.close();
      reader?.close();
    });

    test('a write in place changes only its bytes; beyond the size it is a bug', async () => {
      const { disk, folder } = await make();
      const file = disk.open(`${folder}/a`, 'create');
      file.append(Buffer.from('0123456789'));
      file.write(3, Buffer.from('abc'));
      expect(() => file.write(8, Buffer.from('abc'))).toThrow(InvariantBroken);
      file.append(Buffer.from('!'));
      file.close();
      expect(text(disk, `${folder}/a`)).toBe('012abc6789!');
    });

    test('a truncated file ends there, and continues from there', async () => {
      const { disk, folder } = await make();
      const file = disk.open(`${folder}/a`, 'create');
      file.append(Buffer.from('0123456789'));
      file.truncate(4);
      expect(file.size()).toBe(4);
      expect(() => file.truncate(5)).toThrow(InvariantBroken);
      file.append(Buffer.from('x'));
      await file.sync();
      file.close();
      expect(text(disk, `${folder}/a`)).toBe('0123x');
    });

    test('syncs of one file may overlap', async () => {
      const { disk, folder } = await make();
      const file = disk.open(`${folder}/a`, 'create');
      const syncs = [1, 2, 3].map((n) => {
        file.append(Buffer.from(`${n}`));
        return file.sync();
      });
      await Promise.all(syncs);
      file.close();
      expect(text(disk, `${folder}/a`)).toBe('123');
    });

    test('a file may be closed while it is being synced', async () => {
      const { disk, folder } = await make();
      const file = disk.open(`${folder}/a`, 'create');
      file.append(Buffer.from('bytes'));
      const sync = file.sync();
      file.close();
      await sync;
      expect(text(disk, `${folder}/a`)).toBe('bytes');
    });

    test('a closed file cannot be used', async () => {
      const { disk, folder } = await make();
      const file = disk.open(`${folder}/a`, 'create');
      file.close();
      file.close();
      expect(() => file.append(Buffer.from('x'))).toThrow(InvariantBroken);
      expect(() => file.read(0, Buffer.alloc(1))).toThrow(InvariantBroken);
    });

    test('names are listed sorted, with their kind; an absent folder is undefined', async () => {
      const { disk, folder } = await make();
      put(disk, `${folder}/b`, '');
      put(disk, `${folder}/B`, '');
      disk.makeFolder(`${folder}/a/deep/er`);
      disk.makeFolder(`${folder}/a`);
      expect(disk.list(folder)).toEqual([
        { name: 'B', kind: 'file' },
        { name: 'a', kind: 'folder' },
        { name: 'b', kind: 'file' },
      ]);
      expect(disk.list(`${folder}/a/deep`)).toEqual([{ name: 'er', kind: 'folder' }]);
      expect(disk.list(`${folder}/none`)).toBeUndefined();
      await disk.syncFolder(folder);
    });

    test('a rename replaces a file, and moves a folder with its content', async () => {
      const { disk, folder } = await make();
      put(disk, `${folder}/new`, 'new');
      put(disk, `${folder}/old`, 'old');
      disk.rename(`${folder}/new`, `${folder}/old`);
      expect(text(disk, `${folder}/old`)).toBe('new');
      expect(disk.open(`${folder}/new`, 'existing')).toBeUndefined();
      disk.makeFolder(`${folder}/t-0`);
      put(disk, `${folder}/t-0/0.log`, 'batches');
      disk.rename(`${folder}/t-0`, `${folder}/t-0.1-delete`);
      expect(disk.list(`${folder}/t-0`)).toBeUndefined();
      expect(text(disk, `${folder}/t-0.1-delete/0.log`)).toBe('batches');
    });

    test('an open file keeps its bytes when it or its folder is renamed, or when it is removed', async () => {
      const { disk, folder } = await make();
      disk.makeFolder(`${folder}/t-0`);
      const file = disk.open(`${folder}/t-0/0.log`, 'create');
      file.append(Buffer.from('one'));
      disk.rename(`${folder}/t-0/0.log`, `${folder}/t-0/0.log.deleted`);
      put(disk, `${folder}/t-0/0.log`, 'another');
      file.append(Buffer.from(' two'));
      disk.rename(`${folder}/t-0`, `${folder}/t-0-delete`);
      file.append(Buffer.from(' three'));
      await file.sync();
      expect(text(disk, `${folder}/t-0-delete/0.log.deleted`)).toBe('one two three');
      await disk.remove(`${folder}/t-0-delete`);
      const target = Buffer.alloc(13);
      expect(file.read(0, target)).toBe(13);
      expect(target.toString()).toBe('one two three');
      file.close();
    });

    test('a removed file is gone, a folder with its content; an absent name is fine', async () => {
      const { disk, folder } = await make();
      disk.makeFolder(`${folder}/a/b`);
      put(disk, `${folder}/a/b/c`, 'c');
      put(disk, `${folder}/d`, 'd');
      await disk.remove(`${folder}/a`);
      await disk.remove(`${folder}/d`);
      await disk.remove(`${folder}/none`);
      expect(disk.list(folder)).toEqual([]);
    });

    test('a failure names the operation, the path and the reason', async () => {
      const { disk, folder } = await make();
      put(disk, `${folder}/file`, '');
      disk.makeFolder(`${folder}/folder`);
      const failure = (act: () => unknown): Pick<DiskFailed, 'operation' | 'path' | 'code'> | undefined => {
        try {
          act();
          return undefined;
        } catch (error) {
          if (!(error instanceof DiskFailed)) throw error;
          return { operation: error.operation, path: error.path, code: error.code };
        }
      };
      expect(failure(() => disk.open(`${folder}/none/a`, 'create'))).toEqual({
        operation: 'open',
        path: `${folder}/none/a`,
        code: 'ENOENT',
      });
      expect(failure(() => disk.open(`${folder}/folder`, 'existing'))?.code).toBe('EISDIR');
      expect(failure(() => disk.rename(`${folder}/none`, `${folder}/a`))?.code).toBe('ENOENT');
      expect(failure(() => disk.makeFolder(`${folder}/file/a`))?.code).toBe('ENOTDIR');
      await expect(disk.syncFolder(`${folder}/none`)).rejects.toThrow(DiskFailed);
    });

    test('a lock has one holder until it is released', async () => {
      const { disk, folder } = await make();
      const lock = disk.lock(`${folder}/.lock`);
      expect(lock).toBeDefined();
      expect(disk.lock(`${folder}/.lock`)).toBeUndefined();
      const other = disk.lock(`${folder}/.other`);
      expect(other).toBeDefined();
      lock?.release();
      lock?.release();
      const again = disk.lock(`${folder}/.lock`);
      expect(again).toBeDefined();
      // A late release by the first holder does not release the second one's lock.
      lock?.release();
      expect(disk.lock(`${folder}/.lock`)).toBeUndefined();
      again?.release();
      other?.release();
    });

    test('free space is below the total', async () => {
      const { disk, folder } = await make();
      const { freeBytes, totalBytes } = disk.free(folder);
      expect(totalBytes).toBeGreaterThan(0);
      expect(freeBytes).toBeGreaterThan(0);
      expect(freeBytes).toBeLessThanOrEqual(totalBytes);
      expect(() => disk.free(`${folder}/none`)).toThrow(DiskFailed);
    });
  });
}
