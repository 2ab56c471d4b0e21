// Plays recorded tracks: each fix is sent at its time, and the tracks preserve their distance in time. Pure: the caller
// polls for due fixes, as for the simulated fleet.
import type { Fix } from '../simulation/device.ts';
import type { Track } from './track.ts';

export interface ReplayOptions {
  readonly tracks: readonly Track[];
  /** `original`: fixes carry their recorded time. `now`: shifted so that the recording begins at `startMs`. */
  readonly times: 'original' | 'now';
  /** 10: ten recorded seconds pass in one. */
  readonly speed: number;
  readonly startMs: number;
  /** The interval between fixes of a track without times. */
  readonly everyMs: number;
}

export class Replay {
  readonly #due: { atMs: number; fix: Fix }[];
  #next = 0;

  constructor(options: ReplayOptions) {
    const starts = options.tracks.flatMap(({ fixes }) => fixes.flatMap(({ tsMs }) => tsMs ?? []));
    const beginMs = starts.reduce((least, tsMs) => Math.min(least, tsMs), Infinity);
    this.#due = options.tracks
      .flatMap((track) => scheduleOf(track, beginMs, options))
      .toSorted((a, b) => a.atMs - b.atMs);
  }

  /** The due fixes, at most `limit`; the rest is due the next time. */
  advance(toMs: number, limit = Infinity): Fix[] {
    const from = this.#next;
    while (this.#next - from < limit && (this.#due[this.#next]?.atMs ?? Infinity) <= toMs) this.#next += 1;
    return this.#due.slice(from, this.#next).map(({ fix }) => fix);
  }

  get isOver(): boolean {
    return this.#next === this.#due.length;
  }
}

function scheduleOf({ truckId, fixes }: Track, beginMs: number, options: ReplayOptions): { atMs: number; fix: Fix }[] {
  const isTimed = fixes.every(({ tsMs }) => tsMs !== undefined);
  let latestMs = 0;
  return fixes.map((fix, i) => {
    const recordedMs = isTimed ? (fix.tsMs ?? 0) - beginMs : i * options.everyMs;
    const elapsedMs = recordedMs / options.speed;
    latestMs = Math.max(latestMs, elapsedMs); // a recording out of order remains out of order
    const atMs = options.startMs + latestMs;
    const tsMs = isTimed && options.times === 'original' ? (fix.tsMs ?? 0) : options.startMs + elapsedMs;
    return { atMs, fix: { ...fix, truckId, tsMs } };
  });
}
