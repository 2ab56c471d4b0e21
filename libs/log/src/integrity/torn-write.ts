// Distinguishes a hole that a power cut left from damage to something that was written whole.
//
// Without a sync, the pages of a file reach the platter in any order, and independently of the file's size. After a
// power cut a page that did not arrive reads as zeros from its first new byte on. A bit that flips later leaves the
// rest of its page unchanged.

const PAGE_BYTES = 4096;

/** A shorter run may be zeros anyway: the high bytes of a base offset, the end of a record without headers. */
const LEAST_BYTES = 8;

/** Whether a page did not arrive in this range, which ends where an intact batch begins or the file ends. */
export function hasHole(
  file: { readonly sizeBytes: number; read(position: number, target: Uint8Array): number },
  from: number,
  to: number,
): boolean {
  const page = Buffer.alloc(PAGE_BYTES);
  for (let start = from; start < to; start = pageAfter(start)) {
    const end = Math.min(to, pageAfter(start));
    const holdsIntact = end === to && to < file.sizeBytes && to % PAGE_BYTES !== 0; // so this page has arrived
    if (holdsIntact || end - start < LEAST_BYTES) continue;
    const bytes = page.subarray(0, file.read(start, page.subarray(0, end - start)));
    if (bytes.every((byte) => byte === 0)) return true;
  }
  return false;
}

const pageAfter = (position: number): number => (Math.floor(position / PAGE_BYTES) + 1) * PAGE_BYTES;
