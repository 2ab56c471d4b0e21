// Who gets in, and what they may do, as devices see it: mqtt.js and raw bytes on real sockets.
import { pbkdf2Sync } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { silentLogger, silentMeter } from '@milepost/core';
import { nodeKeyDerivation, nodeRandom, secureServer } from '@milepost/node-host';
import {
  CertificateNames,
  DeviceAuthenticator,
  JwtVerifier,
  MemoryDeviceStore,
  scramCredential,
} from '@milepost/security';
import mqtt, { type IClientOptions, type MqttClient, type Packet } from 'mqtt';
import { generate } from 'mqtt-packet';
import { unreferencedClock as clock } from '../../../../test/support/unreferenced-clock.ts';
import { WebSocket } from 'ws';
import { Authority, type Certificate } from '../../../../test/support/certificates.ts';
import { DeviceDoor } from '../door.ts';
import type { MqttPorts } from '../engine.ts';
import { Intake } from '../intake.ts';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { TokenIssuer, unsignedToken } from '../../../../test/support/token-issuer.ts';
import { TestSink } from '../test-kit.ts';
import { AedesEngine } from './aedes-engine.ts';

const authority = new Authority();
const server = authority.issue({ subject: [['CN', 'server']], names: ['127.0.0.1'] });
const POSITION = '{"lat":57.7,"lon":11.97}';

let engine: AedesEngine;
let authenticator: DeviceAuthenticator;
let issuer: TokenIssuer;
let intake: Intake;
let ports: MqttPorts;
let sink: TestSink;
let store: MemoryDeviceStore;
let release: (() => void) | undefined;
const devices: MqttClient[] = [];

beforeAll(async () => {
  issuer = await TokenIssuer.withKey();
});
beforeEach(async () => {
  release = undefined;
  sink = new TestSink();
  sink.automatic = true;
  store = new MemoryDeviceStore();
  const derive = async (password: string, salt: Uint8Array, iterations: number): Promise<Buffer> =>
    pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const credential = await scramCredential(
    'SCRAM-SHA-256',
    'right',
    { salt: Buffer.from('s'), iterations: 4_096 },
    derive,
  );
  await store.add(
    [
      { id: 't-1', credential, publish: [], subscribe: [] },
      { id: 't-2', credential, publish: [], subscribe: [] },
      { id: 'dispatch', credential, publish: [], subscribe: ['trucks/#'] },
    ],
    false,
  );
  authenticator = new DeviceAuthenticator({
    clock,
    keys: nodeKeyDerivation,
    random: nodeRandom,
    meter: silentMeter,
    logger: silentLogger,
    directory: store,
    tokens: new JwtVerifier(
      { clock, logger: silentLogger, readText: () => issuer.keySet() },
      {
        keys: { url: 'https://issuer.example/keys', maxAgeMs: 3_600_000 },
        issuer: issuer.issuer,
        audience: [issuer.audience],
        clockSkewSeconds: 0,
        subjectClaim: 'device',
      },
    ),
  });
  intake = new Intake({ clock, logger: silentLogger, meter: silentMeter, sink, routes: DEFAULT_ROUTES });
  engine = new AedesEngine({
    telemetry: DEFAULT_ROUTES.map(({ filter }) => filter),
    logger: silentLogger,
    door: new DeviceDoor(authenticator, new CertificateNames('subject', undefined), DEFAULT_ROUTES),
    secureServer: (accept) =>
      secureServer(
        { noDelay: true },
        {
          material: () => material,
          clientCertificate: 'requested',
          versions: { least: 'TLSv1.2', most: 'TLSv1.3' },
          failed: () => {},
        },
        accept,
      ),
  });
  ports = await engine.listen({ host: '127.0.0.1', ports: { mqtt: 0, mqtts: 0, mqttWss: 0 } }, intake);
});
const material = { identity: server, authorities: authority.cert };
afterEach(async () => {
  for (const device of devices.splice(0)) device.end(true);
  release?.();
  await engine.close();
  await authenticator.close();
});

type Scheme = 'mqtt' | 'mqtts' | 'wss';
const urlOf = (scheme: Scheme): string =>
  `${scheme}://127.0.0.1:${{ mqtt: ports.mqtt, mqtts: ports.mqtts, wss: ports.mqttWss }[scheme]}`;
