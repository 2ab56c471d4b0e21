// The promises of every Clock. `pass` lets time go by: really, or in the simulator.
import type { Clock } from '../ports.ts';

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Resolves when that much time has passed and everything due has run. */
  readonly pass: (forMs: number) => Promise<void>;
}

export function clockContract(name: string, make: () => ClockUnderTest): void {
  describe(`${name} is a Clock`, () => {
    test('a timer runs once, not before its delay and not before the call has returned', async () => {
      const { clock, pass } = make();
      const startMs = clock.monotonic();
      const runs: number[] = [];
      clock.after(20, () => runs.push(clock.monotonic()));
      clock.after(0, () => runs.push(clock.monotonic()));
      expect(runs).toEqual([]);
      await pass(60);
      expect(runs).toHaveLength(2);
      expect(runs[1]).toBeGreaterThanOrEqual(startMs + 20);
      await pass(60);
      expect(runs).toHaveLength(2);
    });

    test('timers run in the order of their times, and at the same time in the order of the calls', async () => {
      const { clock, pass } = make();
      const order: string[] = [];
      for (const [label, delayMs] of [
        ['c', 60],
        ['a', 5],
        ['b', 5],
      ] as const)
        clock.after(delayMs, () => order.push(label));
      await pass(120);
      expect(order).toEqual(['a', 'b', 'c']);
    });

    test('a cancelled timer does not run; cancelling late or twice does nothing', async () => {
      const { clock, pass } = make();
      const runs: string[] = [];
      const cancel = clock.after(10, () => runs.push('cancelled'));
      const late = clock.after(10, () => runs.push('kept'));
      cancel();
      cancel();
      await pass(40);
      late();
      expect(runs).toEqual(['kept']);
    });

    test('monotonic time advances, wall time is a date', async () => {
      const { clock, pass } = make();
      const before = { steady: clock.monotonic(), wall: clock.now() };
      await pass(30);
      expect(clock.monotonic() - before.steady).toBeGreaterThanOrEqual(29);
      expect(clock.now() - before.wall).toBeGreaterThanOrEqual(28);
      expect(Number.isInteger(clock.now())).toBe(true);
      expect(new Date(clock.now()).getFullYear()).toBeGreaterThanOrEqual(2026);
    });

    test('a delay of more than 32 bits is not taken for zero', async () => {
      const { clock, pass } = make();
      let hasRun = false;
      const cancel = clock.after(2 ** 31 + 10, () => {
        hasRun = true;
      });
      await pass(30);
      cancel();
      expect(hasRun).toBe(false);
    });
  });
}
