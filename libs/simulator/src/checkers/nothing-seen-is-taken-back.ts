// A reader never sees anything that a power cut can revoke: records that any client has read, and high watermarks that
// any client has received, remain, whatever happens to the nodes.
import { Books } from '../model/books.ts';
import type { Observation, ReadRecord, SimPartition } from '../model/observation.ts';
import { type Checker, type Moment, Rotten } from './checker.ts';
import { DueDeletions } from './due-deletions.ts';

interface Seen {
  readonly records: Map<number, ReadRecord>;
  /** The largest end so far, and the time since when it is known. */
  end: number;
  endAtMs: number;
  start: number;
}

export class NothingSeenIsTakenBack implements Checker {
  readonly name = 'a reader never sees what a power cut can take back';
  readonly #seen = new Books<SimPartition, Seen>(() => ({ records: new Map(), end: 0, endAtMs: 0, start: 0 }));
  readonly #rotten = new Rotten();
  readonly #due = new DueDeletions();

  see(observation: Observation, now: Moment): string | undefined {
    this.#rotten.note(observation);
    this.#due.note(observation, now);
    if (observation.kind === 'read') return this.#read(observation);
    if (observation.kind === 'bounds') return this.#bounds(observation, now);
    return undefined;
  }

  #read({ partition, from, upTo, records }: Extract<Observation, { kind: 'read' }>): string | undefined {
    if (this.#rotten.has(partition)) return undefined;
    const seen = this.#seen.of(partition);
    const found = new Set(records.map(({ offset }) => offset));
    for (let offset = from; offset < upTo; offset++) {
      const before = seen.records.get(offset);
      if (before && !found.has(offset) && !this.#due.mayBeCompacted(partition, before))
        return `${partition.name}: ${before.text} was read at offset ${offset}, and there is nothing now`;
    }
    for (const record of records) seen.records.set(record.offset, record);
    return undefined;
  }

  #bounds(
    { partition, askedAt, mayBeStale, start, end }: Extract<Observation, { kind: 'bounds' }>,
    now: Moment,
  ): string | undefined {
    if (this.#rotten.has(partition)) return undefined;
    const seen = this.#seen.of(partition);
    if (start !== undefined && start > seen.start) {
      seen.start = start;
      for (const [offset, record] of seen.records) {
        if (offset >= start) continue;
        if (!this.#due.mayBeBelowStart(partition, offset, record, now))
          return `${partition.name}: ${record.text} was read at offset ${offset}, and the log starts at ${start}, which nothing allowed`;
        seen.records.delete(offset);
      }
    }
    if (end === undefined) return undefined;
    if (end < seen.end && !mayBeStale && seen.endAtMs < askedAt)
      return `${partition.name}: its end was ${seen.end} and is ${end}`;
    if (end > seen.end) Object.assign(seen, { end, endAtMs: now.monotonic });
    return undefined;
  }
}
