import type { Schedule } from './rule.ts';
import { activeTimes, isTimeZone } from './schedule.ts';

const night: Schedule = { timeZone: 'Europe/Stockholm', from: '22:00', to: '05:00' };
const office: Schedule = { timeZone: 'America/New_York', days: ['mon', 'tue'], from: '08:00', to: '17:30' };
const weekend: Schedule = { timeZone: 'Asia/Kathmandu', days: ['sat', 'sun'] };
const fridayNight: Schedule = { ...night, days: ['fri'] };

test.each<[string, Schedule, string, boolean]>([
  ['a night in winter, before', night, '2026-01-15T20:59:59Z', false],
  ['a night in winter', night, '2026-01-15T21:00:00Z', true],
  ['a night in summer', night, '2026-07-15T20:00:00Z', true],
  ['after a night in summer', night, '2026-07-15T03:00:00Z', false],
  ['the end of a night', night, '2026-01-16T03:59:59Z', true],
  ['the hour that summer time skips', night, '2026-03-29T01:30:00Z', true],
  ['a day and its hours', office, '2026-11-23T13:00:00Z', true],
  ['the hour before', office, '2026-11-23T12:59:59Z', false],
  ['its end is outside', office, '2026-11-23T22:30:00Z', false],
  ['another day', office, '2026-11-25T14:00:00Z', false],
  ['whole days begin at local midnight', weekend, '2026-11-27T18:15:00Z', true],
  ['and not before', weekend, '2026-11-27T18:14:59Z', false],
  ['a night belongs to the day on which it begins', fridayNight, '2026-11-28T02:00:00Z', true],
  ['not to the day on which it ends', fridayNight, '2026-11-27T02:00:00Z', false],
])('%s', (_, schedule, time, expected) => {
  const isActive = activeTimes(schedule);
  expect(isActive(Date.parse(time))).toBe(expected);
  expect(isActive(Date.parse(time))).toBe(expected); // remembered
});

test('only names of IANA are time zones', () => {
  expect(['Europe/Berlin', 'UTC'].every(isTimeZone)).toBe(true);
  expect(['+02:00', 'Mars/Base', ''].some(isTimeZone)).toBe(false);
});