const login = (username: string, password = 'right'): IClientOptions => ({ username, password });
const certified = ({ cert, key }: Certificate): IClientOptions => ({ cert, key });

async function connected(scheme: Scheme, options: IClientOptions, version: 4 | 5 = 4): Promise<MqttClient> {
  const device = mqtt.connect(urlOf(scheme), {
    ca: authority.cert,
    reconnectPeriod: 0,
    protocolVersion: version,
    ...options,
  });
  devices.push(device);
  return new Promise((resolve, reject) => {
    device.once('connect', () => resolve(device));
    device.on('error', reject);
    device.once('close', () => reject(new Error('closed')));
  });
}

const tokenOf = (device: string, claims: object = {}): Promise<string> =>
  issuer.token('service', Date.now(), { device, ...claims });

const codeOf = (attempt: Promise<unknown>): Promise<number | string> =>
  attempt.then(
    () => 'accepted',
    (error: Error & { code?: number | string }) => error.code ?? error.message,
  );

function closed(device: MqttClient): Promise<void> {
  return new Promise((resolve) => void device.once('close', () => resolve()));
}

describe.each([4, 5] as const)('MQTT version %i', (version) => {
  const codes = version === 5 ? { wrong: 0x86, nobody: 0x87 } : { wrong: 4, nobody: 5 };

  test.each(['mqtt', 'mqtts', 'wss'] as const)(
    'a device gets in with its password over %s, and publishes as itself',
    async (scheme) => {
      const device = await connected(scheme, { ...login('t-1'), clientId: 'any' }, version);
      await device.publishAsync('trucks/t-1/gps', POSITION, { qos: 1 });
      const [record] = sink.log.filter(({ topic }) => topic === 'truck_gps');
      expect(record?.key?.toString()).toBe('t-1');
      expect(record?.headers.get('principal')?.toString()).toBe('User:t-1');
      expect(record?.headers.get('mqtt.client')?.toString()).toBe('any');
    },
  );

  test('a wrong password and an unknown device are refused alike, and no credentials at all by another code', async () => {
    expect(await codeOf(connected('mqtt', login('t-1', 'wrong'), version))).toBe(codes.wrong);
    expect(await codeOf(connected('mqtts', login('nobody'), version))).toBe(codes.wrong);
    expect(await codeOf(connected('mqtts', login('trucks/+'), version))).toBe(codes.wrong);
    expect(await codeOf(connected('mqtt', {}, version))).toBe(codes.nobody);
  });

  test('a device gets in with a token as its password, as the device of the claim and as no other', async () => {
    const token = await tokenOf('t-7');
    const device = await connected('mqtt', { username: '', password: token }, version);
    await device.publishAsync('trucks/t-7/gps', POSITION, { qos: 1 });
    const [record] = sink.log.filter(({ topic }) => topic === 'truck_gps');
    expect(record?.headers.get('principal')?.toString()).toBe('User:t-7');
    await connected('wss', { username: 't-7', password: token }, version);
    expect(await codeOf(connected('mqtt', { username: 't-1', password: token }, version))).toBe(codes.wrong);
    await expect(device.subscribeAsync('trucks/t-1/gps', { qos: 1 })).rejects.toThrow('Subscribe error');
  });

  test.each([
    ['has expired', () => tokenOf('t-7', { exp: 1 })],
    ['is for another audience', () => tokenOf('t-7', { aud: 'payroll' })],
    ['is not signed', async () => unsignedToken({ device: 't-7', exp: 4_000_000_000 })],
    ['is by another key', async () => (await TokenIssuer.withKey()).token('x', Date.now(), { device: 't-7' })],
    ['names a device with a wildcard', () => tokenOf('trucks/#')],
    ['names no device', () => tokenOf('t-7', { device: undefined })],
    ['is longer than any token', async () => `eyJ${'x'.repeat(50_000)}.y.z`],
  ])('a device is refused whose token %s', async (_name, make) => {
    expect(await codeOf(connected('mqtt', { username: '', password: await make() }, version))).toBe(codes.wrong);
  });

  test('a blocked device gets in with no token, and its connection ends', async () => {
    const device = await connected('mqtt', { username: 't-1', password: await tokenOf('t-1') }, version);
    const ended = closed(device);
    await store.setBlocked('t-1', true);
    await authenticator.changed();
    await ended;
    expect(await codeOf(connected('mqtt', { username: 't-1', password: await tokenOf('t-1') }, version))).toBe(
      codes.nobody,
    );
  });

  test('a token that ends while its device is connected ends the connection', async () => {
    const exp = Math.ceil(Date.now() / 1_000) + 2;
    const device = await connected('mqtt', { username: '', password: await tokenOf('t-7', { exp }) }, version);
    await closed(device);
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1_000);
  });

  test('a password of 60 KB is refused like a wrong one', async () => {
    expect(await codeOf(connected('mqtt', login('t-1', 'x'.repeat(60_000)), version))).toBe(codes.wrong);
  });

  test('a device gets in by its certificate, as its common name, whatever user name it sends', async () => {
    const certificate = authority.issue({
      subject: [
        ['O', 'Depot'],
        ['CN', 't-9'],
      ],
    });
    const device = await connected('mqtts', { ...certified(certificate), ...login('t-1', 'wrong') }, version);
    await device.publishAsync('trucks/t-9/gps', POSITION, { qos: 1 });
    expect(sink.values('truck_gps')).toHaveLength(1);
  });

  test('a certificate with a wildcard as its name lets nobody in', async () => {
    const certificate = authority.issue({ subject: [['CN', '+']] });
    expect(await codeOf(connected('mqtts', certified(certificate), version))).toBe(codes.nobody);
  });

  test('a device that is blocked loses its connection at once, and is refused', async () => {
    const device = await connected('mqtt', login('t-1'), version);
    const other = await connected('mqtt', login('t-2'), version);
    const gone = closed(device);
    await store.setBlocked('t-1', true);
    await authenticator.changed();
    await gone;
    expect(other.connected).toBe(true);
    expect(await codeOf(connected('mqtt', login('t-1'), version))).toBe(codes.nobody);
  });

  test('a certificate that ends while its device is connected ends the connection', async () => {
    const certificate = authority.issue({ subject: [['CN', 't-1']], notAfter: new Date(Date.now() + 3_000) });
    const device = await connected('mqtts', certified(certificate), version);
    await closed(device);
    expect(device.connected).toBe(false);
  });

  test('a subscription to what is of others is refused, that to its own is granted', async () => {
    const device = await connected('mqtt', login('t-1'), version);
    const granted = await device.subscribeAsync('trucks/t-1/commands', { qos: 1 });
    expect(granted[0]?.qos).toBe(1);
    const code = version === 5 ? 0x87 : 0x80;
    for (const filter of ['#', 'trucks/+/commands', 'trucks/t-2/commands']) {
      const suback = new Promise<Packet>((resolve) =>
        device.on('packetreceive', (packet) => packet.cmd === 'suback' && resolve(packet)),
      );
      await device.subscribeAsync(filter).catch(() => {}); // mqtt.js's own view of it
      expect(await suback).toMatchObject({ granted: [code] });
    }
    let heard = '';
    device.on('message', (topic) => (heard = topic));
    const other = await connected('mqtt', login('t-2'), version);
    await other.publishAsync('trucks/t-2/gps', POSITION, { qos: 1 });
    await device.publishAsync('trucks/t-1/gps', POSITION, { qos: 1 });
    expect(heard).toBe('');
  });

  test('a backend user with a grant hears all trucks', async () => {
    const dispatch = await connected('mqtt', login('dispatch'), version);
    await dispatch.subscribeAsync('trucks/+/gps');
    const heard = new Promise<string>((resolve) => dispatch.once('message', resolve));
    const device = await connected('mqtt', login('t-1'), version);
    await device.publishAsync('trucks/t-1/gps', POSITION, { qos: 1 });
    expect(await heard).toBe('trucks/t-1/gps');
  });

  test('the same client id of another user takes no session over', async () => {
    const first = await connected('mqtt', { ...login('t-1'), clientId: 'same' }, version);
    const second = await connected('mqtt', { ...login('t-2'), clientId: 'same' }, version);
    await first.publishAsync('trucks/t-1/gps', POSITION, { qos: 1 });
    await second.publishAsync('trucks/t-2/gps', POSITION, { qos: 1 });
    expect(sink.values('truck_gps')).toHaveLength(2);
  });
});

