// Time that stands still until a test moves it.
import type { Cancel, Clock } from '@milepost/core';

interface Alarm {
  readonly at: number;
  readonly run: () => void;
}

export class ManualClock implements Clock {
  #elapsed = 0;
  #wallMs = 1_800_000_000_000;
  #alarms: Alarm[] = [];

  now(): number {
    return this.#wallMs + this.#elapsed;
  }

  /** Somebody sets the wall clock. */
  jump(byMs: number): void {
    this.#wallMs += byMs;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(delayMs: number, run: () => void): Cancel {
    const alarm = { at: this.#elapsed + delayMs, run };
    const behind = this.#alarms.findIndex((other) => other.at > alarm.at);
    this.#alarms.splice(behind < 0 ? this.#alarms.length : behind, 0, alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  get alarms(): number {
    return this.#alarms.length;
  }

  /** Lets all that falls due happen in its order, each with what it sets off. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settled();
    for (let next = this.#alarms[0]; next && next.at <= end; next = this.#alarms[0]) {
      this.#alarms.shift();
      this.#elapsed = Math.max(this.#elapsed, next.at);
      next.run();
      await settled();
    }
    this.#elapsed = end;
    await settled();
  }
}

/** Resolves when no promise has anything left to do. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
