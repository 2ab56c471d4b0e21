import { describeSettings, readSettings, SettingsInvalid } from './index.ts';

const refused = (env: Record<string, string>): string => {
  try {
    readSettings('appliance', env);
  } catch (error) {
    if (error instanceof SettingsInvalid) return error.message;
    throw error;
  }
  return 'accepted';
};

test('without any variable everything has its default', () => {
  expect(readSettings('appliance', {})).toMatchObject({
    kafkaPort: 9092,
    mqttPort: 1883,
    httpPort: 8080,
    flush: 'always',
  });
  expect(readSettings('gateway', {}).httpPort).toBe(8082);
  expect(readSettings('gateway', {}).databaseUrl).toBeUndefined();
});

test.each([
  ['MILEPOST_KAFKA_PORT', '99999', 'a port from 0 to 65535'],
  ['MILEPOST_KAFKA_PORT', '-1', 'a port from 0 to 65535'],
  ['MILEPOST_FLUSH', 'sometimes', 'always or os'],
  ['MILEPOST_BOOTSTRAP_SERVERS', 'kafka', 'host:port'],
  ['MILEPOST_WEBHOOK_URL', 'ftp://x', 'an http or https address'],
  ['MILEPOST_ADVERTISED_LISTENERS', 'SSL://x:1', 'PLAINTEXT'],
])('%s=%s is refused with its name, the expected and the seen value', (variable, value, expected) => {
  expect(refused({ [variable]: value })).toContain(`${variable}: expected`);
  expect(refused({ [variable]: value })).toContain(expected);
  expect(refused({ [variable]: value })).toContain(`"${value}"`);
});

test('every bad setting is named at once, and a misspelt one too', () => {
  const message = refused({ MILEPOST_MQTT_PORT: 'x', MILEPOST_FLUSH: 'x', MILEPOST_MQTT_PROT: '1' });
  expect(message.split('\n')).toHaveLength(3);
  expect(message).toContain('MILEPOST_MQTT_PROT: no such setting');
});

test('a setting and its Kafka twin may agree but not differ', () => {
  expect(readSettings('broker', { KAFKA_NODE_ID: '7' }).brokerId).toBe(7);
  expect(readSettings('broker', { MILEPOST_BROKER_ID: '7', KAFKA_NODE_ID: '7' }).brokerId).toBe(7);
  expect(refused({ MILEPOST_BROKER_ID: '7', KAFKA_NODE_ID: '8' })).toContain('"7" and "8"');
});

test('an address that other machines can reach needs authentication of devices and viewers, or a decision', () => {
  const open = refused({ MILEPOST_LISTEN: '0.0.0.0' });
  expect(open).toContain('devices and viewers do not authenticate: run `npx milepost secure`');
  expect(open.split('\n')).toHaveLength(1);
  expect(refused({ MILEPOST_LISTEN: '0.0.0.0', MILEPOST_ALLOW_ANONYMOUS: 'true' })).toBe('accepted');
  const devices = { MILEPOST_LISTEN: '0.0.0.0', MILEPOST_MQTT_AUTHENTICATION: 'required' };
  expect(refused(devices)).toContain('viewers do not authenticate');
  expect(refused({ ...devices, MILEPOST_HTTP_AUTHENTICATION: 'required' })).toBe('accepted');
  expect(readSettings('gateway', devices).listen).toBe('0.0.0.0');
});

test('each port may have its own address, and is checked by it', () => {
  const devices = { MILEPOST_MQTT_LISTEN: '0.0.0.0' };
  expect(refused(devices)).toContain('MILEPOST_MQTT_LISTEN: "0.0.0.0" is reachable');
  expect(refused({ ...devices, MILEPOST_MQTT_AUTHENTICATION: 'required' })).toBe('accepted');
  const viewers = { MILEPOST_HTTP_LISTEN: '10.0.0.7' };
  expect(refused(viewers)).toContain('MILEPOST_HTTP_LISTEN: "10.0.0.7" is reachable');
  expect(refused({ ...viewers, MILEPOST_HTTP_AUTHENTICATION: 'required' })).toBe('accepted');
});

test('users need a database, and TLS a certificate', () => {
  const message = (program: 'dashboard' | 'appliance', env: Record<string, string>): string => {
    try {
      readSettings(program, env);
    } catch (error) {
      return (error as Error).message;
    }
    return 'accepted';
  };
  const users = { MILEPOST_HTTP_AUTHENTICATION: 'required' };
  expect(message('appliance', users)).toBe('accepted');
  expect(message('dashboard', users)).toContain('DATABASE_URL: expected the PostgreSQL that has the users');
  expect(message('appliance', { MILEPOST_HTTP_TLS: 'true' })).toContain('MILEPOST_TLS_CERT_FILE: expected');
  expect(message('appliance', { MILEPOST_HTTP_TLS: 'true', MILEPOST_TLS_CERT_FILE: '/c' })).toBe('accepted');
});

