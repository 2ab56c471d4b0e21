// A group without disturbances becomes stable: its members are the living ones, and each partition is assigned to one.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';

export class EveryGroupSettles implements Checker {
  readonly name = 'every live group settles';

  see(observation: Observation): string | undefined {
    if (observation.kind !== 'group-at-rest') return undefined;
    const { group, state, members, living, partitions } = observation;
    const expected = living.length > 0 ? ['Stable'] : ['Empty', 'Dead'];
    if (!expected.includes(state)) return `${group}: ${living.length} members live, and the group is ${state}`;
    const alive = living.map(({ member }) => member).toSorted();
    if (String(members.toSorted()) !== String(alive))
      return `${group}: the members are ${members.join(', ')}, those who live ${alive.join(', ')}`;
    const owned = living.flatMap((one) => one.partitions).toSorted((a, b) => a - b);
    const all = Array.from({ length: partitions }, (_, at) => at);
    return living.length === 0 || String(owned) === String(all)
      ? undefined
      : `${group}: of ${partitions} partitions its members have ${owned.join(', ')}`;
  }
}