test('a refused subscription of a persistent session brings nothing later either', async () => {
  const options = { ...login('t-1'), clientId: 'away', clean: false };
  const device = await connected('mqtt', options);
  await device.subscribeAsync({ 'trucks/t-1/commands': { qos: 1 }, 'trucks/t-2/commands': { qos: 1 } }).catch(() => {});
  await device.endAsync();
  await store.add(
    [{ id: 'sender', credential: (await store.find(['t-1']))[0]?.credential, publish: ['#'], subscribe: [] }],
    false,
  );
  const sender = await connected('mqtt', login('sender'));
  for (const id of ['t-2', 't-1']) await sender.publishAsync(`trucks/${id}/commands`, id, { qos: 1 });
  const back = mqtt.connect(urlOf('mqtt'), { ...options, reconnectPeriod: 0 });
  devices.push(back);
  const topics: string[] = [];
  await new Promise<void>((resolve) =>
    back.on('message', (topic) => {
      topics.push(topic);
      resolve();
    }),
  );
  expect(topics).toEqual(['trucks/t-1/commands']);
});

test('MQTT 5 hears 0x87 of a refused publish, and stays connected', async () => {
  const device = await connected('mqtt', login('t-1'), 5);
  for (const qos of [1, 2] as const)
    await expect(device.publishAsync('trucks/t-2/gps', POSITION, { qos })).rejects.toMatchObject({ code: 0x87 });
  await device.publishAsync('trucks/t-1/gps', POSITION, { qos: 2 });
  expect(intake.totals()).toMatchObject({ received: 3, appended: 1, refused: 2 });
});

