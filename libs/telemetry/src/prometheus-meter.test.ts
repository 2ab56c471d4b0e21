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

test('what is not set between two sweeps is forgotten, and comes back when it is set again', async () => {
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

test('two label objects that say the same are one series', async () => {
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

test('a part that cannot give its numbers costs no other its own', async () => {
  const failures: unknown[] = [];
  const meter = new PrometheusMeter((failure) => failures.push(failure));
  const gauge = meter.gauge('milepost_size_bytes', 'Size.');
  meter.onScrape(() => Promise.reject(new Error('stopping')));
  meter.onScrape(() => gauge.set(7));
  expect(await meter.text()).toContain('milepost_size_bytes 7');
  expect(failures).toEqual([new Error('stopping')]);
});

test('two scrapes at a time are one', async () => {
  const meter = new PrometheusMeter();
  let scrapes = 0;
  meter.onScrape(() => void scrapes++);
  const [one, other] = await Promise.all([meter.text(), meter.text()]);
  expect(one).toBe(other);
  expect(scrapes).toBe(1);
});
