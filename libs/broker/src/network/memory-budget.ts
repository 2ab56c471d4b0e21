// How many bytes of requests and of answers all connections together hold, and who must wait for how long.
//
// Requests (`queued.max.request.bytes`): whole ones that are under way, and the announced size of those that are coming in.
// Above the limit no client is read from any further until some are done. A large request (more than LARGE_BYTES) must be
// admitted before it is read, and counts in full from then on: many that come in at once could otherwise never be finished.
// Small ones wait only for requests that are under way, which end by themselves: a client that announces much and sends
// nothing holds up other large requests, but nobody else.
//
// Answers (`queued.max.response.bytes`): bytes that the system has not taken yet, as their clients do not read. The more of
// them, the less a fetch reads: an eighth of what is left, one batch at the least. So the sum stays below the limit and a
// batch for each connection, and whoever reads is served whoever does not.

const LARGE_BYTES = 1024 * 1024;
const SHARE = 8;

export interface MemoryLimits {
  /** queued.max.request.bytes; -1: none */
  readonly requestBytes: number;
  /** queued.max.response.bytes */
  readonly answerBytes: number;
}

export class MemoryBudget {
  readonly #limits: MemoryLimits;
  /** Those who may not be read from, the one that has waited longest first. */
  readonly #waiting = new Set<() => void>();
  /** Of whole requests without an answer. */
  #requestBytes = 0;
  /** Of large requests that are not whole yet. */
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

  /** May more be read from clients? */
  get hasRoom(): boolean {
    return this.#requestBytes < this.#limits.requestBytes;
  }

  /** As Kafka: the one that is admitted last may exceed the limit. */
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

  /** Called back when there may be room again. */
  waitForRoom(goOn: () => void): void {
    this.#waiting.add(goOn);
  }

  leave(goOn: () => void): void {
    this.#waiting.delete(goOn);
  }

  /** One after another: each may take the room, and then waits again at the end of the line. */
  #wake(): void {
    for (const goOn of Array.from(this.#waiting)) {
      if (!this.hasRoom) return;
      this.#waiting.delete(goOn);
      goOn();
    }
  }
}
