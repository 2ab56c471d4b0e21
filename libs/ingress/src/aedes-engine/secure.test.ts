// MQTT over TLS and over secure WebSocket, with mqtt.js on real sockets.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { silentLogger, silentMeter, type TlsMaterial } from '@milepost/core';
import { secureServer } from '@milepost/node-host';
import mqtt, { type MqttClient } from 'mqtt';
import { unreferencedClock as clock } from '../../../../test/support/unreferenced-clock.ts';
import { Authority } from '../../../../test/support/certificates.ts';
import type { MqttPorts } from '../engine.ts';
import { Intake } from '../intake.ts';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { TestSink } from '../test-kit.ts';
import { AedesEngine } from './aedes-engine.ts';

const UPGRADE_TIMEOUT_MS = 1_000;
const authority = new Authority();
const materialOf = (name: string): TlsMaterial => ({
  identity: authority.issue({ subject: [['CN', name]], names: ['127.0.0.1'] }),
});

let engine: AedesEngine;
let ports: MqttPorts;
let sink: TestSink;
let material: TlsMaterial;
const devices: MqttClient[] = [];

beforeEach(async () => {
  material = materialOf('first');
  sink = new TestSink();
  sink.automatic = true;
  const intake = new Intake({
    clock,
    logger: silentLogger,
    meter: silentMeter,
    sink,
    routes: DEFAULT_ROUTES,
  });
  engine = new AedesEngine({
    telemetry: DEFAULT_ROUTES.map(({ filter }) => filter),
    logger: silentLogger,
    upgradeTimeoutMs: UPGRADE_TIMEOUT_MS,
    secureServer: (accept) =>
      secureServer(
        { noDelay: true },
        {
          material: () => material,
          clientCertificate: 'none',
          versions: { least: 'TLSv1.2', most: 'TLSv1.3' },
          failed: () => {},
        },
        accept,
      ),
  });
  ports = await engine.listen({ host: '127.0.0.1', ports: { mqtts: 0, mqttWss: 0 } }, intake);
});
afterEach(async () => {
  for (const device of devices.splice(0)) device.end(true);
  await engine.close();
});

async function connected(url: string): Promise<MqttClient> {
  const device = await mqtt.connectAsync(url, { ca: authority.cert, reconnectPeriod: 0 });
  devices.push(device);
  return device;
}

test.each(['mqtts', 'wss'] as const)('a device publishes over %s', async (scheme) => {
  const port = scheme === 'mqtts' ? ports.mqtts : ports.mqttWss;
  const device = await connected(`${scheme}://127.0.0.1:${port}`);
  await device.publishAsync('trucks/t-1/gps', '{"lat":57.7,"lon":11.97}', { qos: 1 });
  expect(sink.values('truck_gps')).toHaveLength(1);
});

test('only the listeners that were asked for are opened', () => {
  expect(Object.keys(ports).sort()).toEqual(['mqttWss', 'mqtts']);
});

test('a new certificate is used from the next connection on, and ends none', async () => {
  const device = await connected(`mqtts://127.0.0.1:${ports.mqtts}`);
  material = materialOf('second');
  const socket = connectTls({ port: ports.mqtts ?? 0, host: '127.0.0.1', ca: authority.cert });
  await once(socket, 'secureConnect');
  expect(socket.getPeerX509Certificate()?.subject).toBe('CN=second');
  socket.destroy();
  await device.publishAsync('trucks/t-1/gps', '{"lat":57.7,"lon":11.97}', { qos: 1 });
  expect(device.connected).toBe(true);
});

test('clients that never finish a handshake, an upgrade or a CONNECT do not keep the engine from closing', async () => {
  const idle = connectTcp(ports.mqtts ?? 0, '127.0.0.1').on('error', () => {});
  const halfHello = connectTcp(ports.mqtts ?? 0, '127.0.0.1').on('error', () => {});
  halfHello.write(Buffer.from('16030100', 'hex'));
  const sockets = [ports.mqtts, ports.mqttWss].map((port) =>
    connectTls({ port: port ?? 0, host: '127.0.0.1', ca: authority.cert }).on('error', () => {}),
  );
  await Promise.all([once(idle, 'connect'), ...sockets.map((socket) => once(socket, 'secureConnect'))]);
  const all = [idle, halfHello, ...sockets];
  const closed = Promise.all(all.map((socket) => new Promise((resolve) => socket.resume().once('close', resolve))));
  await engine.close();
  await closed;
  expect(all.every((socket) => socket.destroyed)).toBe(true);
});

test('a client that sends the headers of its upgrade one by one is not waited for', async () => {
  const socket = connectTls({ port: ports.mqttWss ?? 0, host: '127.0.0.1', ca: authority.cert }).on('error', () => {});
  await once(socket, 'secureConnect');
  socket.resume().write('GET /mqtt HTTP/1.1\r\n');
  const writing = setInterval(() => socket.write('x: y\r\n'), UPGRADE_TIMEOUT_MS / 10);
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(writing);
  const device = await connected(`wss://127.0.0.1:${ports.mqttWss}`);
  await new Promise((resolve) => setTimeout(resolve, 2 * UPGRADE_TIMEOUT_MS));
  expect(device.connected).toBe(true); // the limit ends with the upgrade
});
