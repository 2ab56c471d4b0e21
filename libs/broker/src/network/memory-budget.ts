// Limits the bytes of requests and of responses that all connections hold together.
//
// Requests (`queued.max.request.bytes`): pending whole ones, and the announced size of those that are arriving. Above
// the limit no client is read from until some are done. A large request (more than LARGE_BYTES) must be admitted before
// it is read, and counts in full from then on: otherwise many that arrive together could never be finished. Small ones
// wait only for pending requests, which end by themselves: a client that announces much and sends nothing delays other
// large requests, but no other client.
//
// Responses (`queued.max.response.bytes`): bytes that the system has not taken yet, because their clients do not read.
// The more of them, the less a fetch reads: an eighth of what is left, at least one batch. So the sum stays below the
// limit plus a batch for each connection, and clients that read are served, whatever the others do.

const LARGE_BYTES = 1024 * 1024;
const SHARE = 8;

export interface MemoryLimits {
  /** queued.max.request.bytes; -1: no limit */
  readonly requestBytes: number;
  /** queued.max.response.bytes */
  readonly answerBytes: number;
}

export class MemoryBudget {
  readonly #limits: MemoryLimits;
  /** Clients that may not be read from, the one that has waited longest first. */
  readonly #waiting = new Set<() => void>();
  /** Of whole requests without a response. */
  #requestBytes = 0;
  /** Of large requests that have not arrived completely. */
  #announcedBytes = 0;
  #answerBytes = 0;

  constructor({ requestBytes, answerBytes }: MemoryLimits) {
    this.#limits = { requestBytes: requestBytes < 0 ? Number.MAX_SAFE_INTEGER : requestBytes, answerBytes };
  }

  get requestBytes(): number {
    return this.#requestBytes + this.#announcedBytes;
  }
  get answerBytes(): number {
    return this.#answerBytes;
  }
  /** How much a fetch may read now, beyond its first batch. */
  get readableBytes(): number {
    return Math.max(0, Math.floor((this.#limits.answerBytes - this.#answerBytes) / SHARE));
  }

  /** Whether clients may be read from. */
  get hasRoom(): boolean {
    return this.#requestBytes < this.#limits.requestBytes;
  }

  /** As in Kafka, the last admitted one may exceed the limit. */
  admits(announcedBytes: number): boolean {
    return announcedBytes <= LARGE_BYTES ? this.hasRoom : this.requestBytes < this.#limits.requestBytes;
  }

  static isLarge(announcedBytes: number): boolean {
    return announcedBytes > LARGE_BYTES;
  }

  announced(changeBytes: number): void {
    this.#announcedBytes += changeBytes;
    if (changeBytes < 0) this.#wake();
  }

  requests(changeBytes: number): void {
    this.#requestBytes += changeBytes;
    if (changeBytes < 0) this.#wake();
  }

  answers(changeBytes: number): void {
    this.#answerBytes += changeBytes;
  }

  /** Calls `goOn` when there may be room again. */
  waitForRoom(goOn: () => void): void {
    this.#waiting.add(goOn);
  }

  leave(goOn: () => void): void {
    this.#waiting.delete(goOn);
  }

  /** One after another: each may use the room, and then waits again at the end of the queue. */
  #wake(): void {
    for (const goOn of Array.from(this.#waiting)) {
      if (!this.hasRoom) return;
      this.#waiting.delete(goOn);
      goOn();
    }
  }
}
