import { defaultOptions, readOptions } from './options.ts';

const read = (line: string) => readOptions(line.split(' ').filter(Boolean));

test('without options 25 trucks drive for the gateway on this machine', () => {
  expect(read('')).toEqual(defaultOptions);
});

test('every option is read', () => {
  expect(
    read('--trucks 1000 --every 20s --mqtt mqtt://edge:1883 --protocol 5 --qos 2 --format owntracks --seed 7 --demo'),
  ).toEqual({
    trucks: 1000,
    everyMs: 20_000,
    mqtt: 'mqtt://edge:1883',
    protocol: '5',
    qos: 2,
    format: 'owntracks',
    seed: 7,
    demo: true,
  });
  expect(read('--replay day.gpx --times original --speed 10x')?.replay).toEqual({
    file: 'day.gpx',
    times: 'original',
    speed: 10,
  });
});

test.each([
  ['--truks 5', "Unknown option '--truks'; the options are --mqtt --trucks"],
  ['--trucks many', '--trucks: expected a whole number from 1 to 20000, saw "many"'],
  ['--every soon', '--every: expected a time of 50ms or more such as 500ms, 20s or 1m, saw "soon"'],
  ['--qos 3', '--qos: expected 0 or 1 or 2, saw "3"'],
  ['--mqtt localhost', '--mqtt: expected a URL such as mqtt://127.0.0.1:1883, saw "localhost"'],
  ['--speed 10x', '--speed belongs to a replay: add --replay FILE'],
  ['--replay day.gpx --speed fast', '--speed: expected a factor such as 10x, saw "fast"'],
  ['5', "Unexpected argument '5'"],
])('%s is refused in one line with the cure', (line, message) => {
  expect(() => read(line)).toThrow(message);
  try {
    read(line);
  } catch (error) {
    expect((error as Error).message).not.toContain('\n');
  }
});

test('help is no mistake', () => {
  expect(read('--help')).toBeUndefined();
});
