// Seeded random numbers: the same seed drives the same trucks down the same streets, with the same faults.

/** The next number, 0 <= n < 1. */
export type Chance = () => number;

/** The generator known as mulberry32: 32 bits of state, good enough for traffic. */
export function seededChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function between(chance: Chance, low: number, high: number): number {
  return low + chance() * (high - low);
}

/** @throws Error for an empty list. */
export function pick<T>(chance: Chance, list: readonly T[]): T {
  const chosen = list[Math.floor(chance() * list.length)];
  if (chosen === undefined) throw new Error('pick: the list is empty');
  return chosen;
}
