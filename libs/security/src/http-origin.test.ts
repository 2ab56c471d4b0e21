import { OriginPolicy, type OwnPages } from './index.ts';

const policy = new OriginPolicy({ names: ['depot-box.lan.example'], allowed: ['https://fleet.example'] });
const refused = (host: string | undefined, origin?: string, ownPages: OwnPages = 'same-origin'): boolean =>
  policy.refusalOf({ host, origin }, ownPages) !== undefined;

test.each([
  undefined, // HTTP/1.0
  '127.0.0.1:8080',
  '192.168.7.3',
  '[::1]:8080',
  'localhost:8080',
  'map.localhost',
  'broker:8081', // a container's name
  'box.local',
  'Depot-Box.LAN.example:8080',
  'fleet.example', // allowed
  'fleet.example.:8443',
  'other.example:443', // no browser writes a default port: a proxy did
])('a program may name the host %s', (host) => {
  expect(refused(host)).toBe(false);
});

test.each([
  'evil.example',
  'evil.example:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  'evil.example:8080@127.0.0.1',
  '',
])('the host "%s" is refused, as its name may have been rebound', (host) => {
  expect(refused(host)).toBe(true);
});

test.each([
  ['http://127.0.0.1:8080', '127.0.0.1:8080'],
  ['http://LOCALHOST:8080', 'localhost:8080'],
  ['https://other.example', 'other.example:443'],
  ['http://other.example', 'other.example:80'],
  ['https://fleet.example', '127.0.0.1:8080'],
])('a page of %s may use %s', (origin, host) => {
  expect(refused(host, origin)).toBe(false);
});

test.each([
  ['https://evil.example', '127.0.0.1:8080'],
  ['http://127.0.0.1:3000', '127.0.0.1:8080'], // another program on this machine
  ['http://other.example', 'other.example:443'],
  ['http://fleet.example', '127.0.0.1:8080'], // allowed by https only
  ['null', '127.0.0.1:8080'],
  ['', '127.0.0.1:8080'],
  ['file://', '127.0.0.1:8080'],
])('a page of "%s" may not use %s', (origin, host) => {
  expect(refused(host, origin)).toBe(true);
});

test('a page on another port of the same host may use MQTT over WebSocket', () => {
  expect(refused('127.0.0.1:8083', 'http://127.0.0.1:8080', 'same-host')).toBe(false);
  expect(refused('127.0.0.1:8083', 'http://127.0.0.2:8080', 'same-host')).toBe(true);
  expect(refused('evil.example:8083', 'http://evil.example:8080', 'same-host')).toBe(true);
});

test('where users sign in, any host will do, but no page of another site', () => {
  const signedIn = new OriginPolicy({ names: [], allowed: [], anyHost: true });
  expect(signedIn.refusalOf({ host: 'depot.example' }, 'same-origin')).toBeUndefined();
  expect(signedIn.refusalOf({ host: 'depot.example', origin: 'https://evil.example' }, 'same-origin')).toContain(
    'MILEPOST_ALLOWED_ORIGINS=https://evil.example',
  );
});
