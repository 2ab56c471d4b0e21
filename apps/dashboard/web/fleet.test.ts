import type { Alert } from '@milepost/alerts';
import type { LiveMessage, TruckRow } from '@milepost/live';
import { Fleet } from './fleet.ts';

const now = Date.UTC(2026, 0, 1, 12);
const row = (id: string, more: Partial<TruckRow> = {}): TruckRow => ({
  id,
  lat: 57.7,
  lon: 11.97,
  at: now,
  heard: now,
  ...more,
});
const alert = (n: number, truckId: string): Alert => ({
  alertId: `speeding-0-${n}`,
  rule: 'speeding',
  kind: 'speeding',
  truckId,
  ts: new Date(now + n).toISOString(),
  message: 'too fast',
  position: { truckId, ts: new Date(now).toISOString(), lat: 57.7, lon: 11.97, source: 'milepost' },
});
const message = (
  type: LiveMessage['type'],
  trucks: readonly TruckRow[],
  alerts: readonly Alert[] = [],
): LiveMessage => ({
  type,
  now,
  trucks,
  alerts,
});

test('a truck moves, stands, is silent or has an alert', () => {
  const fleet = new Fleet();
  const trucks = [
    row('m', { kmh: 50 }),
    row('s', { kmh: 1 }),
    row('q', { heard: now - 61_000 }),
    row('a', { kmh: 50 }),
  ];
  fleet.take(message('all', trucks, [alert(1, 'a')]));
  expect([...fleet.trucks.values()].map((truck) => fleet.stateOf(truck, now))).toEqual([
    'moving',
    'stopped',
    'silent',
    'alert',
  ]);
});

test('a position without speed and heading does not retain those of the one before', () => {
  const fleet = new Fleet();
  fleet.take(message('all', [row('t', { kmh: 50, deg: 90, clockWrong: true })]));
  fleet.take(message('changes', [row('t')]));
  expect(fleet.trucks.get('t')).toEqual({ ...row('t'), glide: undefined, street: undefined });
});

test('a message with all trucks removes the others, one with changes does not', () => {
  const fleet = new Fleet();
  fleet.take(message('all', [row('a'), row('b')]));
  fleet.take(message('changes', [row('c')]));
  expect([...fleet.trucks.keys()]).toEqual(['a', 'b', 'c']);
  fleet.take(message('all', [row('c')]));
  expect([...fleet.trucks.keys()]).toEqual(['c']);
});

test('an alert that was known before the page was opened, or arrives again, is not announced', () => {
  const fleet = new Fleet();
  const announced: string[][] = [];
  fleet.on('alerts', (fresh) => announced.push(fresh.map(({ alertId }) => alertId)));
  fleet.take(message('all', [row('a')], [alert(1, 'a')]));
  fleet.take(message('changes', [], [alert(1, 'a'), alert(2, 'a')]));
  expect(announced).toEqual([[], ['speeding-0-2']]);
  expect(fleet.alerts.map(({ alertId }) => alertId)).toEqual(['speeding-0-2', 'speeding-0-1']);
});

test('while the connection is lost no truck falls silent, and afterwards those that have', () => {
  let clock = now;
  const fleet = new Fleet(() => clock);
  fleet.take(message('all', [row('a', { kmh: 50 }), row('b', { kmh: 50 })]));
  fleet.lose();
  clock += 600_000;
  const states = () => [...fleet.trucks.values()].map((truck) => fleet.stateOf(truck));
  expect(states()).toEqual(['moving', 'moving']);
  fleet.take({
    ...message('all', [row('a', { kmh: 50 }), row('b', { kmh: 50, heard: now + 600_000 })]),
    now: now + 600_000,
  });
  expect(states()).toEqual(['silent', 'moving']);
});
