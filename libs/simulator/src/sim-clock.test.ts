import { clockContract } from '../../core/src/contracts/clock.contract.ts';
import { SimClock, SimMachine, SimNetwork, SimRandom } from './index.ts';

clockContract('SimClock', () => {
  const clock = new SimClock();
  return { clock, pass: (forMs) => clock.run(forMs) };
});

test('a day passes immediately, and all its timers run in order', async () => {
  const clock = new SimClock();
  const hours: number[] = [];
  const tick = (): void => {
    hours.push(clock.monotonic() / 3_600_000);
    clock.after(3_600_000, tick);
  };
  clock.after(0, tick);
  const start = clock.now();
  await clock.run(86_400_000);
  expect(hours).toEqual(Array.from({ length: 25 }, (_, n) => n));
  expect(clock.now() - start).toBe(86_400_000);
});

test('many events, scheduled in a random order, run in the order of their time', async () => {
  const clock = new SimClock();
  const seen: number[] = [];
  for (let n = 0; n < 2000; n++) clock.after((n * 7919) % 2003, () => seen.push(clock.monotonic()));
  await clock.run(3000);
  expect(seen).toHaveLength(2000);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
});

test('promises settle between two events', async () => {
  const clock = new SimClock();
  const order: string[] = [];
  const sleep = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve));
  const walk = async (name: string, ms: number) => {
    for (let step = 1; step <= 3; step++) {
      await sleep(ms);
      order.push(`${name}${step}`);
    }
    return name;
  };
  expect(await clock.settle(Promise.all([walk('a', 10), walk('b', 15)]))).toEqual(['a', 'b']);
  expect(order).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
  expect(clock.monotonic()).toBe(45);
});

test('waiting for an impossible condition is an error, not a hang', async () => {
  const clock = new SimClock();
  await expect(clock.until(() => false)).rejects.toThrow('nothing is left to happen');
  const again = (): void => void clock.after(100, again);
  again();
  await expect(clock.until(() => false, 1000)).rejects.toThrow('after 1000 ms');
});

test('setting the wall clock of a machine affects neither monotonic time nor other machines', () => {
  const clock = new SimClock();
  const network = new SimNetwork(new SimRandom(1), clock);
  const [set, other] = [new SimMachine('set', clock, network), new SimMachine('other', clock, network)];
  const wall = set.clock.now();
  set.setClock(-5000);
  expect(set.clock.now()).toBe(wall - 5000);
  expect([other.clock.now(), clock.now()]).toEqual([wall, wall]);
  expect(set.clock.monotonic()).toBe(0);
});
