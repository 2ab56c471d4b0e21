// The sessions of MQTT 5 that outlive their connections, and their expiry. Like everything in the engine, they do not
// outlive the gateway.
import type { Clock } from '@milepost/core';

/** Beyond this the oldest are dropped: their devices then start a new session, as CONNACK reports. */
const MAX_SESSIONS = 100_000;

export class Mqtt5Sessions {
  readonly #now: Clock['monotonic'];
  /** By client id. The connection is its holder's token: one that was replaced by another ends nothing. */
  readonly #sessions = new Map<string, { holder: object; endsAtMs: number }>();

  constructor(now: Clock['monotonic']) {
    this.#now = now;
  }

  isPresent(clientId: string): boolean {
    const session = this.#sessions.get(clientId);
    return session !== undefined && session.endsAtMs > this.#now();
  }

  connected(clientId: string, holder: object): void {
    this.#sessions.delete(clientId);
    this.#sessions.set(clientId, { holder, endsAtMs: Number.POSITIVE_INFINITY });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
  }

  disconnected(clientId: string, holder: object, expiryMs: number): void {
    const session = this.#sessions.get(clientId);
    if (session?.holder !== holder) return;
    if (expiryMs === 0) this.#sessions.delete(clientId);
    else session.endsAtMs = this.#now() + expiryMs;
  }
}
