// Walks through a segment's file from batch to batch. Any other content at the position of a batch is a flaw
// (flaws.ts).
import type { Clock, Offset } from '@milepost/core';
import { BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, RecordBatch } from '@milepost/records';
import type { LogFile } from '../log-file.ts';
import { flawOf } from './flaws.ts';

export const STOP = Symbol('stop');

export interface Visitor {
  /** The batch is a view that the next one overwrites. A returned text is its flaw; STOP ends the scan after it. */
  visit(batch: RecordBatch, position: number): string | typeof STOP | undefined;
  /** The position to continue at; undefined ends the scan. */
  onFlaw(position: number, flaw: string): number | undefined;
}

/** Visits whole batches from a position to the end of the file. Returns the position after the last good one. */
export function scan(file: LogFile, from: number, visitor: Visitor): number {
  const chunks = new Chunks(file);
  let position = from;
  while (position < file.sizeBytes) {
    const batch = chunks.batchAt(position);
    const verdict = typeof batch === 'string' ? batch : visitor.visit(batch, position);
    if (typeof verdict === 'string') {
      const next = visitor.onFlaw(position, verdict);
      if (next === undefined) return position;
      position = next;
    } else {
      position += (batch as RecordBatch).sizeBytes;
      if (verdict === STOP) return position;
    }
  }
  return position;
}

/** After this many bytes a long scan yields to other work: a second of CPU, on a slow machine, is 500 MB. */
const TURN_BYTES = 64 * 1024 * 1024;

/** Like `scan`, but yields to other work. */
export async function scanInTurns(clock: Clock, file: LogFile, from: number, visitor: Visitor): Promise<void> {
  let isOver = false;
  for (let at = from; !isOver && at < file.sizeBytes; ) {
    const turnEnds = at + TURN_BYTES;
    isOver = true;
    at = scan(file, at, {
      visit: (batch, position) => {
        const verdict = visitor.visit(batch, position);
        if (verdict !== undefined || position < turnEnds) return verdict;
        isOver = false;
        return STOP;
      },
      onFlaw: (position, flaw) => visitor.onFlaw(position, flaw),
    });
    if (!isOver) await new Promise<void>((resolve) => void clock.after(0, resolve));
  }
}

/**
 * The position of the next intact batch that could follow `least`, searched byte by byte; undefined if there is none.
 */
export function findIntact(file: LogFile, from: number, least: Offset): number | undefined {
  const chunks = new Chunks(file);
  for (let position = from; position + BATCH_HEADER_BYTES <= file.sizeBytes; position++) {
    if (!chunks.mayHoldBatch(position)) continue;
    const batch = chunks.batchAt(position);
    if (typeof batch === 'string') continue;
    if (batch.baseOffset - least < 2 ** 31 && flawOf(batch, least) === undefined) return position;
  }
  return undefined;
}

const MAGIC_AT = 16;
const CHUNK_BYTES = 1024 * 1024;

/** A window over the file that moves, and grows to hold a batch. */
class Chunks {
  readonly #file: LogFile;
  #memory = Buffer.alloc(0);
  #buffer = this.#memory;
  #start = 0;

  constructor(file: LogFile) {
    this.#file = file;
  }

  /** The batch, or the reason why there is none. */
  batchAt(position: number): RecordBatch | string {
    const left = this.#file.sizeBytes - position;
    if (left < BATCH_HEADER_BYTES) return `${left} bytes left, a header has ${BATCH_HEADER_BYTES}`;
    this.#show(position, BATCH_HEADER_BYTES);
    const sizeBytes = BATCH_PREFIX_BYTES + this.#buffer.readInt32BE(position - this.#start + 8);
    if (sizeBytes < BATCH_HEADER_BYTES) return `length ${sizeBytes}, a header has ${BATCH_HEADER_BYTES}`;
    if (sizeBytes > left) return `length ${sizeBytes}, ${left} bytes left`;
    this.#show(position, sizeBytes);
    return RecordBatch.at(this.#buffer, position - this.#start) as RecordBatch;
  }

  mayHoldBatch(position: number): boolean {
    this.#show(position, BATCH_HEADER_BYTES);
    return this.#buffer[position - this.#start + MAGIC_AT] === 2;
  }

  #show(position: number, length: number): void {
    if (position >= this.#start && position + length <= this.#start + this.#buffer.length) return;
    const wanted = Math.min(Math.max(length, CHUNK_BYTES), this.#file.sizeBytes - position);
    if (wanted > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(wanted);
    this.#buffer = this.#memory.subarray(0, wanted);
    this.#start = position;
    this.#file.read(position, this.#buffer);
  }
}