test.each<[string, Record<string, string>, string]>([
  ['TLS without a certificate', { MILEPOST_MQTTS_PORT: '8883' }, 'MILEPOST_TLS_CERT_FILE: expected the certificate'],
  ['PEM and PKCS#12', { MILEPOST_TLS_CERT_FILE: '/a', MILEPOST_TLS_KEYSTORE_FILE: '/b' }, 'got both'],
  ['two passwords', { MILEPOST_TLS_PASSWORD: 'x', MILEPOST_TLS_PASSWORD_FILE: '/p' }, 'got both'],
  ['certificates of devices without TLS', { MILEPOST_MQTT_CLIENT_CA_FILE: '/ca' }, 'both are off'],
  ['rules without an authority', { MILEPOST_MQTT_PRINCIPAL_MAPPING_RULES: 'DEFAULT' }, 'there is none'],
])('%s is refused', (_what, environment, expected) => {
  expect(refused(environment)).toContain(expected);
});

test("addresses of named listeners under Kafka's name are the broker's own properties", () => {
  const named = { KAFKA_ADVERTISED_LISTENERS: 'CLIENTS://fleet.example:9093' };
  expect(readSettings('appliance', named).advertised).toBeUndefined();
  const first = { KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://fleet.example:9092' };
  expect(readSettings('appliance', first).advertised).toEqual({ host: 'fleet.example', port: 9092 });
});

test('a refused database address does not repeat its password', () => {
  expect(refused({ DATABASE_URL: 'mysql://me:secret@host/db' })).not.toContain('secret');
});

const foreign = { MILEPOST_BOOTSTRAP_SERVERS: 'kafka:9092' };
const sasl = {
  ...foreign,
  MILEPOST_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  MILEPOST_KAFKA_SASL_MECHANISM: 'PLAIN',
  MILEPOST_KAFKA_SASL_USERNAME: 'milepost',
  MILEPOST_KAFKA_SASL_PASSWORD: 'secret',
};

test.each<[string, Record<string, string>, string]>([
  ['SASL without a mechanism', { ...sasl, MILEPOST_KAFKA_SASL_MECHANISM: '' }, 'SASL_MECHANISM: expected PLAIN'],
  ['SASL without a user', { ...sasl, MILEPOST_KAFKA_SASL_USERNAME: '' }, 'SASL_USERNAME: expected a user name'],
  ['SASL without a password', { ...sasl, MILEPOST_KAFKA_SASL_PASSWORD: '' }, 'SASL_PASSWORD_FILE, got neither'],
  ['two passwords', { ...sasl, MILEPOST_KAFKA_SASL_PASSWORD_FILE: '/p' }, 'SASL_PASSWORD_FILE, got both'],
  [
    'a user where nobody asks',
    { ...foreign, MILEPOST_KAFKA_SASL_USERNAME: 'me' },
    'is for SASL_PLAINTEXT and SASL_SSL',
  ],
  ['an authority without TLS', { ...foreign, MILEPOST_KAFKA_SSL_CA_FILE: '/ca' }, 'is for SSL and SASL_SSL'],
  ['a certificate without its key', { ...sasl, MILEPOST_KAFKA_SSL_CERT_FILE: '/c' }, 'expected both or neither'],
  [
    'doors without a Kafka',
    { MILEPOST_KAFKA_SECURITY_PROTOCOL: 'SSL' },
    'MILEPOST_BOOTSTRAP_SERVERS: expected host:port',
  ],
])('%s is refused in one line', (_, env, said) => {
  const message = refused(env);
  expect(message).toContain(said);
  expect(message.split('\n')).toHaveLength(1);
  expect(message).not.toContain('secret');
});

test('a Kafka with TLS and SASL needs no more than that', () => {
  expect(readSettings('gateway', sasl)).toMatchObject({
    kafkaSecurityProtocol: 'SASL_SSL',
    kafkaSaslUsername: 'milepost',
  });
});

test('every setting has a description', () => {
  for (const { variable, meaning } of describeSettings()) {
    expect(variable).toMatch(/^[A-Z_]+$/);
    expect(meaning).toMatch(/^.{10,}\.$/);
  }
});
