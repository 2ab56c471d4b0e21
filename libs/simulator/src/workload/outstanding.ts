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

  /** Returns the function to call at the response, or when its connection is closed. */
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
