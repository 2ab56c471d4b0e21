import { clockVerdict, isoTime, parseTime } from './index.ts';

test('times agree with the platform over ten thousand years', () => {
  for (let ms = -62_167_219_200_000; ms < 253_402_300_799_999; ms += 86_400_000 * 1009 + 3_723_456) {
    const text = new Date(ms).toISOString();
    expect(parseTime(text)).toBe(ms);
    expect(isoTime(ms)).toBe(text.replace('.000Z', 'Z'));
  }
});

test.each([
  ['2026-11-22T10:00:00Z', '2026-11-22T10:00:00.000Z'],
  ['2016-12-31T23:59:60.250Z', '2017-01-01T00:00:00.250Z'],
  ['2026-11-22T10:00:00+02:00', '2026-11-22T08:00:00.000Z'],
  ['2026-11-22T10:00:00-0330', '2026-11-22T13:30:00.000Z'],
  ['2026-11-22T10:00:00+02', '2026-11-22T08:00:00.000Z'],
  ['2026-11-22t10:00:00.1239z', '2026-11-22T10:00:00.123Z'],
  ['2026-11-22 10:00', '2026-11-22T10:00:00.000Z'],
  ['2024-02-29', '2024-02-29T00:00:00.000Z'],
  ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
])('%s is %s', (text, expected) => {
  expect(parseTime(text)).toBe(Date.parse(expected));
});

test.each([
  '',
  'now',
  '2026',
  '2026-13-01',
  '2026-00-10',
  '2025-02-29',
  '2026-04-31',
  '2026-11-22T24:00Z',
  '1763805600',
  '2026-11-22T10:00:0xZ',
  '2026-11-22T10:00:00.0x0Z',
  '2026-11-22T10:00:61Z',
  '2026-11-22T24:00:00Z',
  '2026-02-30T10:00:00.000Z',
  '202x-11-22T10:00:00Z',
  '2026-11-22T1:00:000Z',
])('"%s" is not a time', (text) => expect(parseTime(text)).toBeUndefined());

test('a year beyond four digits is not written', () => {
  expect(isoTime(253_402_300_800_000)).toBeUndefined();
  expect(isoTime(Number.NaN)).toBeUndefined();
});

test('a clock is plausible from 2000 to an hour ahead', () => {
  const now = Date.parse('2026-11-22T10:00:00Z');
  expect(clockVerdict(Date.parse('2000-01-01T00:00:00Z'), now)).toBe('plausible');
  expect(clockVerdict(Date.parse('1999-12-31T23:59:59Z'), now)).toBe('implausible');
  expect(clockVerdict(now + 3_600_000, now)).toBe('plausible');
  expect(clockVerdict(now + 3_600_001, now)).toBe('implausible');
});

test('a GPS receiver that counts weeks in ten bits may be 1,024 or 2,048 weeks behind', () => {
  const now = Date.parse('2026-11-22T10:00:00Z');
  const rolloverMs = 1024 * 7 * 86_400_000;
  expect(clockVerdict(now - rolloverMs, now)).toBe('week-rollover');
  expect(clockVerdict(now - rolloverMs - 86_400_000, now)).toBe('week-rollover');
  expect(clockVerdict(now - rolloverMs + 30 * 86_400_000, now)).toBe('plausible');
  expect(clockVerdict(now - 10 * 365 * 86_400_000, now)).toBe('plausible');
});
