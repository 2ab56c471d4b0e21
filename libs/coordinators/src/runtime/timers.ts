// Named timers of one group. Moving a deadline further away, as every heartbeat does, costs no timer of the host:
// the one that runs is asked again when it fires.
import type { Cancel, Clock } from '@milepost/core';

interface Timer {
  deadline: number;
  firesAt: number;
  cancel: Cancel;
  run: Due;
}

/** Called at the deadline. What it starts may wait in a line; `isDue` says whether the name was set anew meanwhile. */
export type Due = (isDue: () => boolean) => void;

export class Timers {
  readonly #clock: Clock;
  readonly #timers = new Map<string, Timer>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces the timer of that name. */
  schedule(name: string, delayMs: number, run: Due): void {
    if (this.#closed) return;
    const deadline = this.#clock.monotonic() + delayMs;
    const current = this.#timers.get(name);
    if (current && current.firesAt <= deadline && current.firesAt > this.#clock.monotonic()) {
      current.deadline = deadline;
      current.run = run;
      return;
    }
    current?.cancel();
    const timer: Timer = { deadline, firesAt: deadline, run, cancel: () => {} };
    this.#timers.set(name, timer);
    this.#arm(name, timer);
  }

  cancel(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  has(name: string): boolean {
    return this.#timers.has(name);
  }

  cancelAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  /** For good: nothing is scheduled any more. */
  close(): void {
    this.#closed = true;
    this.cancelAll();
  }

  #arm(name: string, timer: Timer): void {
    const leftMs = timer.deadline - this.#clock.monotonic();
    timer.firesAt = timer.deadline;
    timer.cancel = this.#clock.after(Math.max(0, leftMs), () => {
      if (this.#clock.monotonic() < timer.deadline) this.#arm(name, timer);
      else timer.run(() => this.#timers.get(name) === timer);
    });
  }
}
