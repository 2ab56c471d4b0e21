// A truck's history as one rule sees it: runs of time in which its condition held or did not. A position that arrives
// late is put where it belongs. It begins an episode only if none of its neighbors in time belongs to one already, so
// that no order of arrival raises an alert twice. Bounded: the oldest runs are dropped.

export interface Run {
  readonly fromMs: number;
  readonly toMs: number;
  readonly holds: boolean;
}

const MOST_RUNS = 32;

export interface Placed {
  readonly runs: readonly Run[];
  /** The position is not in a run that was known. */
  readonly isNew: boolean;
  /** Whether the condition held at the position before; undefined: there is none. */
  readonly heldBefore: boolean | undefined;
}

export function place(runs: readonly Run[], timeMs: number, holds: boolean): Placed {
  const at = runs.findLastIndex(({ fromMs }) => fromMs <= timeMs);
  const before = runs[at];
  const after = runs[at + 1];
  const same = { runs, isNew: false, heldBefore: before?.holds };
  if (at < 0 && runs.length >= MOST_RUNS) return same;
  if (before && timeMs <= before.toMs) {
    const isInterruption = before.holds !== holds && before.fromMs < timeMs && timeMs < before.toMs;
    if (!isInterruption) return same;
    // Only the ends of the run are known to be times of positions.
    const parts = [
      { ...before, toMs: before.fromMs },
      { fromMs: timeMs, toMs: timeMs, holds },
      { ...before, fromMs: before.toMs },
    ];
    return { runs: newest(runs.toSpliced(at, 1, ...parts)), isNew: true, heldBefore: before.holds };
  }
  if (before?.holds === holds) return { ...same, runs: runs.toSpliced(at, 1, { ...before, toMs: timeMs }) };
  if (after?.holds === holds) return { ...same, runs: runs.toSpliced(at + 1, 1, { ...after, fromMs: timeMs }) };
  const run = { fromMs: timeMs, toMs: timeMs, holds };
  return { runs: newest(runs.toSpliced(at + 1, 0, run)), isNew: true, heldBefore: before?.holds };
}

const newest = (runs: readonly Run[]): readonly Run[] => runs.slice(-MOST_RUNS);
