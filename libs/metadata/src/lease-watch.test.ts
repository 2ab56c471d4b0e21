import { BrokerId, Uuid } from '@milepost/core';
import type { LeaseHolder } from './broker-lease.ts';
import { LeaseWatch } from './lease-watch.ts';

const [ONE, TWO, THREE] = [BrokerId(1), BrokerId(2), BrokerId(3)];
const SESSION_MS = 15_000;
const lease = (remainingMs: number): LeaseHolder => ({
  incarnation: Uuid('00000000-0000-4000-8000-000000000001'),
  host: 'h',
  port: 1,
  place: '',
  sinceMs: 0,
  epoch: 1,
  untilMs: 0,
  remainingMs,
});
const leases = new Map([
  [ONE, lease(10_000)],
  [TWO, lease(-1)],
]);

/** Looks every two seconds, from one time to another. */
function watched(watch: LeaseWatch, fromMs: number, toMs: number): (id: BrokerId) => boolean {
  let isGone: (id: BrokerId) => boolean = () => false;
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 2_000) isGone = watch.look({ nowMs, leases });
  return isGone;
}

test('a broker whose lease has ended is gone, and so is one that has none', () => {
  const isGone = watched(new LeaseWatch(SESSION_MS), 0, 20_000);
  expect([ONE, TWO, THREE].map(isGone)).toEqual([false, true, true]);
});

test('nobody is declared gone before a broker has watched for a whole lease', () => {
  expect(watched(new LeaseWatch(SESSION_MS), 0, 14_000)(TWO)).toBe(false);
});

test('after the database was away nobody is declared gone for one lease', () => {
  const watch = new LeaseWatch(SESSION_MS);
  expect(watched(watch, 0, 20_000)(TWO)).toBe(true);
  expect(watched(watch, 60_000, 74_000)(TWO)).toBe(false);
  expect(watched(watch, 76_000, 76_000)(TWO)).toBe(true);
});

test('a look that came a little late is no reason to wait', () => {
  const watch = new LeaseWatch(SESSION_MS);
  watched(watch, 0, 20_000);
  expect(watched(watch, 26_000, 26_000)(TWO)).toBe(true);
});

test('a database that went back gets a lease as well', () => {
  const watch = new LeaseWatch(SESSION_MS);
  watched(watch, 0, 20_000);
  watch.restart();
  expect(watched(watch, 22_000, 36_000)(TWO)).toBe(false);
  expect(watched(watch, 38_000, 38_000)(TWO)).toBe(true);
});
