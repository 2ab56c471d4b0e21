import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { interBrokerAddress } from './inter-broker-address.ts';

const admin = { username: 'milepost', password: 'a secret' };
const several = {
  listeners: 'APPS://127.0.0.1:9092,CLIENTS://0.0.0.0:9093,brokers://0.0.0.0:9094',
  'listener.security.protocol.map': 'APPS:SASL_PLAINTEXT,CLIENTS:SASL_SSL,BROKERS:SASL_SSL',
  'advertised.listeners': 'CLIENTS://a.example:9093,BROKERS://a.example:9094',
  'inter.broker.listener.name': 'BROKERS',
};

test('programs beside one of several brokers come by the listener of the brokers, as they do', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mp-'));
  const truststore = join(folder, 'ca.pem');
  writeFileSync(truststore, 'an authority');
  expect(interBrokerAddress({ ...several, 'ssl.truststore.location': truststore }, admin)).toEqual({
    bootstrapServers: ['a.example:9094'],
    sasl: { mechanism: 'SCRAM-SHA-256', ...admin },
    tls: { ca: 'an authority' },
  });
  rmSync(folder, { recursive: true });
  expect(() => interBrokerAddress({ ...several, 'ssl.truststore.location': truststore }, admin)).toThrow(
    `ssl.truststore.location: expected a file that can be read, got ${truststore} (ENOENT)`,
  );
});

test('a broker alone is reached by its first listener', () => {
  const { 'inter.broker.listener.name': _, ...alone } = several;
  expect(interBrokerAddress(alone, admin)).toBeUndefined();
  expect(interBrokerAddress({ ...several, 'inter.broker.listener.name': 'APPS' }, admin)).toBeUndefined();
  expect(interBrokerAddress({}, admin)).toBeUndefined();
});
