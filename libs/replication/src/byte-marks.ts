// How many bytes were appended below an offset, counted from some start, without looking into the log: for fetches that wait
// for more bytes. Between two marks the lower one counts.
import { NO_OFFSET, type Offset } from '@milepost/core';

interface Mark {
  readonly end: Offset;
  readonly bytes: number;
}

/** Above, every other one goes: what waits for bytes is then woken a little late. */
const MOST_MARKS = 1_024;

export class ByteMarks {
  #bytes = 0;
  #passedBytes = 0;
  #marks: Mark[] = [];
  #last: Mark = { end: NO_OFFSET, bytes: 0 };

  add(sizeBytes: number): void {
    this.#bytes += sizeBytes;
  }

  /** All that was added lies below `end`. */
  mark(end: Offset): void {
    if (this.#bytes === this.#last.bytes) return;
    this.#last = { end, bytes: this.#bytes };
    if (this.#marks.length >= MOST_MARKS) this.#marks = this.#marks.filter((_, n) => n % 2 === 1);
    this.#marks.push(this.#last);
  }

  bytesBelow(offset: Offset): number {
    if (offset >= this.#last.end) return this.#last.bytes;
    return this.#marks.findLast(({ end }) => end <= offset)?.bytes ?? this.#passedBytes;
  }

  /** As `bytesBelow`; nothing below the offset is asked for any more. */
  passed(offset: Offset): number {
    this.#passedBytes = this.bytesBelow(offset);
    if (offset >= this.#last.end) this.#marks = [];
    else {
      const first = this.#marks.findIndex(({ end }) => end > offset);
      if (first > 0) this.#marks.splice(0, first);
    }
    return this.#passedBytes;
  }
}
