// The end of the active segment for a copy: after its last whole batch. A broker may be in the middle of appending the
// next one, or a crash may have torn it.
import { invariant, Offset } from '@milepost/core';
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, RecordBatch } from '@milepost/records';
import type { FileHandle } from 'node:fs/promises';

export interface SegmentEnd {
  readonly sizeBytes: number;
  readonly endOffset: number;
  /** Something other than a batch follows: a recovery has to examine it. */
  readonly isAstray: boolean;
}

const MAGIC = 2;
const HEADERS_AT_ONCE_BYTES = 4 * 1024 * 1024;

/** Reads the whole file: the checksums of batches distinguish whole ones from others. */
export async function lastWholeBatch(file: FileHandle, fileBytes: number, baseOffset: number): Promise<SegmentEnd> {
  let [sizeBytes, endOffset, position] = [0, baseOffset, 0];
  let window: Buffer = Buffer.alloc(0);
  let windowAt = 0;
  /** That many bytes from the position on. */
  const shown = async (length: number): Promise<Buffer> => {
    if (position + length > windowAt + window.length) {
      const wanted = Math.min(Math.max(length, HEADERS_AT_ONCE_BYTES), fileBytes - position);
      window = Buffer.allocUnsafe(wanted);
      windowAt = position;
      const { bytesRead } = await file.read(window, 0, wanted, position);
      invariant(bytesRead === wanted, () => `read ${bytesRead} bytes at ${position}, expected ${wanted}`);
    }
    return window.subarray(position - windowAt, position - windowAt + length);
  };
  let isAstray = false;
  while (fileBytes - position >= BATCH_HEADER_BYTES) {
    const header = await shown(BATCH_HEADER_BYTES);
    const length = BATCH_PREFIX_BYTES + header.readInt32BE(8);
    isAstray = length < BATCH_HEADER_BYTES || header[16] !== MAGIC;
    if (isAstray) break;
    if (position + length > fileBytes) break; // torn, or being written
    const batch = RecordBatch.at(await shown(length), 0);
    position += length;
    if (!batch?.isIntact()) continue; // it remains in place if a good one follows, as in a recovery
    endOffset = Offset(batch.nextOffset);
    sizeBytes = position;
  }
  return { sizeBytes, endOffset, isAstray };
}
