// The committed offset of a group for a partition decreases only when a member commits a smaller one, which no member
// here does: each continues from the committed offset. If the database has lost its last commits, those may be lost,
// and nothing that was committed before.
import { Books } from '../model/books.ts';
import type { Observation } from '../model/observation.ts';
import { type Checker, type Moment } from './checker.ts';

interface Commit {
  readonly offset: number;
  readonly atMs: number;
  readonly by: string;
}

export class CommitsNeverGoBack implements Checker {
  readonly name = 'committed offsets never go back by themselves';
  /** Each further than the previous one. */
  readonly #commits = new Books<string, Commit[]>(() => []);
  #forgotAtMs = -Infinity;

  see(observation: Observation, { monotonic }: Moment): string | undefined {
    if (observation.kind === 'database-forgot') {
      this.#forget(observation.sinceMs);
      this.#forgotAtMs = monotonic;
    }
    if (observation.kind !== 'committed' && observation.kind !== 'offset-fetched') return undefined;
    const { group, partition, offset, askedAt } = observation;
    const commits = this.#commits.of(`${group} ${partition}`);
    const last = commits.at(-1);
    if (last && offset < last.offset && last.atMs < askedAt)
      return observation.kind === 'committed'
        ? `${group} ${partition}: ${observation.by} could commit ${offset} after ${last.by} had committed ${last.offset}`
        : `${group} ${partition}: ${last.by} had committed ${last.offset}, and ${offset} is there`;
    if (observation.kind === 'committed' && offset > (last?.offset ?? -1) && askedAt > this.#forgotAtMs)
      commits.push({ offset, atMs: monotonic, by: observation.by });
    return undefined;
  }

  #forget(sinceMs: number): void {
    for (const commits of this.#commits.values()) while ((commits.at(-1)?.atMs ?? 0) >= sinceMs) commits.pop();
  }
}
