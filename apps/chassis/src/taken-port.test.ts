import { once } from 'node:events';
import { createServer } from 'node:net';
import { AddressInUse } from '@milepost/core';
import { namingThePort } from './taken-port.ts';

const noPorts = { mqttWsPort: undefined, mqttsPort: undefined, mqttWssPort: undefined, metricsPort: undefined };
const noAddresses = { mqttListen: undefined, httpListen: undefined, metricsListen: '127.0.0.1' };
const settings = { ...noPorts, ...noAddresses, listen: '127.0.0.1', kafkaPort: 9092, mqttPort: 1883, httpPort: 8080 };
const messageOf = (failure: unknown): string => (namingThePort(failure, settings) as Error).message;

test('a port in use that our listener finds is named with its setting', () => {
  const failure = new AddressInUse({ host: '127.0.0.1', port: 1883 });
  expect(messageOf(failure)).toBe(
    '127.0.0.1:1883 is in use by another process: stop that one, or set MILEPOST_MQTT_PORT',
  );
});

test("a port in use that Node's listener finds is named with its setting", async () => {
  const first = createServer().listen(0, '127.0.0.1');
  await once(first, 'listening');
  const { port } = first.address() as { port: number };
  const second = createServer().listen(port, '127.0.0.1');
  const [failure] = await once(second, 'error');
  const named = namingThePort(failure, { ...settings, httpPort: port }) as Error;
  expect(named.message).toContain('set MILEPOST_HTTP_PORT');
  first.close();
});

test('other failures are unchanged', () => {
  const failure = new Error('no such database');
  expect(namingThePort(failure, settings)).toBe(failure);
});
