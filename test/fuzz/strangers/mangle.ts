// Mutations of any bytes: flipped bits, bytes that are missing, duplicated, inserted, exchanged or cut off, numbers that look
// like a length, and much too long parts.
import type { SimRandom } from '@milepost/simulator';

type Mutation = (bytes: Buffer, random: SimRandom) => Buffer;

const LONG = 70_000;

const MUTATIONS: readonly Mutation[] = [
  flip,
  flip,
  overwrite,
  overwrite,
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  (bytes, random) => Buffer.concat([bytes, garbage(1 + random.below(64), random)]),
  (bytes, random) => replaced(bytes, random, Buffer.alloc(0)),
  (bytes, random) => inserted(bytes, random, garbage(1 + random.below(8), random)),
  (bytes, random) => replaced(bytes, random, garbage(1 + random.below(24), random)),
  repeat,
  swap,
  (bytes, random) => (random.chance(0.05) ? inserted(bytes, random, Buffer.alloc(LONG, 0x61)) : flip(bytes, random)),
];

/** A copy with one to three errors. */
export function mangled(good: Buffer, random: SimRandom): Buffer {
  let bytes = Buffer.from(good);
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left--)
    bytes = Buffer.from(random.pick(MUTATIONS)(bytes, random));
  return bytes;
}

export function garbage(length: number, random: SimRandom): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

function flip(bytes: Buffer, random: SimRandom): Buffer {
  if (bytes.length === 0) return bytes;
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  return bytes;
}

function overwrite(bytes: Buffer, random: SimRandom): Buffer {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.pick([0, 1, 0x0a, 0x0d, 0x2c, 0x7f, 0x80, 0xff]);
  return bytes;
}

function swap(bytes: Buffer, random: SimRandom): Buffer {
  const size = random.pick([1, 2, 4, 8]);
  if (bytes.length < 2 * size) return bytes;
  const [one, other] = [random.below(bytes.length - size), random.below(bytes.length - size)];
  const kept = Buffer.from(bytes.subarray(one, one + size));
  bytes.copyWithin(one, other, other + size);
  kept.copy(bytes, other);
  return bytes;
}

function repeat(bytes: Buffer, random: SimRandom): Buffer {
  const [from, to] = stretch(bytes, random);
  return inserted(bytes, random, Buffer.concat(Array(1 + random.below(20)).fill(bytes.subarray(from, to))));
}

function inserted(bytes: Buffer, random: SimRandom, part: Buffer): Buffer {
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), part, bytes.subarray(at)]);
}

function replaced(bytes: Buffer, random: SimRandom, part: Buffer): Buffer {
  const [from, to] = stretch(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), part, bytes.subarray(to)]);
}

function stretch(bytes: Buffer, random: SimRandom): [number, number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + random.below(24))];
}
