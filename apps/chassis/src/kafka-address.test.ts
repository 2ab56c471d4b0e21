import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@milepost/settings';
import { kafkaAddress } from './kafka-address.ts';

const folder = mkdtempSync(join(tmpdir(), 'milepost-kafka-address-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const ca = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';
const address = (env: Record<string, string>) =>
  kafkaAddress(readSettings('gateway', { MILEPOST_BOOTSTRAP_SERVERS: 'a:1,b:2', ...env }));
const door = {
  MILEPOST_KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  MILEPOST_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
  MILEPOST_KAFKA_SASL_USERNAME: 'milepost',
};

test('without any setting it is the broker of this machine; with servers alone it is unencrypted', () => {
  expect(kafkaAddress(readSettings('gateway', {}))).toEqual({ bootstrapServers: ['127.0.0.1:9092'] });
  expect(address({})).toEqual({ bootstrapServers: ['a:1', 'b:2'] });
});

test('certificates and the password come from their files', () => {
  const files = {
    MILEPOST_KAFKA_SSL_CA_FILE: file('ca.pem', ca),
    MILEPOST_KAFKA_SASL_PASSWORD_FILE: file('password', ' with spaces \n'),
  };
  expect(address({ ...door, ...files })).toEqual({
    bootstrapServers: ['a:1', 'b:2'],
    tls: { ca },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'milepost', password: ' with spaces ' },
  });
});

test.each([
  ['not there', join(folder, 'nowhere'), 'ENOENT'],
  ['not a certificate', file('other', 'hello'), 'expected certificates in PEM'],
])('a file that is %s is refused with the name of its setting', (_, path, said) => {
  const env = { ...door, MILEPOST_KAFKA_SASL_PASSWORD: 'p', MILEPOST_KAFKA_SSL_CA_FILE: path };
  expect(() => address(env)).toThrow(`MILEPOST_KAFKA_SSL_CA_FILE: `);
  expect(() => address(env)).toThrow(said);
  expect(() => address(env)).toThrow(path);
});
