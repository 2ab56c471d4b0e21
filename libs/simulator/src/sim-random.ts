// Seeded random numbers: xoshiro128** filled by splitmix32. The same seed gives the same numbers on every machine.
import type { Random } from '@milepost/core';

export class SimRandom implements Random {
  readonly #state: Uint32Array;

  constructor(seed: number) {
    let mixed = seed >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      mixed = (mixed + 0x9e37_79b9) >>> 0;
      let z = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
      return z ^ (z >>> 15);
    });
  }

  below(limit: number): number {
    return Math.floor(this.#fraction() * limit);
  }

  chance(probability: number): boolean {
    return this.#fraction() < probability;
  }

  uuid(): string {
    const bytes = Buffer.alloc(16);
    for (let at = 0; at < 16; at += 4) bytes.writeUInt32BE(this.#next(), at);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  /** One of the items. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** A separate generator: numbers drawn by one part of the world do not affect another part. */
  fork(): SimRandom {
    return new SimRandom(this.#next());
  }

  /** 0 <= n < 1, all 53 bits. */
  #fraction(): number {
    return ((this.#next() >>> 5) * 0x400_0000 + (this.#next() >>> 6)) / 2 ** 53;
  }

  #next(): number {
    const s = this.#state as unknown as [number, number, number, number];
    const result = Math.imul(rotate(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 11);
    return result;
  }
}

const rotate = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
