// Requests without a response on open connections: one that never gets a response is a hang.
import type { Clock } from '@milepost/core';

export interface OutstandingRequest {
  readonly what: string;
  readonly sinceMs: number;
}

export class Outstanding {
  readonly #clock: Clock;
  readonly #requests = new Set<OutstandingRequest>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Answers what to call when it is answered, or its connection closed. */
  begin(what: string): () => void {
    const request = { what, sinceMs: this.#clock.monotonic() };
    this.#requests.add(request);
    return () => this.#requests.delete(request);
  }

  /** The first that waits for longer. */
  longerThan(ms: number): OutstandingRequest | undefined {
    const now = this.#clock.monotonic();
    for (const request of this.#requests) if (now - request.sinceMs > ms) return request;
    return undefined;
  }
}
