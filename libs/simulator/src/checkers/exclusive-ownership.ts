// A partition has one owner: within each generation of the classic protocol, and, in either protocol, at every moment until
// the owner's session ends.
//
// A database that went back has lost owners and generations (docs/decisions/0033). What its broker said before it noticed that
// and loaded the groups again proves nothing.
import { Books } from '../model/books.ts';
import type { Observation } from '../model/observation.ts';
import { type Checker, type Moment } from './checker.ts';

/** Within it, a broker that noticed has loaded its groups again, also if the database is away for a while then. */
const RELOAD_MS = 12_000;
/** Within it, a broker has noticed, unless nothing was lost. */
const NOTICE_MS = 30_000;

interface Hold {
  readonly partitions: readonly number[];
  readonly untilMs: number;
}

export class ExclusiveOwnership implements Checker {
  readonly name = 'a partition has one owner within a generation of its group';
  /** `<group> generation <n> partition <p>`. */
  readonly #owners = new Map<string, string>();
  readonly #holds = new Books<string, Map<string, Hold>>(() => new Map());
  /** Before it, members may hold what the database has lost. */
  #countsFromMs = 0;

  see(observation: Observation, now: Moment): string | undefined {
    if (observation.kind === 'database-forgot') this.#countsFromMs = now.monotonic + NOTICE_MS;
    if (observation.kind === 'database-loss-noticed') this.#countsFromMs = now.monotonic + RELOAD_MS;
    if (now.monotonic < this.#countsFromMs) {
      this.#owners.clear();
      this.#holds.clear();
      return undefined;
    }
    if (observation.kind === 'assigned') {
      const { group, generation, member, partitions } = observation;
      for (const partition of partitions) {
        const what = `${group} generation ${generation} partition ${partition}`;
        const owner = this.#owners.get(what) ?? member;
        if (owner !== member) return `${what}: ${owner} and ${member}`;
        this.#owners.set(what, member);
      }
    }
    if (observation.kind !== 'holds') return undefined;
    const { group, member, partitions, untilMs } = observation;
    const holds = this.#holds.of(group);
    holds.set(member, { partitions, untilMs });
    if (untilMs <= now.monotonic) return undefined; // the member was paused, and continues with an old response
    for (const [other, hold] of holds) {
      if (other === member || hold.untilMs <= now.monotonic) continue;
      const shared = partitions.filter((partition) => hold.partitions.includes(partition));
      if (shared.length > 0) return `${group}: ${other} and ${member} both have ${shared.join(', ')}`;
    }
    return undefined;
  }
}
