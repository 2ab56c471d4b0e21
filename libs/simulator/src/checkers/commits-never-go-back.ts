// The offset that a group has committed for a partition goes back only when a member commits a smaller one, which no
// member here does: each reads on from what is committed.
import type { Observation } from '../model/observation.ts';
import { Books, type Checker, type Moment } from './checker.ts';

export class CommitsNeverGoBack implements Checker {
  readonly name = 'committed offsets never go back by themselves';
  readonly #committed = new Books<string, { offset: number; atMs: number; by: string }>(() => ({
    offset: -1,
    atMs: 0,
    by: '',
  }));

  see(observation: Observation, { monotonic }: Moment): string | undefined {
    if (observation.kind !== 'committed' && observation.kind !== 'offset-fetched') return undefined;
    const { group, partition, offset, askedAt } = observation;
    const last = this.#committed.of(`${group} ${partition}`);
    if (offset < last.offset && last.atMs < askedAt)
      return observation.kind === 'committed'
        ? `${group} ${partition}: ${observation.by} could commit ${offset} after ${last.by} had committed ${last.offset}`
        : `${group} ${partition}: ${last.by} had committed ${last.offset}, and ${offset} is there`;
    if (observation.kind === 'committed' && offset > last.offset)
      Object.assign(last, { offset, atMs: monotonic, by: observation.by });
    return undefined;
  }
}
