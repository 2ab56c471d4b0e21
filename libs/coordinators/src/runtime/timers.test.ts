import type { Clock } from '@milepost/core';
import { Timers } from './timers.ts';

/** Time that the test sets; alarms run on command, possibly late. */
class LateClock implements Clock {
  nowMs = 0;
  #alarms: { readonly atMs: number; readonly run: () => void }[] = [];
  now = () => this.nowMs;
  monotonic = () => this.nowMs;
  after(delayMs: number, run: () => void) {
    const alarm = { atMs: this.nowMs + delayMs, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }
  runDue(): void {
    const due = this.#alarms.filter(({ atMs }) => atMs <= this.nowMs);
    this.#alarms = this.#alarms.filter((alarm) => !due.includes(alarm));
    for (const { run } of due) run();
  }
}

test('a process that stood still expires no member before it has read what arrived meanwhile', () => {
  const clock = new LateClock();
  const timers = new Timers(clock);
  const expired: string[] = [];
  const keep = (name: string) => timers.schedule(name, 10_000, () => void expired.push(name));
  keep('a');
  keep('b');
  clock.nowMs = 30_000;
  clock.runDue();
  expect(expired).toEqual([]);
  keep('a'); // the heartbeat that had waited in the socket
  clock.nowMs = 31_000;
  clock.runDue();
  expect(expired).toEqual(['b']);
  clock.nowMs = 40_000;
  clock.runDue();
  expect(expired).toEqual(['b', 'a']);
});

test('a timer is punctual, and a deadline that was moved is kept', () => {
  const clock = new LateClock();
  const timers = new Timers(clock);
  const fired: number[] = [];
  const run = () => void fired.push(clock.nowMs);
  timers.schedule('a', 5_000, run);
  clock.nowMs = 4_000;
  timers.schedule('a', 5_000, run);
  clock.nowMs = 5_000;
  clock.runDue();
  expect(fired).toEqual([]);
  clock.nowMs = 9_000;
  clock.runDue();
  expect(fired).toEqual([9_000]);
});
