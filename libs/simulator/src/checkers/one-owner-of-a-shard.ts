// A shard of groups has one owner in each of its epochs, and nobody else stores anything in it: what a coordinator
// acknowledges it has stored while it owned the shard. Once the database has forgotten its last commits, epochs begin again
// where it is.
import { shardOf } from '@milepost/coordinators';
import { Books } from '../model/books.ts';
import type { Observation } from '../model/observation.ts';
import { GROUP_SHARDS } from '../scenario.ts';
import type { Checker, Moment } from './checker.ts';

interface Tenure {
  readonly broker: string;
  readonly epoch: number;
  readonly fromMs: number;
}

export class OneOwnerOfAShard implements Checker {
  readonly name = 'a shard of groups has one owner in each epoch';
  readonly #tenures = new Books<number, Tenure[]>(() => []);

  see(observation: Observation, { monotonic }: Moment): string | undefined {
    if (observation.kind === 'database-forgot') this.#tenures.clear();
    if (observation.kind === 'shard-acquired') {
      const { shard, epoch, broker } = observation;
      const tenures = this.#tenures.of(shard);
      const last = tenures.at(-1);
      tenures.push({ broker, epoch, fromMs: monotonic });
      if (last && last.epoch >= epoch)
        return `shard ${shard}: ${broker} acquires epoch ${epoch}, and ${last.broker} had acquired ${last.epoch}`;
    }
    if (observation.kind !== 'committed') return undefined;
    const { group, coordinator, askedAt, by, offset } = observation;
    const tenures = this.#tenures.of(shardOf(group, GROUP_SHARDS));
    // Without a known owner at that time, the database has forgotten who it was.
    const isKnown = (tenures[0]?.fromMs ?? Number.POSITIVE_INFINITY) < askedAt;
    const mayStore = tenures.some(({ broker }, at) => {
      const endMs = tenures[at + 1]?.fromMs ?? Number.POSITIVE_INFINITY;
      return broker === coordinator && endMs >= askedAt;
    });
    if (mayStore || !isKnown) return undefined;
    return `${group}: ${coordinator} acknowledges the commit of ${offset} by ${by}, and ${tenures.at(-1)?.broker} has the group`;
  }
}
