// A disk in memory that loses unsynced changes. At a power cut unsynced bytes survive in part, torn and out of order,
// unsynced names not at all or in part, locks never; the seed decides. It fails on command: full, failing syncs (what
// they covered is then lost, as on Linux), flipped bits. Every step is counted and announced before it is done, so that
// a test can cut the power at each of them.
import {
  type Clock,
  type Disk,
  type DiskEntry,
  DiskFailed,
  type DiskFile,
  type DiskLock,
  invariant,
} from '@milepost/core';
import { type DiskInside, type DiskOperation, SimDiskFile } from './sim-disk-file.ts';
import { type SimNode, SimFolder, SimInode } from './sim-inode.ts';
import { SimRandom } from './sim-random.ts';

export interface DiskStep {
  /** From 1. */
  readonly number: number;
  readonly operation: DiskOperation;
  readonly path: string;
}

/** Thrown to users of a disk whose power is gone, or whose program was killed. No program sees it while it lives. */
export class PowerLost extends Error {
  override readonly name = 'PowerLost';
}

export interface SimDiskOptions {
  /** Syncs take 0.2 to 5 ms of this clock; without a clock they complete when the caller awaits them. */
  readonly clock?: Clock;
  readonly capacityBytes?: number;
}

const CAPACITY_BYTES = 2 ** 40;

export class SimDisk implements Disk {
  /** Called before each step. The step is not done if the hook has cut the power. */
  onStep: (step: DiskStep) => void = () => {};
  /** The errno with which the step fails, if any. A failing append leaves a part of its bytes. */
  fail: (operation: DiskOperation, path: string) => string | undefined = () => undefined;
  /** Syncs and removals take this many times longer. */
  slowness = 1;
  /** A planted bug: a sync that succeeds and does nothing. A test must detect it. */
  syncIsALie: (path: string) => boolean = () => false;
  capacityBytes: number;

  readonly #random: SimRandom;
  readonly #clock: Clock | undefined;
  #root = new SimFolder();
  readonly #locks = new Map<string, DiskLock>();
  #usedBytes = 0;
  #steps = 0;
  #isOff = false;
  readonly #inside: DiskInside;

