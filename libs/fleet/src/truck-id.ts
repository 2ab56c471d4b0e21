// A truck's name everywhere after the gateway: the key of its records, a part of URLs and file names. Any name of a
// device is mapped to it, the same name always to the same id, different names to different ids; `user/device` pairs
// are joined with `-` (two pairs that join to the same text are one truck).

const TRUCK_ID = /^[A-Za-z0-9._-]{1,128}$/;
const OUTSIDE = /[^A-Za-z0-9._-]+/g;
const MAX_LENGTH = 128;

export function isTruckId(text: string): boolean {
  return TRUCK_ID.test(text);
}

export interface MappedTruckId {
  readonly truckId: string;
  /** The device's name, if it is not the truck id itself. */
  readonly original?: string;
}

/** From the levels of a topic that name a device. Undefined if one of them is empty: that names no truck. */
export function mapTruckId(levels: readonly string[]): MappedTruckId | undefined {
  if (levels.length === 0 || levels.some((level) => level === '')) return undefined;
  const joined = levels.join('-');
  const truckId = isTruckId(joined) ? joined : distinct(joined);
  return truckId === levels.join('/') ? { truckId } : { truckId, original: levels.join('/') };
}

/** Replacing characters makes different names equal ("a b", "a/b"); the hash of the original distinguishes them. */
function distinct(name: string): string {
  const hash = fnv1a(name).toString(16).padStart(8, '0');
  return `${name.replace(OUTSIDE, '-').slice(0, MAX_LENGTH - 1 - hash.length)}-${hash}`;
}

/** FNV-1a, 32 bits, over UTF-8. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
