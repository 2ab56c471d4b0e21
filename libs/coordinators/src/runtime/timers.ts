// Named timers of one slot. Moving a deadline further away, as every heartbeat does, costs no timer of the host: the running
// one checks the deadline again when it fires.
//
// A process that stood still (a slow disk, a stopped machine) wakes with its timers due before it has read the requests that
// arrived meanwhile. A timer that fires much too late therefore waits a little longer: a member is not expired while its
// heartbeats wait in a socket.
import type { Cancel, Clock } from '@milepost/core';

/** A timer that fires this much too late shows that the process stood still. */
const STOOD_STILL_MS = 1_000;
/** For requests that arrived in the meantime. */
const CATCH_UP_MS = 1_000;

interface Timer {
  deadline: number;
  firesAt: number;
  cancel: Cancel;
  run: Due;
}

/** Called at the deadline. What it starts may wait in a queue; `isDue` is false once a timer of that name was set again. */
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

  /** Nothing is scheduled from now on. */
  close(): void {
    this.#closed = true;
    this.cancelAll();
  }

  #arm(name: string, timer: Timer): void {
    const leftMs = Math.max(0, timer.deadline - this.#clock.monotonic());
    const expectedAt = this.#clock.monotonic() + leftMs;
    timer.firesAt = timer.deadline;
    timer.cancel = this.#clock.after(leftMs, () => {
      const now = this.#clock.monotonic();
      if (now - expectedAt > STOOD_STILL_MS) timer.deadline = Math.max(timer.deadline, now + CATCH_UP_MS);
      if (now < timer.deadline) this.#arm(name, timer);
      else timer.run(() => this.#timers.get(name) === timer);
    });
  }
}
