import { SimHost } from '@milepost/simulator';
import { Authority } from '../../../../test/support/certificates.ts';
import { checkExposure, securitySettings } from './security-settings.ts';
import { kafkaTlsMetrics, Tls } from './tls.ts';

const authority = new Authority();
const issue = (name: string, notAfter?: Date) =>
  authority.issue({ subject: [['CN', name]], names: ['127.0.0.1'], ...(notAfter && { notAfter }) });
const pemOf = ({ cert, key }: ReturnType<typeof issue>): string => key + cert;

const layersOf = (properties: Record<string, string>) => ({ dynamic: {}, dynamicDefault: {}, static: properties });
const settingsOf = (properties: Record<string, string>) => securitySettings(layersOf(properties));

const SSL = { listeners: 'SSL://:9093', 'ssl.keystore.location': '/secrets/server.pem' };

function given(files: Record<string, string>, properties: Record<string, string> = SSL) {
  const host = new SimHost();
  const { tls: settings } = settingsOf(properties);
  if (!settings) throw new Error('no listener has TLS');
  const readFile = (path: string): Buffer => {
    const text = files[path];
    if (text === undefined) throw Object.assign(new Error('absent'), { code: 'ENOENT' });
    return Buffer.from(text);
  };
  return { host, files, tls: new Tls({ host, metrics: kafkaTlsMetrics(host.meter), settings, readFile }) };
}

test('a file that changes is used within ten seconds; one that cannot be used is logged once, and does not count', async () => {
  const { host, files, tls } = given({ '/secrets/server.pem': pemOf(issue('first')) });
  const server = tls.server(false);
  const first = server.material();
  await host.clock.run(60_000);
  expect(server.material()).toBe(first);
  files['/secrets/server.pem'] = pemOf(issue('second'));
  await host.clock.run(10_000);
  const second = server.material();
  expect(second).not.toBe(first);
  files['/secrets/server.pem'] = 'half a fi';
  await host.clock.run(60_000);
  expect(server.material()).toBe(second);
  const complaints = host.lines.filter((line) => line.includes('the last good one remains'));
  expect(complaints).toHaveLength(1);
  expect(complaints[0]).toContain('seen /secrets/server.pem without a certificate');
  delete files['/secrets/server.pem'];
  await host.clock.run(10_000);
  expect(host.lines.at(-1)).toContain('expected a readable file, seen /secrets/server.pem (ENOENT)');
  tls.close();
});

test('a name is mapped by the rules, and one that no rule matches is nobody', () => {
  const rules = { ...SSL, 'ssl.principal.mapping.rules': 'RULE:^CN=([^,]+),O=Depot.*$/$1/L' };
  const { tls } = given({ '/secrets/server.pem': pemOf(issue('server')) }, rules);
  expect(tls.principalOf('CN=Truck-1,O=Depot,C=SE')).toEqual({ type: 'User', name: 'truck-1' });
  expect(tls.principalOf('CN=Truck-1,O=Elsewhere')).toBeUndefined();
  expect(tls.principalOf(undefined)).toEqual({ type: 'User', name: 'ANONYMOUS' });
  tls.close();
});

test('a listener whose clients log in asks for no certificate', () => {
  const properties = { ...SSL, 'ssl.client.auth': 'required', 'ssl.truststore.location': '/secrets/ca.pem' };
  const files = { '/secrets/server.pem': pemOf(issue('server')), '/secrets/ca.pem': authority.cert };
  const { tls } = given(files, properties);
  expect(tls.server(false).clientCertificate).toBe('required');
  expect(tls.server(true).clientCertificate).toBe('none');
  tls.close();
});

test.each([
  ['absent', {}, /expected a readable file, seen \/secrets\/server\.pem \(ENOENT\)/],
  ['without a key', { '/secrets/server.pem': issue('a').cert }, /seen \/secrets\/server\.pem without a key/],
  [
    'with the key of another',
    { '/secrets/server.pem': issue('a').key + issue('b').cert },
    /with the key of another certificate/,
  ],
] as const)('a file that is %s is an error at the start, in one line', (_what, files, expected) => {
  expect(() => given({ ...files })).toThrow(expected);
});

