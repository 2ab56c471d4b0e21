import { readSettings } from '@milepost/settings';
import { furtherBroker } from './further-brokers.ts';

const beside = (place: number, env: Record<string, string> = {}) =>
  furtherBroker(place, readSettings('appliance', { MILEPOST_DATA_DIR: '/data', ...env }), 'postgres://here');

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
