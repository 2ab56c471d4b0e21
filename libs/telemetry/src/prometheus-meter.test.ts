import { PrometheusMeter } from './index.ts';

test('a counter without labels exists with value 0 before its first event', async () => {
  const meter = new PrometheusMeter();
  meter.counter('milepost_things_total', 'Things.');
  expect(await meter.text()).toContain('\nmilepost_things_total 0');
});

test('a name registered twice is one metric', async () => {
  const meter = new PrometheusMeter();
  meter.counter('milepost_things_total', 'Things.', ['kind']).add(1, { kind: 'a' });
  meter.counter('milepost_things_total', 'Things.', ['kind']).add(2, { kind: 'a' });
  expect(await meter.text()).toContain('milepost_things_total{kind="a"} 3');
});

test('gauges set at the scrape show live state, and a removed label set is gone', async () => {
  const meter = new PrometheusMeter();
  const gauge = meter.gauge('milepost_size_bytes', 'Size.', ['topic']);
  let size = 1;
  meter.onScrape(() => gauge.set(size++, { topic: 't' }));
  expect(await meter.text()).toContain('milepost_size_bytes{topic="t"} 1');
  expect(await meter.text()).toContain('milepost_size_bytes{topic="t"} 2');
  gauge.set(5, { topic: 'old' });
  gauge.remove({ topic: 'old' });
  expect(await meter.text()).not.toContain('topic="old"');
});

test('a series that is not set between two sweeps is removed, and returns when it is set again', async () => {
  const meter = new PrometheusMeter();
  const gauge = meter.gauge('milepost_size_bytes', 'Size.', ['topic']);
  const [kept, dropped] = [{ topic: 'kept' }, { topic: 'dropped' }];
  gauge.set(1, kept);
  gauge.set(1, dropped);
  gauge.sweep();
  gauge.set(2, kept);
  gauge.sweep();
  expect(await meter.text()).toContain('milepost_size_bytes{topic="kept"} 2');
  expect(await meter.text()).not.toContain('topic="dropped"');
  gauge.set(3, dropped);
  expect(await meter.text()).toContain('milepost_size_bytes{topic="dropped"} 3');
});

test('two label objects with the same content are one series', async () => {
  const meter = new PrometheusMeter();
  const gauge = meter.gauge('milepost_size_bytes', 'Size.', ['topic']);
  gauge.set(1, { topic: 't' });
  gauge.set(2, { topic: 't' });
  expect((await meter.text()).match(/^milepost_size_bytes.*$/gm)).toEqual(['milepost_size_bytes{topic="t"} 2']);
});

test('a label value that would break the line is escaped', async () => {
  const meter = new PrometheusMeter();
  meter.gauge('milepost_size_bytes', 'Size.', ['topic']).set(1, { topic: 'a"b\\c\nd' });
  expect(await meter.text()).toContain('milepost_size_bytes{topic="a\\"b\\\\c\\nd"} 1');
});

test('a histogram counts into all buckets from the first that fits, and has a sum and a count', async () => {
  const meter = new PrometheusMeter();
  const histogram = meter.histogram('milepost_wait_seconds', 'Wait.', [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe(value);
  expect((await meter.text()).match(/^milepost_wait.*$/gm)).toEqual([
    'milepost_wait_seconds_bucket{le="0.1"} 2',
    'milepost_wait_seconds_bucket{le="1"} 3',
    'milepost_wait_seconds_bucket{le="+Inf"} 4',
    'milepost_wait_seconds_sum 7.65',
    'milepost_wait_seconds_count 4',
  ]);
  expect(() => histogram.observe(Number.NaN)).toThrow('milepost_wait_seconds');
});

test('a histogram has a series for each label set that was observed', async () => {
  const meter = new PrometheusMeter();
  const histogram = meter.histogram('milepost_wait_seconds', 'Wait.', [1], ['api']);
  expect(await meter.text()).not.toContain('milepost_wait_seconds_count');
  histogram.observe(2, { api: 'Fetch' });
  histogram.observe(0.5, { api: 'Produce' });
  histogram.observe(0.5, { api: 'Produce' });
  const page = await meter.text();
  expect(page).toContain('milepost_wait_seconds_bucket{le="1",api="Fetch"} 0');
  expect(page).toContain('milepost_wait_seconds_count{api="Produce"} 2');
});

test('a part that cannot report its metrics does not affect the others', async () => {
  const failures: unknown[] = [];
  const meter = new PrometheusMeter((failure) => failures.push(failure));
  const gauge = meter.gauge('milepost_size_bytes', 'Size.');
  meter.onScrape(() => Promise.reject(new Error('stopping')));
  meter.onScrape(() => gauge.set(7));
  expect(await meter.text()).toContain('milepost_size_bytes 7');
  expect(failures).toEqual([new Error('stopping')]);
});

test('two concurrent scrapes share one snapshot', async () => {
  const meter = new PrometheusMeter();
  let scrapes = 0;
  meter.onScrape(() => void scrapes++);
  const [one, other] = await Promise.all([meter.text(), meter.text()]);
  expect(one).toBe(other);
  expect(scrapes).toBe(1);
});