test('3.1.1 is closed for a refused publish, without an acknowledgement', async () => {
  const device = await connected('mqtt', login('t-1'));
  const gone = closed(device);
  void device.publishAsync('trucks/t-2/gps', POSITION, { qos: 1 }).catch(() => {});
  await gone;
  expect(sink.log.filter(({ topic }) => topic === 'truck_gps')).toEqual([]);
  expect(intake.totals()).toMatchObject({ received: 1, refused: 1 });
});

test('what a device sends right after its CONNECT waits until it is let in', async () => {
  const socket = connectTcp(ports.mqtt ?? 0, '127.0.0.1');
  release = () => socket.destroy();
  const connect = {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clientId: 'hasty',
    clean: true,
    keepalive: 0,
  } as const;
  const publish = {
    cmd: 'publish',
    topic: 'trucks/t-1/gps',
    payload: POSITION,
    qos: 1,
    messageId: 1,
    retain: false,
    dup: false,
  } as const;
  const bytes = (username: string): Buffer =>
    Buffer.concat([generate({ ...connect, username, password: Buffer.from('right') }), generate(publish)]);
  const acks = new Promise<Buffer>((resolve) => {
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 8) resolve(received);
    });
  });
  socket.write(bytes('t-1'));
  expect((await acks).toString('hex')).toBe('20020000' + '40020001');
});

test.each([
  [
    'a PUBLISH',
    generate({ cmd: 'publish', topic: 'trucks/t-1/gps', payload: POSITION, qos: 0, retain: false, dup: false }),
  ],
  ['a SUBSCRIBE', generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 0 }] })],
  ['a CONNECT that announces a megabyte', Buffer.from([0x10, 0x80, 0x80, 0x40])],
])('%s before anything else ends the connection', async (_what, bytes) => {
  const socket = connectTcp(ports.mqtt ?? 0, '127.0.0.1').on('error', () => {});
  release = () => socket.destroy();
  socket.resume().write(bytes);
  await new Promise((resolve) => socket.once('close', resolve));
  expect(intake.totals().received).toBe(0);
});

test('megabytes of a WebSocket message whose client is not let in yet are not buffered', async () => {
  const socket = new WebSocket(urlOf('wss'), ['mqtt'], { ca: authority.cert }).on('error', () => {});
  release = () => socket.terminate();
  await new Promise((resolve) => socket.once('open', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (let sent = 0; sent < 20; sent++) socket.send(Buffer.alloc(50_000), { fin: false });
  await closed;
  expect(intake.totals().received).toBe(0);
});
