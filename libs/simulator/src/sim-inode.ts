// The content of a disk: files and folders, each twice: as programs see them (page cache) and as they are on the
// platter. The difference is the list of unsynced changes; after a power cut the seed decides which of them remain.
import type { SimRandom } from './sim-random.ts';

export const PAGE_BYTES = 4096;

/** A change of a file's bytes. A truncation carries no bytes and sets the length (never a longer one). */
interface Change {
  readonly number: number;
  readonly position: number;
  readonly bytes: Buffer | undefined;
}

export class SimInode {
  /** What programs read. */
  #seen = new Content();
  /** What certainly survives a power cut. */
  #platter = new Content();
  #pending: Change[] = [];
  /** Pages that a failed sync gave up: they are clean, though the platter lacks them. */
  readonly #givenUp = new Set<number>();
  #changes = 0;

  get sizeBytes(): number {
    return this.#seen.length;
  }
  /** The number of the last change: a sync covers the changes up to the one at its begin. */
  get lastChange(): number {
    return this.#changes;
  }
  get seen(): Buffer {
    return this.#seen.bytes();
  }

  write(position: number, bytes: Uint8Array): void {
    const change = { number: ++this.#changes, position, bytes: Buffer.from(bytes) };
    this.#pending.push(...this.#dirtyAgain(change), change);
    this.#seen.apply(change);
  }

  truncate(sizeBytes: number): void {
    const change = { number: ++this.#changes, position: sizeBytes, bytes: undefined };
    this.#pending.push(change);
    this.#seen.apply(change);
  }

  /** Puts the changes up to and including this one on the platter. */
  synced(upTo: number): void {
    for (const change of this.#pending) if (change.number <= upTo) this.#platter.apply(change);
    this.#pending = this.#pending.filter((change) => change.number > upTo);
  }

  /**
   * A sync failed: some changes got through, the others are lost, though programs still see them (as on Linux), until
   * their pages are written again.
   */
  syncFailed(upTo: number, random: SimRandom): void {
    const covered = this.#pending.filter((change) => change.number <= upTo);
    const later = this.#pending.filter((change) => change.number > upTo);
    const through = random.below(covered.length + 1);
    for (const change of covered.slice(0, through)) this.#platter.apply(change);
    for (const change of covered.slice(through)) for (const page of pagesOf(change)) this.#givenUp.add(page);
    this.#pending = later.flatMap((change) => [...this.#dirtyAgain(change), change]);
  }

  /** The medium itself is wrong from now on. */
  flipBit(bit: number): void {
    for (const content of [this.#seen, this.#platter]) content.flipBit(bit);
  }

  afterPowerCut(random: SimRandom): SimInode {
    const after = new SimInode();
    after.#platter = this.#survivor(random);
    after.#seen = after.#platter.copy();
    return after;
  }

  /** A page is written back as a whole: what an earlier sync gave up of it comes with the change. */
  #dirtyAgain(change: Change): Change[] {
    const again = pagesOf(change).filter((page) => this.#givenUp.delete(page));
    return again.map((page) => {
      const position = page * PAGE_BYTES;
      return {
        number: change.number,
        position,
        bytes: Buffer.from(this.seen.subarray(position, position + PAGE_BYTES)),
      };
    });
  }

  #survivor(random: SimRandom): Content {
    const fates = ['nothing', 'everything', 'in order', 'in order', 'by page', 'by page'] as const;
    const fate = random.pick(fates);
    if (this.#pending.length === 0 || fate === 'nothing') return this.#platter.copy();
    if (fate === 'by page') return this.#survivingPages(random);
    const kept = this.#platter.copy();
    const whole = fate === 'everything' ? this.#pending.length : random.below(this.#pending.length);
    for (const change of this.#pending.slice(0, whole)) kept.apply(change);
    const torn = this.#pending[whole];
    if (torn?.bytes) kept.apply({ ...torn, bytes: torn.bytes.subarray(0, random.below(torn.bytes.length + 1)) });
    return kept;
  }

  /**
   * Pages are written back in any order, and the size separately: a page that did not arrive has its old content, or
   * zeros.
   */
  #survivingPages(random: SimRandom): Content {
    const sizes = [this.#platter.length, this.#seen.length];
    const dirty = new Set<number>();
    let size = this.#platter.length;
    for (const { position, bytes } of this.#pending) {
      size = bytes === undefined ? Math.min(size, position) : Math.max(size, position + bytes.length);
      sizes.push(size);
      for (const page of pagesOf({ position, bytes })) dirty.add(page);
    }
    const least = Math.min(...sizes);
    const most = Math.max(...sizes);
    const kept = this.#platter.copy();
    kept.resize(random.chance(0.5) ? random.pick(sizes) : least + random.below(most - least + 1));
    for (const page of dirty) if (random.chance(0.5)) kept.takePage(page, this.#seen);
    return kept;
  }
}

/** A truncation changes the page in which it cuts. */
function pagesOf({ position, bytes }: Pick<Change, 'position' | 'bytes'>): number[] {
  const first = Math.floor(position / PAGE_BYTES);
  const end = Math.ceil((position + (bytes?.length ?? 0)) / PAGE_BYTES);
  return Array.from({ length: Math.max(0, end - first) }, (_, n) => first + n);
}

/** A growing array of bytes. */
class Content {
  #buffer = Buffer.alloc(0);
  length = 0;

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.length);
  }

  apply(change: Change): void {
    const { position, bytes } = change;
    if (bytes === undefined) {
      if (position < this.length) this.resize(position);
      return;
    }
    if (position + bytes.length > this.length) this.resize(position + bytes.length);
    bytes.copy(this.#buffer, position);
  }

  /** New bytes read as zeros. */
  resize(sizeBytes: number): void {
    if (sizeBytes > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(sizeBytes, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, this.length);
      this.#buffer = grown;
    }
    if (sizeBytes < this.length) this.#buffer.fill(0, sizeBytes, this.length);
    this.length = sizeBytes;
  }

  takePage(page: number, from: Content): void {
    const start = page * PAGE_BYTES;
    const end = Math.min(start + PAGE_BYTES, this.length, from.length);
    if (start < end) from.#buffer.copy(this.#buffer, start, start, end);
  }

  flipBit(bit: number): void {
    const at = bit >> 3;
    if (at < this.length) this.#buffer[at] = (this.#buffer[at] as number) ^ (1 << (bit & 7));
  }

  copy(): Content {
    const copy = new Content();
    copy.#buffer = Buffer.from(this.bytes());
    copy.length = this.length;
    return copy;
  }
}

export type SimNode = SimInode | SimFolder;

/** One atomic change of a folder's names: a name created, removed (undefined), or both in a rename. */
type Naming = ReadonlyMap<string, SimNode | undefined>;

export class SimFolder {
  readonly #seen = new Map<string, SimNode>();
  readonly #platter = new Map<string, SimNode>();
  #pending: Naming[] = [];
  #namings = 0;

  get lastNaming(): number {
    return this.#namings;
  }
  get names(): ReadonlyMap<string, SimNode> {
    return this.#seen;
  }

  name(changes: Naming): void {
    this.#namings++;
    this.#pending.push(changes);
    rename(this.#seen, changes);
  }

  synced(upTo: number): void {
    const covered = this.#pending.length - (this.#namings - upTo);
    for (const naming of this.#pending.splice(0, Math.max(0, covered))) rename(this.#platter, naming);
  }

  /** Names change in order (file systems keep a journal of them), up to some point. */
  afterPowerCut(random: SimRandom, done = new Map<SimNode, SimNode>()): SimFolder {
    const after = new SimFolder();
    done.set(this, after);
    const kept = new Map(this.#platter);
    for (const naming of this.#pending.slice(0, random.below(this.#pending.length + 1))) rename(kept, naming);
    for (const [name, node] of kept) {
      const known = done.get(node);
      const survivor =
        known ?? (node instanceof SimFolder ? node.afterPowerCut(random, done) : node.afterPowerCut(random));
      done.set(node, survivor);
      after.#seen.set(name, survivor);
      after.#platter.set(name, survivor);
    }
    return after;
  }
}

function rename(names: Map<string, SimNode>, changes: Naming): void {
  for (const [name, node] of changes) {
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
}
