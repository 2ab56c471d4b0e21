// Mutations of a good request: flipped bits, wrong lengths and counts, wrong versions, parts that are missing,
// duplicated, exchanged or appended.
import type { SimRandom } from '@milepost/simulator';

type Mutation = (frame: Buffer, random: SimRandom) => Buffer;

const HEADER_BYTES = 12;
const INTEGERS = [
  -1,
  0,
  1,
  0x7f,
  0x80,
  0xff,
  0x7fff,
  0xffff,
  0x7fff_ffff,
  -0x8000_0000,
  0x0100_0000,
  100 * 1024 * 1024,
];

const MUTATIONS: readonly Mutation[] = [
  flipBits,
  flipBits,
  flipBits,
  overwriteInteger,
  overwriteInteger,
  overwriteByte,
  cutBody,
  extendBody,
  removeInside,
  insertInside,
  swapParts,
  repeatPart,
  wrongVersion,
  wrongKey,
  lyingLength,
  lyingTags,
];

/** The request, length included, with one to three errors. Its length is right unless it is one of the errors. */
export function mutated(frame: Buffer, random: SimRandom): Buffer {
  let bytes: Buffer = Buffer.from(frame);
  for (let left = random.pick([1, 1, 1, 2, 3]); left > 0; left--) bytes = random.pick(MUTATIONS)(bytes, random);
  return bytes;
}

function flipBits(frame: Buffer, random: SimRandom): Buffer {
  for (let left = random.pick([1, 1, 2, 8]); left > 0; left--) {
    const at = 4 + random.below(frame.length - 4);
    frame[at] = (frame[at] as number) ^ (1 << random.below(8));
  }
  return frame;
}

/** A possible length or count: in two bytes or in four. */
function overwriteInteger(frame: Buffer, random: SimRandom): Buffer {
  const value = random.pick(INTEGERS);
  const at = HEADER_BYTES + random.below(Math.max(1, frame.length - HEADER_BYTES - 4));
  if (at + 4 > frame.length) return frame;
  if (random.chance(0.5)) frame.writeInt32BE(value | 0, at);
  else frame.writeInt16BE((value << 16) >> 16, at);
  return frame;
}

/** A possible compact length; 0xff continues in the next byte. */
function overwriteByte(frame: Buffer, random: SimRandom): Buffer {
  frame[4 + random.below(frame.length - 4)] = random.pick([0, 1, 0x7f, 0x80, 0xff, 0xff, random.below(256)]);
  return frame;
}

function cutBody(frame: Buffer, random: SimRandom): Buffer {
  return resized(Buffer.from(frame.subarray(0, 4 + random.below(frame.length - 4))));
}

function extendBody(frame: Buffer, random: SimRandom): Buffer {
  return resized(Buffer.concat([frame, garbage(1 + random.below(64), random)]));
}

function removeInside(frame: Buffer, random: SimRandom): Buffer {
  const [from, to] = stretch(frame, random);
  return resized(Buffer.concat([frame.subarray(0, from), frame.subarray(to)]));
}

function insertInside(frame: Buffer, random: SimRandom): Buffer {
  const [from] = stretch(frame, random);
  return resized(Buffer.concat([frame.subarray(0, from), garbage(1 + random.below(8), random), frame.subarray(from)]));
}

function swapParts(frame: Buffer, random: SimRandom): Buffer {
  const size = random.pick([1, 2, 4, 8, 16]);
  const room = frame.length - 4 - size;
  if (room <= 0) return frame;
  const [one, other] = [4 + random.below(room), 4 + random.below(room)];
  const kept = Buffer.from(frame.subarray(one, one + size));
  frame.copyWithin(one, other, other + size);
  kept.copy(frame, other);
  return frame;
}

function repeatPart(frame: Buffer, random: SimRandom): Buffer {
  const [from, to] = stretch(frame, random);
  const times = 1 + random.below(20);
  const part = frame.subarray(from, to);
  return resized(
    Buffer.concat([frame.subarray(0, to), ...Array.from({ length: times }, () => part), frame.subarray(to)]),
  );
}

function wrongVersion(frame: Buffer, random: SimRandom): Buffer {
  if (frame.length >= 8) frame.writeInt16BE(random.pick([-1, 0, 1, 2, 3, 9, 12, 18, 99, 32_767, -32_768]), 6);
  return frame;
}

function wrongKey(frame: Buffer, random: SimRandom): Buffer {
  if (frame.length >= 6) frame.writeInt16BE(random.chance(0.8) ? random.below(95) : -1, 4);
  return frame;
}

/** A frame length that is too long, too short, or absurd. */
function lyingLength(frame: Buffer, random: SimRandom): Buffer {
  const truth = frame.length - 4;
  const lies = [truth + 1, truth - 1, truth + random.below(300), random.below(truth + 1), ...INTEGERS];
  frame.writeInt32BE(random.pick(lies) | 0, 0);
  return frame;
}

/** A tagged section at the end with a wrong count, repeated or unordered tags. */
function lyingTags(frame: Buffer, random: SimRandom): Buffer {
  const section = random.pick([
    [1, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
    [2, 5, 1, 0, 5, 1, 0],
    [2, 9, 0, 3, 0],
    [0xff, 0xff, 0xff, 0xff, 0x0f],
    [1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0],
    [1, 0, 1, 0],
  ]);
  const isTagged = frame.length > HEADER_BYTES + 1 && frame[frame.length - 1] === 0;
  return resized(Buffer.concat([isTagged ? frame.subarray(0, -1) : frame, Buffer.from(section)]));
}

function stretch(frame: Buffer, random: SimRandom): [number, number] {
  const from = 4 + random.below(frame.length - 4);
  return [from, Math.min(frame.length, from + 1 + random.below(24))];
}

function garbage(length: number, random: SimRandom): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = random.below(256);
  return bytes;
}

/** Sets its true length again; never shorter than a byte, so that the next mutation has something to change. */
function resized(frame: Buffer): Buffer {
  const whole = frame.length > 4 ? frame : Buffer.alloc(5);
  whole.writeInt32BE(whole.length - 4, 0);
  return whole;
}
