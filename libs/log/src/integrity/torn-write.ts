// Tells a hole that a power cut left from damage to what was written whole.
//
// The pages of a file that no sync has covered reach the platter in any order, and the file's size on its own: after a power
// cut a page that did not arrive reads as zeros, from the first byte that was new in it on. A bit that turned later leaves
// the rest of its page as it was.

const PAGE_BYTES = 4096;

/** What is shorter may be zeros anyway: the high bytes of a base offset, the end of a record without headers. */
const LEAST_BYTES = 8;

/** Whether in this stretch, up to where an intact batch begins or the file ends, a page did not arrive. */
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
