import { Rate } from './rate.ts';
import { TokenBucket } from './token-bucket.ts';

const windows = { count: 11, sizeMs: 1_000 };

test('a new client is measured over ten windows, as if silent before', () => {
  const rate = new Rate(windows);
  rate.record(1_000, 5_000);
  expect(rate.perSecond(5_000)).toBe(100);
  expect(rate.overMs(100, 5_000)).toBe(0);
  // (100 - 80) / 80 of ten seconds
  expect(rate.overMs(80, 5_000)).toBe(2_500);
});

test('after the wait that it names the rate is at the limit again', () => {
  const rate = new Rate(windows);
  for (let at = 0; at < 10; at++) rate.record(1_500, at * 1_000);
  const waitMs = rate.overMs(1_000, 9_900);
  expect(waitMs).toBeGreaterThan(0);
  expect(rate.overMs(1_000, 9_900 + waitMs)).toBe(0);
});

test('values older than all windows are dropped', () => {
  const rate = new Rate(windows);
  rate.record(1_000_000, 0);
  rate.record(10, 11_000);
  expect(rate.perSecond(11_000)).toBe(1);
});

test('a value that is taken back does not count', () => {
  const rate = new Rate(windows);
  rate.record(500, 0);
  rate.record(-500, 1);
  expect(rate.perSecond(1)).toBe(0);
});

test('a bucket holds what all windows allow, one change may overdraw it, and the debt takes its time', () => {
  const bucket = new TokenBucket(windows);
  bucket.take(50, 5, 1_000_000);
  expect(bucket.debtMs(5, 1_000_000)).toBe(0);
  bucket.take(10, 5, 1_000_000);
  expect(bucket.debtMs(5, 1_000_000)).toBe(1_000);
  expect(bucket.debtMs(5, 1_001_000)).toBe(0);
});
