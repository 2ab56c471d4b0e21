// A record that was acknowledged, with acks=all or by the only broker that has a copy, is read at its offset, until a
// deletion that is allowed, and while one in-sync replica survives.
import { Books } from '../model/books.ts';
import type { Observation, SentRecord, SimPartition } from '../model/observation.ts';
import { type Checker, type Moment, Rotten } from './checker.ts';
import { DueDeletions } from './due-deletions.ts';

interface Owed {
  readonly record: SentRecord;
  readonly atMs: number;
}

interface Book {
  readonly byOffset: Map<number, Owed>;
  last: number;
  start: number;
}

export class NothingAcknowledgedLost implements Checker {
  readonly name = 'nothing acknowledged is lost';
  readonly #owed = new Books<SimPartition, Book>(() => ({ byOffset: new Map(), last: -1, start: 0 }));
  readonly #rotten = new Rotten();
  readonly #due = new DueDeletions();

  see(observation: Observation, now: Moment): string | undefined {
    this.#rotten.note(observation);
    this.#due.note(observation, now);
    switch (observation.kind) {
      case 'acknowledged': {
        const owed = this.#owed.of(observation.batch.partition);
        observation.batch.records.forEach((record, at) =>
          owed.byOffset.set(observation.baseOffset + at, { record, atMs: now.monotonic }),
        );
        owed.last = Math.max(owed.last, observation.baseOffset + observation.batch.records.length - 1);
        return undefined;
      }
      case 'read':
        return this.#read(observation);
      case 'bounds':
        return this.#bounds(observation, now);
      case 'topic-denied':
        return `topic ${observation.topic.name} (${observation.topic.id}) exists, and the answer is ${observation.error}`;
      default:
        return undefined;
    }
  }

  #read({ partition, from, upTo, records }: Extract<Observation, { kind: 'read' }>): string | undefined {
    if (this.#rotten.has(partition)) return undefined;
    const owed = this.#owed.of(partition);
    const found = new Map(records.map(({ offset, text }) => [offset, text]));
    for (let offset = from; offset < upTo; offset++) {
      const { record } = owed.byOffset.get(offset) ?? {};
      if (!record || found.get(offset) === record.text) continue;
      const seen = found.get(offset);
      if (seen === undefined && this.#due.mayBeCompacted(partition, record)) continue;
      return `${partition.name}: ${record.text} was acknowledged at offset ${offset}, and there is ${seen ?? 'nothing'}`;
    }
    return undefined;
  }

  #bounds(
    { partition, askedAt, mayBeStale, start, end }: Extract<Observation, { kind: 'bounds' }>,
    now: Moment,
  ): string | undefined {
    if (this.#rotten.has(partition)) return undefined;
    const owed = this.#owed.of(partition);
    if (owed.last < (end ?? Number.POSITIVE_INFINITY) && (start ?? 0) <= owed.start) return undefined;
    for (const [offset, { record, atMs }] of owed.byOffset) {
      if (end !== undefined && !mayBeStale && offset >= end && atMs < askedAt)
        return `${partition.name}: ${record.text} was acknowledged at offset ${offset}, and the log ends at ${end}`;
      if (start === undefined || offset >= start) continue;
      if (!this.#due.mayBeBelowStart(partition, offset, record, now))
        return `${partition.name}: ${record.text} was acknowledged at offset ${offset}, and the log starts at ${start}, which nothing allowed`;
      owed.byOffset.delete(offset);
    }
    owed.start = Math.max(owed.start, start ?? 0);
    return undefined;
  }
}
