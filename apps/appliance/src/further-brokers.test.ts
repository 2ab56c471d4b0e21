import { readSettings } from '@milepost/settings';
import { furtherBroker } from './further-brokers.ts';

const beside = (place: number, env: Record<string, string> = {}, properties: Record<string, string> = {}) =>
  furtherBroker(
    place,
    readSettings('appliance', { MILEPOST_DATA_DIR: '/data', ...env }),
    'postgres://here',
    properties,
  );

test('each further broker has the next id, its own folder and the next ports, and the first one’s database', () => {
  expect(beside(2, { KAFKA_NODE_ID: '7' })).toEqual({
    DATABASE_URL: 'postgres://here',
    MILEPOST_BROKER_ID: '9',
    MILEPOST_DATA_DIR: '/data/broker-9',
    MILEPOST_KAFKA_PORT: '9094',
    MILEPOST_HTTP_PORT: '8092',
  });
});

test('any free port stays any free port, and an advertised address and that of metrics move on by a port', () => {
  const env = {
    MILEPOST_KAFKA_PORT: '0',
    MILEPOST_HTTP_PORT: '0',
    MILEPOST_ADVERTISED_LISTENERS: '[::1]:9092',
    MILEPOST_METRICS_PORT: '9100',
  };
  expect(beside(1, env)).toMatchObject({
    MILEPOST_KAFKA_PORT: '0',
    MILEPOST_HTTP_PORT: '0',
    MILEPOST_ADVERTISED_LISTENERS: '[::1]:9093',
    MILEPOST_METRICS_PORT: '9101',
  });
});

test('listeners that the first broker has beside its own get ports of their own', () => {
  const properties = {
    listeners: 'APPS://127.0.0.1:9092,CLIENTS://0.0.0.0:9093',
    'advertised.listeners': 'CLIENTS://[fd00::7]:9093',
  };
  expect(beside(1, {}, properties)).toMatchObject({
    MILEPOST_KAFKA_PORT: '9102', // of APPS
    KAFKA_LISTENERS: 'APPS://127.0.0.1:9102,CLIENTS://0.0.0.0:9103',
    KAFKA_ADVERTISED_LISTENERS: 'CLIENTS://[fd00::7]:9103',
  });
  expect(beside(2, {}, properties)).toMatchObject({ KAFKA_LISTENERS: 'APPS://127.0.0.1:9112,CLIENTS://0.0.0.0:9113' });
  expect(beside(2, {}, { listeners: 'A://:0,B://:0' })).toMatchObject({ KAFKA_LISTENERS: 'A://:0,B://:0' });
});
