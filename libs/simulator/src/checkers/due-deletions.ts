// The records that may be missing, and the reason: deleted by DeleteRecords, older than retention allows, beyond
// retention's bytes, or replaced by a later record of the same key in a compacted topic. Shared by the checkers that
// look for missing records. A record counts as old once it was old by the node's wall clock: a clock that was set ahead
// for a moment may have deleted it for good.
import { Books } from '../model/books.ts';
import type { Observation, SentRecord, SimPartition } from '../model/observation.ts';
import { type Moment } from './checker.ts';

export class DueDeletions {
  readonly #before = new Books<SimPartition, { offset: number }>(() => ({ offset: 0 }));
  /** By key of compacted partitions: the writers of possible later records. */
  readonly #writers = new Books<SimPartition, Books<string, Set<string>>>(() => new Books(() => new Set()));

  /** By text, in monotonic time. */
  readonly #sentAt = new Map<string, number>();
  /** The wall clock's last value each time before it was set. */
  readonly #peaks: { readonly atMs: number; readonly wall: number }[] = [];

  note(observation: Observation, { monotonic }: Moment): void {
    if (observation.kind === 'clock-set') this.#peaks.push({ atMs: monotonic, wall: observation.from });
    if (observation.kind === 'sent')
      for (const { text } of observation.batch.records) this.#sentAt.set(text, monotonic);
    if (observation.kind === 'deletion') {
      const before = this.#before.of(observation.partition);
      before.offset = Math.max(before.offset, observation.before);
    } else if (observation.kind === 'sent' && observation.batch.partition.topic.isCompacted) {
      const writers = this.#writers.of(observation.batch.partition);
      for (const { key, text } of observation.batch.records) writers.of(key).add(text);
    }
  }

  /** Whether a log may start after this record. */
  mayBeBelowStart(
    partition: SimPartition,
    offset: number,
    record: { readonly text: string; readonly timestamp: number },
    now: Moment,
  ): boolean {
    const { retentionMs, retentionBytes } = partition.topic;
    if (offset < this.#before.of(partition).offset || retentionBytes >= 0) return true;
    return (
      retentionMs >= 0 && this.#furthestSince(this.#sentAt.get(record.text) ?? 0, now) - record.timestamp > retentionMs
    );
  }

  /** The largest value of the wall clock since then. */
  #furthestSince(sinceMs: number, now: Moment): number {
    return this.#peaks.reduce((most, { atMs, wall }) => (atMs >= sinceMs ? Math.max(most, wall) : most), now.wall);
  }

  /** Whether compaction may have removed the record. */
  mayBeCompacted(partition: SimPartition, { key, text }: Pick<SentRecord, 'key' | 'text'>): boolean {
    if (!partition.topic.isCompacted) return false;
    const writers = this.#writers.of(partition).of(key);
    return writers.size > (writers.has(text) ? 1 : 0);
  }
}