test("without ssl.keystore.location the listeners have the certificate of the host's settings", () => {
  const own = {
    type: 'PEM',
    certificate: { setting: 'MILEPOST_TLS_CERT_FILE', path: '/secrets/tls.crt' },
    key: { setting: 'MILEPOST_TLS_KEY_FILE', path: '/secrets/tls.key' },
    passphrase: undefined,
  } as const;
  const { cert, key } = issue('server');
  const files: Record<string, string> = { '/secrets/tls.crt': cert, '/secrets/tls.key': key };
  const started = (properties: Record<string, string>, present = files) => {
    const { tls: settings } = securitySettings(layersOf(properties), own);
    if (!settings) throw new Error('no listener has TLS');
    const host = new SimHost();
    const readFile = (path: string) => Buffer.from(present[path] ?? '');
    return new Tls({ host, metrics: kafkaTlsMetrics(host.meter), settings, readFile });
  };
  const { 'ssl.keystore.location': _, ...without } = SSL;
  const tls = started(without);
  expect(tls.server(false).material().identity).toMatchObject({ cert: cert.trim() });
  tls.close();
  expect(() => started(without, {})).toThrow('MILEPOST_TLS_CERT_FILE: expected a certificate in PEM');
  expect(() => started(SSL)).toThrow('ssl.keystore.location: expected a private key and its certificate in PEM');
});

describe('listeners', () => {
  test('have names, protocols and addresses as in Kafka', () => {
    const { listeners } = settingsOf({
      listeners: 'INSIDE://:9092,SASL_SSL://0.0.0.0:9093,trucks://[::1]:9094,CONTROLLER://:9095',
      'listener.security.protocol.map': 'INSIDE:PLAINTEXT,SASL_SSL:SASL_SSL,TRUCKS:SSL',
      'advertised.listeners': 'SASL_SSL://depot.example:443',
      'ssl.keystore.location': '/secrets/server.pem',
    });
    expect(listeners).toEqual([
      { name: 'INSIDE', protocol: 'PLAINTEXT', address: { host: '', port: 9092 }, advertised: undefined },
      {
        name: 'SASL_SSL',
        protocol: 'SASL_SSL',
        address: { host: '0.0.0.0', port: 9093 },
        advertised: { host: 'depot.example', port: 443 },
      },
      { name: 'TRUCKS', protocol: 'SSL', address: { host: '::1', port: 9094 }, advertised: undefined },
    ]);
  });

  test.each([
    [{ listeners: 'PLAINTEXT' }, 'listeners: expected NAME://host:port, seen "PLAINTEXT"'],
    [{ listeners: 'PLAINTEXT://:99999' }, 'listeners: expected NAME://host:port, seen "PLAINTEXT://:99999"'],
    [{ listeners: 'PLAINTEXT://:1,PLAINTEXT://:2' }, 'listeners: expected each name once, seen PLAINTEXT twice'],
    [
      { 'advertised.listeners': 'SSL://a:1' },
      'advertised.listeners: expected names of listeners (PLAINTEXT), seen SSL',
    ],
    [{ listeners: 'SSL://:1' }, 'ssl.keystore.location: expected the file with key and certificate'],
    [
      { ...SSL, 'ssl.client.auth': 'required' },
      'ssl.truststore.location: expected the file with the authorities of clients',
    ],
    [{ ...SSL, 'ssl.principal.mapping.rules': 'RULE:x' }, 'ssl.principal.mapping.rules: "RULE:x" is no rule'],
  ])('%j is an error in one line', (properties, expected) => {
    expect(() => settingsOf(properties as Record<string, string>)).toThrow(expected);
  });
});

describe('a second listener that other machines can reach', () => {
  const check =
    (listener: string, more: Record<string, string> = {}, allowAnonymous = false) =>
    () =>
      checkExposure(
        settingsOf({ ...SSL, ...more, listeners: `PLAINTEXT://:9092,${listener}` }),
        '127.0.0.1',
        allowAnonymous,
      );

  test('needs authentication, or a decision', () => {
    const expected = /^listeners: SSL at 0\.0\.0\.0:1 is reachable from other machines without authentication: /;
    expect(check('SSL://0.0.0.0:1')).toThrow(expected);
    expect(
      check('INSIDE://0.0.0.0:1', { 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT' }),
    ).toThrow(/^listeners: INSIDE at/);
    expect(check('SSL://0.0.0.0:1', {}, true)).not.toThrow();
    expect(check('SASL_SSL://0.0.0.0:1')).not.toThrow();
    expect(check('SSL://127.0.0.1:1')).not.toThrow();
    const certificates = { 'ssl.client.auth': 'required', 'ssl.truststore.location': '/ca.pem' };
    expect(check('SSL://0.0.0.0:1', certificates)).not.toThrow();
    const alone = (listeners: string) => () => checkExposure(settingsOf({ listeners }), '0.0.0.0', false);
    expect(alone('PLAINTEXT://:9092')).toThrow(/^listeners: PLAINTEXT at 0\.0\.0\.0:9092 .*`npx milepost secure`/);
    expect(alone('SASL_PLAINTEXT://:9092')).not.toThrow();
  });
});
