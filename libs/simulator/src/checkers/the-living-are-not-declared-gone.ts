// A broker that lives is not declared gone while the database is away, nor right after: no broker could extend its lease.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';

/** A lease that was about to end when the broker got well, and the next one. */
const LEASES = 2;

export class TheLivingAreNotDeclaredGone implements Checker {
  readonly name = 'a broker that lives is not declared gone';

  see(observation: Observation): string | undefined {
    if (observation.kind !== 'declared-gone' || observation.aliveForLeases < LEASES) return undefined;
    const { broker, aliveForLeases } = observation;
    return `broker ${broker} is declared gone, and lives for ${aliveForLeases.toFixed(1)} leases without a fault`;
  }
}
