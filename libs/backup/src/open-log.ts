// The files of one partition's log, opened while a broker may be appending to it, rolling, deleting and cleaning its segments.
//
// Promises: at one moment exactly the opened segments were the log. Later changes of their names do not matter.
// (Otherwise a segment from before a cleaning could be combined with one from after it, and a deleted key would
// return.)
import { fstatSync, readdirSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export interface OpenFile {
  readonly name: string;
  readonly handle: FileHandle;
}

export interface OpenLog {
  /** `.log` files in order; the last one is being appended to. */
  readonly segments: readonly (OpenFile & { readonly baseOffset: number })[];
  /** Indexes of closed segments, snapshots of producers, the history of epochs, the partition's metadata. */
  readonly others: readonly OpenFile[];
  close(): Promise<void>;
}

const LOOK_MS = 100;
/** Segments change in bursts, in one turn of the broker's loop; not for this many checks. */
const MOST_LOOKS = 100;

const SEGMENT = /^(\d{20})\.log$/;
const INDEX = /^(\d{20})\.(index|timeindex|txnindex)$/;
const SMALL_FILES = ['partition.metadata', 'leader-epoch-checkpoint'];
const SNAPSHOT = /^(\d{20})\.snapshot$/;

const baseOf = (name: string): number => Number(name.slice(0, 20));

/** Undefined: there is no such folder. @throws if its files keep changing */
export async function openLog(folder: string): Promise<OpenLog | undefined> {
  let seen = '';
  for (let look = 0; look < MOST_LOOKS; look++) {
    if (look > 0) await pause(LOOK_MS);
    const names = namesIn(folder);
    if (names === undefined) return undefined;
    const swap = names.find((name) => name.endsWith('.swap'));
    if (swap !== undefined) {
      seen = `${swap} is on its way into its place; if no appliance runs, start it once`;
      continue;
    }
    const opened = await openAll(folder, names);
    if (opened && isStillTheLog(folder, opened)) return opened;
    await opened?.close();
    seen = 'its segments are being replaced all the time';
  }
  throw new Error(`${folder} cannot be copied: ${seen}`);
}

async function openAll(folder: string, names: readonly string[]): Promise<OpenLog | undefined> {
  const bases = names.filter((name) => SEGMENT.test(name)).sort();
  const last = bases.at(-1);
  if (last === undefined) return undefined;
  const isOfClosed = (name: string): boolean => INDEX.test(name) && baseOf(name) < baseOf(last);
  const others = names.filter((name) => isOfClosed(name) || SNAPSHOT.test(name) || SMALL_FILES.includes(name));
  const opened: OpenFile[] = [];
  const close = async (): Promise<void> => {
    for (const { handle } of opened) await handle.close();
  };
  try {
    for (const name of [...bases, ...others]) opened.push({ name, handle: await open(join(folder, name), 'r') });
  } catch (error) {
    await close();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return {
    segments: opened.slice(0, bases.length).map((file) => ({ ...file, baseOffset: baseOf(file.name) })),
    others: opened.slice(bases.length),
    close,
  };
}

function isStillTheLog(folder: string, { segments }: OpenLog): boolean {
  const names = namesIn(folder) ?? [];
  const now = names.filter((name) => SEGMENT.test(name)).sort();
  if (names.some((name) => name.endsWith('.swap')) || now.length !== segments.length) return false;
  return now.every((name, index) => segments[index]?.name === name && isSameFile(folder, segments[index]));
}

function isSameFile(folder: string, { name, handle }: OpenFile): boolean {
  const here = statSync(join(folder, name), { throwIfNoEntry: false });
  return here !== undefined && here.ino === fstatSync(handle.fd).ino;
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
