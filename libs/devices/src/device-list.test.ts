import { readDeviceList } from './device-list.ts';

test('a CSV names devices, passwords and further topics', () => {
  const text = '\uFEFFid,password,subscribe\r\nt-1,secret,\r\n\r\ndispatch,,trucks/# alerts/+\r\n';
  expect(readDeviceList(text)).toEqual({
    devices: [
      { id: 't-1', password: 'secret', publish: [], subscribe: [] },
      { id: 'dispatch', password: undefined, publish: [], subscribe: ['trucks/#', 'alerts/+'] },
    ],
    broken: [],
  });
});

test('a JSON list has the same fields', () => {
  const text = '[{"id":"t-1"},{"id":"bridge","password":"x y","publish":["traccar/#"]}]';
  expect(readDeviceList(text).devices).toEqual([
    { id: 't-1', password: undefined, publish: [], subscribe: [] },
    { id: 'bridge', password: 'x y', publish: ['traccar/#'], subscribe: [] },
  ]);
});

test.each([
  ['id\nt-1\nt/2\nt-3', 'line 3: id: expected 1 to 128 letters, digits, dots, underscores and hyphens, seen "t/2"'],
  ['id\nt-1\n+\nt-3', 'line 3: id: expected 1 to 128'],
  ['id\nt-1\n\nt-1\nt-3', 'line 4: t-1 is also in line 2'],
  ['id,password\nt-1,a\nt-2,b,c\nt-3,d', 'line 3: expected 2 columns, seen 3'],
  ['id,subscribe\nt-1,\nt-2,trucks/#/gps\nt-3,', 'line 3: subscribe: expected topic filters'],
  ['[{"id":"t-1"},{"name":"t-2"},{"id":"t-3"}]', 'entry 2: expected id, password, publish, subscribe, seen name'],
  ['[{"id":"t-1"},7,{"id":"t-3"}]', 'entry 2: id: expected'],
])('a broken entry is named, and the others are read: %j', (text, expected) => {
  const { devices, broken } = readDeviceList(text);
  expect(devices.map(({ id }) => id)).toEqual(['t-1', 't-3']);
  expect(broken).toEqual([expect.stringContaining(expected)]);
});

test('a password is in no error', () => {
  const { broken } = readDeviceList(`id,password\nt-1,${'secret'.repeat(300)}\nt/2,secret\n`);
  expect(broken).toHaveLength(2);
  expect(broken.join()).not.toContain('secret');
});

test.each([
  ['t-1\nt-2\n', 'line 1: expected a header line with id'],
  ['', 'line 1: expected a header line with id'],
  ['id,colour\n', 'seen colour'],
  ['[{"id":', 'expected a JSON list of devices'],
])('what is no list of devices at all is refused: %j', (text, expected) => {
  expect(() => readDeviceList(text)).toThrow(expected);
});
