// The replicas on a node's disk, as an auditor reads them, without the broker: up to the first batch that is torn, damaged
// or not contiguous, as a recovery would.
import { batchesOf, crc32c } from '@milepost/records';
import { DATA_FOLDER } from './sim-node.ts';

export interface Replica {
  /** Where its last batch ends. */
  readonly endOffset: number;
  readonly batches: readonly ReplicaBatch[];
}

export interface ReplicaBatch {
  readonly baseOffset: number;
  readonly nextOffset: number;
  /** Of all its bytes, offset and leader epoch included. */
  readonly checksum: number;
}

/** By `<topic>-<partition>`. `files` are those of the disk, with their bytes. */
export function replicasIn(files: ReadonlyMap<string, Buffer>): Map<string, Replica> {
  const segments = new Map<string, { readonly baseOffset: number; readonly bytes: Buffer }[]>();
  for (const [path, bytes] of files) {
    const [, name, baseOffset] = SEGMENT.exec(path) ?? [];
    if (name === undefined) continue;
    const found = segments.get(name) ?? [];
    found.push({ baseOffset: Number(baseOffset), bytes });
    segments.set(name, found);
  }
  return new Map(Array.from(segments, ([name, found]) => [name, replicaIn(found)]));
}

const SEGMENT = new RegExp(`^${DATA_FOLDER}/([^/]+-\\d+)/(\\d{20})\\.log$`);

function replicaIn(segments: { readonly baseOffset: number; readonly bytes: Buffer }[]): Replica {
  const inOrder = segments.toSorted((a, b) => a.baseOffset - b.baseOffset);
  const batches: ReplicaBatch[] = [];
  let endOffset = inOrder[0]?.baseOffset ?? 0;
  for (const { bytes } of inOrder) {
    let positionBytes = 0;
    for (const batch of batchesOf(bytes)) {
      if (batch.magic !== 2 || batch.baseOffset !== endOffset || !batch.isIntact()) return { endOffset, batches };
      const { baseOffset, nextOffset } = batch;
      batches.push({ baseOffset, nextOffset, checksum: crc32c(batch.bytes) });
      endOffset = nextOffset;
      positionBytes += batch.sizeBytes;
    }
    if (positionBytes < bytes.length) return { endOffset, batches };
  }
  return { endOffset, batches };
}
