// Distinguishes a hole that a power cut left from damage to something that was written whole.
//
// Without a sync, the pages of a file reach the platter in any order, and independently of the file's size. After a
// power cut a page that did not arrive reads as zeros from its first new byte on. A bit that flips later leaves the
// rest of its page unchanged.
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, crc32c } from '@milepost/records';

const PAGE_BYTES = 4096;
/** In a batch. */
const LENGTH_AT = 8;
const CRC_AT = 17;
const CRC_FROM = 21;

/** A shorter run may be zeros anyway: the high bytes of a base offset, the end of a record without headers. */
const LEAST_BYTES = 8;

interface Bytes {
  readonly sizeBytes: number;
  read(position: number, target: Uint8Array): number;
}

/** Whether a page did not arrive in this range, which ends where an intact batch begins or the file ends. */
export function hasHole(file: Bytes, from: number, to: number): boolean {
  const isIntactBehind = to < file.sizeBytes; // so its page has arrived
  return hasEmptyPage(file, from, isIntactBehind ? startOfPage(to) : to);
}

/**
 * Whether the batch at the position, which is not intact, was never whole: the file ends in it, or one of its pages did not
 * arrive. Otherwise it may have been synced once, and the disk has damaged it since. No CRC covers its length.
 */
export function wasNeverWhole(file: Bytes, position: number): boolean {
  const leftBytes = file.sizeBytes - position;
  if (leftBytes < BATCH_HEADER_BYTES) return true;
  const header = Buffer.alloc(BATCH_HEADER_BYTES);
  file.read(position, header);
  const sizeBytes = BATCH_PREFIX_BYTES + header.readInt32BE(LENGTH_AT);
  if (sizeBytes > leftBytes) return !isWholeTo(file, position, leftBytes);
  return hasEmptyPage(file, position, position + Math.max(sizeBytes, BATCH_HEADER_BYTES));
}

/** A batch with a wrong length that really ends with the file. */
function isWholeTo(file: Bytes, position: number, sizeBytes: number): boolean {
  const bytes = Buffer.alloc(sizeBytes);
  file.read(position, bytes);
  return bytes.readUInt32BE(CRC_AT) === crc32c(bytes.subarray(CRC_FROM));
}

function hasEmptyPage(file: Bytes, from: number, to: number): boolean {
  const page = Buffer.alloc(PAGE_BYTES);
  for (let start = from; start < to; start = startOfPage(start) + PAGE_BYTES) {
    const end = Math.min(to, startOfPage(start) + PAGE_BYTES);
    if (end - start < LEAST_BYTES) continue;
    const bytes = page.subarray(0, file.read(start, page.subarray(0, end - start)));
    if (bytes.every((byte) => byte === 0)) return true;
  }
  return false;
}

const startOfPage = (position: number): number => Math.floor(position / PAGE_BYTES) * PAGE_BYTES;
