// Time that stands still until a test moves it.
import type { Cancel, Clock } from '../ports.ts';

interface Alarm {
  readonly atMs: number;
  readonly run: () => void;
}

export class ManualClock implements Clock {
  #elapsedMs = 0;
  #wallMs: number;
  #alarms: Alarm[] = [];

  /** `startMs`: the initial wall time. */
  constructor(startMs = 1_800_000_000_000) {
    this.#wallMs = startMs;
  }

  now(): number {
    return this.#wallMs + this.#elapsedMs;
  }

  /** Moves the wall clock ahead or back; monotonic time is unaffected. */
  jump(byMs: number): void {
    this.#wallMs += byMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    const alarm = { atMs: this.#elapsedMs + delayMs, run };
    const behind = this.#alarms.findIndex((other) => other.atMs > alarm.atMs);
    this.#alarms.splice(behind < 0 ? this.#alarms.length : behind, 0, alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  /** The number of pending timers. */
  get alarms(): number {
    return this.#alarms.length;
  }

  /** Runs every timer that is due on the way, in order, and waits for its promises each time. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#elapsedMs + ms;
    await settled();
    for (let next = this.#alarms[0]; next && next.atMs <= endMs; next = this.#alarms[0]) {
      this.#alarms.shift();
      this.#elapsedMs = Math.max(this.#elapsedMs, next.atMs);
      next.run();
      await settled();
    }
    this.#elapsedMs = endMs;
    await settled();
  }
}

/** Resolves when no promise can continue without an event. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
