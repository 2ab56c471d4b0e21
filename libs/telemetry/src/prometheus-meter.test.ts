import { PrometheusMeter } from './index.ts';

test('a counter without labels is there at 0 before anything happens', async () => {
  const meter = new PrometheusMeter();
  meter.counter('milepost_things_total', 'Things.');
  expect(await meter.text()).toContain('\nmilepost_things_total 0');
});

test('a name asked for twice is one metric', async () => {
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