  constructor(random: SimRandom | number = 0, options: SimDiskOptions = {}) {
    this.#random = typeof random === 'number' ? new SimRandom(random) : random;
    this.#clock = options.clock;
    this.capacityBytes = options.capacityBytes ?? CAPACITY_BYTES;
    this.#inside = {
      random: this.#random,
      step: (operation, path) => this.#step(operation, path),
      elapse: () => this.#elapse(),
      isLie: (path) => this.syncIsALie(path),
      freeBytes: () => this.capacityBytes - this.#usedBytes,
      use: (bytes) => {
        this.#usedBytes += bytes;
      },
    };
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }
  get steps(): number {
    return this.#steps;
  }
  get isOff(): boolean {
    return this.#isOff;
  }

  /**
   * The disk after the power is back, on the same clock or that of the next program. This disk is dead: its calls
   * throw, its syncs never succeed.
   */
  powerCut(clock = this.#clock): SimDisk {
    return this.#successor(this.#root.afterPowerCut(this.#random), clock);
  }

  /** kill -9 of the program: the page cache survives, locks and running syncs do not. */
  kill(clock = this.#clock): SimDisk {
    return this.#successor(this.#root, clock);
  }

  /** Flips a bit of a file on the platter itself; a random one by default. Returns which. */
  flipBit(path: string, bit?: number): number {
    const inode = this.#node(path);
    invariant(inode instanceof SimInode && inode.sizeBytes > 0, () => `no bytes at ${path}`);
    const chosen = bit ?? this.#random.below(inode.sizeBytes * 8);
    inode.flipBit(chosen);
    return chosen;
  }

  /** All files with their bytes as programs see them: two runs of one seed must agree on them. */
  files(): Map<string, Buffer> {
    const found = new Map<string, Buffer>();
    const visit = (folder: SimFolder, path: string): void => {
      for (const [name, node] of folder.names)
        if (node instanceof SimFolder) visit(node, `${path}/${name}`);
        else found.set(`${path}/${name}`, node.seen);
    };
    visit(this.#root, '');
    return found;
  }

  open(path: string, mode: 'existing'): DiskFile | undefined;
  open(path: string, mode: 'create'): DiskFile;
  open(path: string, mode: 'existing' | 'create'): DiskFile | undefined {
    this.#mustBeOn();
    let node = this.#node(path);
    if (node instanceof SimFolder) throw new DiskFailed('open', path, 'EISDIR');
    if (node === undefined) {
      if (mode === 'existing') return undefined;
      const folder = this.#folderOf(path, 'open');
      this.#step('create', path);
      node = new SimInode();
      folder.name(new Map([[nameOf(path), node]]));
    }
    return new SimDiskFile(this.#inside, path, node);
  }

  list(folder: string): DiskEntry[] | undefined {
    this.#mustBeOn();
    const node = this.#node(folder);
    if (node === undefined) return undefined;
    if (!(node instanceof SimFolder)) throw new DiskFailed('list', folder, 'ENOTDIR');
    return [...node.names]
      .map(([name, child]) => ({ name, kind: child instanceof SimFolder ? ('folder' as const) : ('file' as const) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  rename(from: string, to: string): void {
    this.#step('rename', from);
    const source = this.#folderOf(from, 'rename');
    const target = this.#folderOf(to, 'rename');
    const node = source.names.get(nameOf(from));
    if (node === undefined) throw new DiskFailed('rename', from, 'ENOENT');
    const replaced = target.names.get(nameOf(to));
    if (replaced === node) return;
    if (node instanceof SimFolder && replaced !== undefined) throw new DiskFailed('rename', to, 'ENOTEMPTY');
    if (replaced instanceof SimFolder) throw new DiskFailed('rename', to, 'EISDIR');
    if (replaced) this.#usedBytes -= usedBytes(replaced);
    const made = [nameOf(to), node] as const;
    const gone = [nameOf(from), undefined] as const;
    if (source === target) source.name(new Map<string, SimNode | undefined>([gone, made]));
    else {
      target.name(new Map([made]));
      source.name(new Map([gone]));
    }
  }

  async remove(path: string): Promise<void> {
    this.#step('remove', path);
    await this.#elapse();
    const parent = this.#node(folderOf(path));
    const node = this.#node(path);
    if (node === undefined || !(parent instanceof SimFolder)) return;
    if (node instanceof SimFolder) for (const name of node.names.keys()) await this.remove(`${path}/${name}`);
    else this.#usedBytes -= node.sizeBytes;
    parent.name(new Map([[nameOf(path), undefined]]));
  }

  makeFolder(path: string): void {
    this.#step('makeFolder', path);
    let at = this.#root;
    for (const name of partsOf(path)) {
      let next = at.names.get(name);
      if (next instanceof SimInode) throw new DiskFailed('makeFolder', path, 'ENOTDIR');
      if (next === undefined) {
        next = new SimFolder();
        at.name(new Map([[name, next]]));
      }
      at = next;
    }
  }

  async syncFolder(folder: string): Promise<void> {
    this.#step('syncFolder', folder);
    const node = this.#node(folder);
    if (!(node instanceof SimFolder)) throw new DiskFailed('syncFolder', folder, 'ENOENT');
    const upTo = node.lastNaming;
    await this.#elapse();
    this.#step('syncedFolder', folder);
    if (!this.syncIsALie(folder)) node.synced(upTo);
  }

  lock(path: string): DiskLock | undefined {
    this.#mustBeOn();
    if (this.#locks.has(path)) return undefined;
    if (this.#node(path) === undefined) this.open(path, 'create').close();
    this.#step('lock', path);
    const lock: DiskLock = {
      release: () => {
        if (this.#locks.get(path) === lock) this.#locks.delete(path);
      },
    };
    this.#locks.set(path, lock);
    return lock;
  }

  free(folder: string): { freeBytes: number; totalBytes: number } {
    this.#mustBeOn();
    if (!(this.#node(folder) instanceof SimFolder)) throw new DiskFailed('free', folder, 'ENOENT');
    return { freeBytes: this.capacityBytes - this.#usedBytes, totalBytes: this.capacityBytes };
  }

  /** Announces the step; throws when the power is gone or the step is to fail. */
  #step(operation: DiskOperation, path: string): void {
    this.#mustBeOn();
    this.onStep({ number: ++this.#steps, operation, path });
    this.#mustBeOn();
    const code = this.fail(operation, path);
    if (code !== undefined) throw new DiskFailed(operation, path, code, 'told to fail');
  }

  #mustBeOn(): void {
    if (this.#isOff) throw new PowerLost('the power is gone');
  }

  async #elapse(): Promise<void> {
    const clock = this.#clock;
    await (clock &&
      new Promise<void>((resolve) => clock.after(this.slowness * (0.2 + this.#random.below(4800) / 1000), resolve)));
    this.#mustBeOn();
  }

  #node(path: string): SimNode | undefined {
    let at: SimNode | undefined = this.#root;
    for (const name of partsOf(path)) at = at instanceof SimFolder ? at.names.get(name) : undefined;
    return at;
  }

  #folderOf(path: string, operation: string): SimFolder {
    const folder = this.#node(folderOf(path));
    if (folder instanceof SimFolder) return folder;
    throw new DiskFailed(operation, path, folder === undefined ? 'ENOENT' : 'ENOTDIR');
  }

  #successor(root: SimFolder, clock: Clock | undefined): SimDisk {
    this.#mustBeOn();
    this.#isOff = true;
    const options = { capacityBytes: this.capacityBytes, ...(clock && { clock }) };
    const next = new SimDisk(this.#random.fork(), options);
    next.#root = root;
    next.#usedBytes = usedBytes(root);
    return next;
  }
}

function usedBytes(node: SimNode): number {
  if (node instanceof SimInode) return node.sizeBytes;
  return [...node.names.values()].reduce((sum, child) => sum + usedBytes(child), 0);
}

const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '');
const nameOf = (path: string): string => partsOf(path).at(-1) ?? '';
const folderOf = (path: string): string => partsOf(path).slice(0, -1).join('/');
