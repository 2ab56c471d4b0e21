import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { silentLogger } from '@milepost/core';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { unreferencedClock as clock } from '../../../../test/support/unreferenced-clock.ts';
import { AedesEngine } from './aedes-engine.ts';
import { Intake } from '../intake.ts';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { TestSink } from '../test-kit.ts';

const noMetrics = {
  counter: () => ({ add: () => {}, remove: () => {} }),
  gauge: () => ({ set: () => {}, remove: () => {}, sweep: () => {} }),
  histogram: () => ({ observe: () => {} }),
  onScrape: () => {},
};

const undo: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function gateway({ stallMs = 30_000, windowMessages = 1000, maxPacketBytes = 12_000_000 } = {}): Promise<{
  ports: { mqtt: number; ws: number };
  sink: TestSink;
  intake: Intake;
  engine: AedesEngine;
  device: (options?: IClientOptions) => Promise<MqttClient>;
}> {
  const sink = new TestSink();
  const limits = { stallMs, windowMessages };
  const intake = new Intake({ clock, logger: silentLogger, meter: noMetrics, sink, routes: DEFAULT_ROUTES, limits });
  const engine = new AedesEngine({
    telemetry: DEFAULT_ROUTES.map(({ filter }) => filter),
    logger: silentLogger,
    maxPacketBytes,
  });
  const opened = await engine.listen({ host: '127.0.0.1', ports: { mqtt: 0, mqttWs: 0 } }, intake);
  const ports = { mqtt: opened.mqtt ?? 0, ws: opened.mqttWs ?? 0 };
  undo.push(() => engine.close());
  const device = async (options: IClientOptions = {}): Promise<MqttClient> => {
    const client = mqtt.connect(`mqtt://127.0.0.1:${ports.mqtt}`, { reconnectPeriod: 0, ...options });
    client.on('error', () => {});
    undo.push(() => void client.end(true));
    if (!client.connected) await event(client, 'connect');
    return client;
  };
  return { ports, sink, intake, engine, device };
}

/** `events.once`, which mqtt.js's types do not fit. */
function event(client: MqttClient, name: 'connect' | 'close' | 'message'): Promise<unknown[]> {
  return new Promise((resolve) => client.once(name, (...args: unknown[]) => resolve(args)));
}

async function until(holds: () => boolean, what: string, withinMs = 60_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A device on a raw socket, for bytes that a good client would never send. */
async function rawDevice(
  port: number,
  id: string,
  keepalive = 60,
): Promise<{ socket: Socket; received: () => Buffer }> {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  undo.push(() => void socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'connect');
  socket.write(connectPacket(id, keepalive));
  const received = (): Buffer => Buffer.concat(chunks);
  await until(() => received().length >= 4, 'CONNACK');
  return { socket, received };
}

function connectPacket(id: string, keepalive: number): Buffer {
  const body = [
    ...Buffer.from('\0\x04MQTT\x04\x02'),
    keepalive >> 8,
    keepalive & 255,
    0,
    id.length,
    ...Buffer.from(id),
  ];
  return Buffer.from([0x10, body.length, ...body]);
}

const PINGREQ = Buffer.from([0xc0, 0]);
const position = (lat: number): string => JSON.stringify({ lat, lon: 24.94 });
const latsOf = (sink: TestSink): number[] =>
  sink.values('truck_gps').map((value) => (JSON.parse(value) as { lat: number }).lat);

/** The packet types and ids of 4-byte acknowledgements, and the number of pings. */
function parseAcks(bytes: Buffer): { acks: number[]; pings: number } {
  const acks: number[] = [];
  let pings = 0;
  for (let at = 4; at < bytes.length; ) {
    if (bytes[at] === 0xd0) {
      pings++;
      at += 2;
    } else {
      acks.push(bytes.readUInt16BE(at + 2));
      at += 4;
    }
  }
  return { acks, pings };
}

function publishPacket(topic: string, payload: string, messageId: number): Buffer {
  const body = Buffer.alloc(2 + topic.length + 2 + payload.length);
  body.writeUInt16BE(topic.length, 0);
  body.write(topic, 2);
  body.writeUInt16BE(messageId, 2 + topic.length);
  body.write(payload, 4 + topic.length);
  if (body.length > 127) throw new Error('too long for this test');
  return Buffer.concat([Buffer.from([0x32, body.length]), body]);
}

describe('while the log is slow', () => {
  test('500 publishes are held, every ping is answered, no connection is closed, 500 acks are sent in order', async () => {
    const { ports, sink } = await gateway();
    const { socket, received } = await rawDevice(ports.mqtt, 'patient', 1);
    const packets = Array.from({ length: 500 }, (_, n) => publishPacket('trucks/t-1/gps', position(n % 90), n + 1));
    socket.write(Buffer.concat(packets));
    let sentPings = 0;
    const pinging = setInterval(() => {
      socket.write(PINGREQ);
      sentPings++;
    });
    undo.push(() => clearInterval(pinging));
    await new Promise((resolve) => setTimeout(resolve, 3000)); // twice what a keep-alive of 1 s allows
    clearInterval(pinging);
    await until(() => parseAcks(received()).pings === sentPings, 'every ping answered');
    expect(parseAcks(received()).acks).toEqual([]);
    expect(socket.closed).toBe(false);
    await sink.recover();
    await until(() => parseAcks(received()).acks.length === 500, '500 acks');
    expect(parseAcks(received()).acks).toEqual(Array.from({ length: 500 }, (_, n) => n + 1));
    expect(latsOf(sink)).toEqual(Array.from({ length: 500 }, (_, n) => n % 90));
  });

  test('a device that fills its window is paused, not timed out, and continues where it was', async () => {
    const { ports, sink, intake } = await gateway({ windowMessages: 100 });
    const { socket, received } = await rawDevice(ports.mqtt, 'eager', 1);
    const total = 20_000;
    const send = (from: number): void => {
      for (let n = from; n < total; n++) {
        if (!socket.write(publishPacket('trucks/t-1/gps', position(n % 90), (n % 65_535) + 1))) {
          socket.once('drain', () => send(n + 1));
          return;
        }
      }
    };
    send(0);
    await new Promise((resolve) => setTimeout(resolve, 2500)); // silent for longer than the keep-alive allows
    expect(socket.closed).toBe(false);
    expect(intake.totals().received).toBeLessThan(5000); // a chunk beyond the window, no more
    await sink.recover();
    await until(() => parseAcks(received()).acks.length === total, 'all acks');
    expect(latsOf(sink)).toEqual(Array.from({ length: total }, (_, n) => n % 90));
  });

  test('for too long, the device is closed without an ack, and what it resends arrives in order', async () => {
    const { sink, device, intake } = await gateway({ stallMs: 600 });
    const client = await device({ clientId: 'd', clean: false, reconnectPeriod: 50 });
    const acknowledged: number[] = [];
    for (const lat of [1, 2, 3]) {
      void client.publishAsync('trucks/t-1/gps', position(lat), { qos: 1 }).then(() => acknowledged.push(lat));
    }
    await event(client, 'close');
    expect(acknowledged).toEqual([]);
    sink.automatic = true;
    await sink.failAll();
    await until(() => acknowledged.length === 3, 'three acks');
    expect(acknowledged).toEqual([1, 2, 3]);
    expect([...new Set(latsOf(sink))]).toEqual([1, 2, 3]);
    const { received, appended, deadLettered, refused, inFlight } = intake.totals();
    expect(appended + deadLettered + refused + inFlight).toBe(received);
  });
});

describe('with real clients', () => {
  test.each([0, 1, 2] as const)('QoS %i arrives in the log, once each, in order', async (qos) => {
    const { sink, device, intake } = await gateway();
    sink.automatic = true;
    const client = await device();
    const lats = Array.from({ length: 50 }, (_, n) => n);
    await Promise.all(lats.map((lat) => client.publishAsync('trucks/t-1/gps', position(lat), { qos })));
    await until(() => intake.totals().appended === 50, '50 appended');
    expect(latsOf(sink)).toEqual(lats);
  });

  test('a PUBREC waits for the log; a repeated QoS 2 PUBLISH is not appended again', async () => {
    const { sink, device, intake } = await gateway();
    let isAcknowledged = false;
    const client = await device({ clientId: 'd', clean: false, reconnectPeriod: 20 });
    const publishing = client.publishAsync('trucks/t-1/gps', position(1), { qos: 2 });
    void publishing.then(() => void (isAcknowledged = true));
    await until(() => sink.open.length > 0, 'the record is under way');
    client.stream.destroy();
    await until(() => intake.totals().received === 2, 'the device is back and has repeated it');
    expect(isAcknowledged).toBe(false);
    await sink.recover();
    await publishing;
    await client.publishAsync('trucks/t-1/gps', position(2), { qos: 2 });
    expect(latsOf(sink)).toEqual([1, 2]);
  });

  test('MQTT over WebSocket behaves the same', async () => {
    const { ports, sink } = await gateway();
    sink.automatic = true;
    const client = mqtt.connect(`ws://127.0.0.1:${ports.ws}`, { reconnectPeriod: 0 });
    undo.push(() => void client.end(true));
    await client.publishAsync('trucks/t-1/gps', position(60.17), { qos: 1 });
    expect(latsOf(sink)).toEqual([60.17]);
  });

  test('bad payloads are dead-lettered and acknowledged; the connection remains', async () => {
    const { sink, device, intake } = await gateway();
    sink.automatic = true;
    const client = await device();
    const payloads = ['', 'nonsense', '{"lat":91,"lon":0}', Buffer.alloc(10_000_000, 7)];
    for (const payload of payloads) await client.publishAsync('trucks/t-1/gps', payload, { qos: 1 });
    await client.publishAsync('no/such/topic', 'x', { qos: 2 });
    await client.publishAsync('$SYS/fake', 'x', { qos: 1 });
    expect(client.connected).toBe(true);
    expect(intake.totals()).toMatchObject({ received: 6, deadLettered: 6, appended: 0 });
  });

  test('a client killed with acks pending leaves nothing behind but its records', async () => {
    const { sink, device, intake } = await gateway();
    const [victim, other] = [await device({ clientId: 'victim' }), await device({ clientId: 'other' })];
    for (const lat of [1, 2, 3]) victim.publish('trucks/t-1/gps', position(lat), { qos: 1 });
    await until(() => intake.totals().received === 3, 'three received');
    victim.stream.destroy();
    await sink.recover();
    await other.publishAsync('trucks/t-2/gps', position(4), { qos: 1 });
    expect(latsOf(sink)).toEqual([1, 2, 3, 4]);
    expect(intake.totals()).toMatchObject({ received: 4, appended: 4, inFlight: 0 });
  });

  test('malformed packets close their own connection only', async () => {
    const { ports, sink, device } = await gateway();
    sink.automatic = true;
    const good = await device();
    const malformed = [
      Buffer.from([0x36, 0x02, 0, 0]), // QoS 3
      Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff]), // a length of five bytes
      Buffer.from([0x32, 0x03, 0, 9, 0]), // a topic longer than the packet
      Buffer.from([0xf0, 0x00]), // a reserved type
      publishPacket('trucks/+/gps', position(1), 1), // a wildcard in a PUBLISH
      connectPacket('again', 60), // a second CONNECT
    ];
    for (const [index, bytes] of malformed.entries()) {
      const { socket } = await rawDevice(ports.mqtt, `bad-${index}`);
      socket.write(bytes);
      await until(() => socket.closed, `packet ${index} closes its connection`);
    }
    const rude = connectTcp(ports.mqtt, '127.0.0.1');
    rude.on('error', () => {});
    rude.resume().write('GET / HTTP/1.1\r\n\r\n');
    await until(() => rude.closed, 'no MQTT at all is closed');
    await good.publishAsync('trucks/t-1/gps', position(1), { qos: 1 });
    expect(latsOf(sink)).toEqual([1]);
  });

  test('a silent device is closed after one and a half keep-alives', async () => {
    const { ports } = await gateway();
    const from = performance.now();
    const { socket } = await rawDevice(ports.mqtt, 'silent', 1);
    await until(() => socket.closed, 'closed');
    expect(performance.now() - from).toBeGreaterThan(1500);
  });

  test('a last will goes to the log like any publish', async () => {
    const { sink, device, intake } = await gateway();
    sink.automatic = true;
    const will = {
      topic: 'owntracks/anna/phone',
      payload: Buffer.from('{"_type":"lwt","tst":1763805600}'),
      qos: 1 as const,
    };
    const phone = await device({ will: { ...will, retain: false } });
    phone.stream.destroy();
    await until(() => intake.totals().appended === 1, 'the will');
    expect(sink.values('truck_status')).toEqual([
      '{"truckId":"anna-phone","status":"lastWill","ts":"2025-11-22T10:00:00Z","source":"owntracks"}',
    ]);
  });

  test('a device may publish right after its CONNECT, before the CONNACK', async () => {
    const { ports, sink } = await gateway();
    sink.automatic = true;
    const socket = connectTcp(ports.mqtt, '127.0.0.1');
    undo.push(() => void socket.destroy());
    const packets = Array.from({ length: 300 }, (_, n) => publishPacket('trucks/t-1/gps', position(n % 90), n + 1));
    socket.resume().write(Buffer.concat([connectPacket('hasty', 60), ...packets]));
    await until(() => latsOf(sink).length === 300, '300 positions');
    expect(latsOf(sink)).toEqual(Array.from({ length: 300 }, (_, n) => n % 90));
  });
});

describe('subscribers', () => {
  test.each(['#', 'trucks/+/gps', 'trucks/t-1/gps'])('of %s receive positions live', async (filter) => {
    const { device } = await gateway(); // the log never responds: live delivery comes before storage
    const viewer = await device();
    await viewer.subscribeAsync(filter, { qos: 1 });
    const heard = event(viewer, 'message');
    (await device()).publish('trucks/t-1/gps', position(1), { qos: 1 });
    const [topic, payload] = (await heard) as [string, Buffer];
    expect([topic, payload.toString()]).toEqual(['trucks/t-1/gps', position(1)]);
  });

  test('of a retained position receive it when they subscribe later', async () => {
    const { device, sink } = await gateway();
    sink.automatic = true;
    const phone = await device();
    await phone.publishAsync('owntracks/a/b', '{"_type":"location","lat":1,"lon":2}', { qos: 1, retain: true });
    const viewer = await device();
    const heard = event(viewer, 'message');
    await viewer.subscribeAsync('owntracks/#');
    const [topic, , packet] = (await heard) as [string, Buffer, { retain: boolean }];
    expect([topic, packet.retain]).toEqual(['owntracks/a/b', true]);
  });

  test('of other topics receive them at their own QoS', async () => {
    const { device, sink } = await gateway();
    sink.automatic = true;
    const viewer = await device();
    await viewer.subscribeAsync('chat', { qos: 2 });
    const heard = event(viewer, 'message');
    await (await device()).publishAsync('chat', 'hello', { qos: 2 });
    const [, payload, packet] = (await heard) as [string, Buffer, { qos: number }];
    expect([payload.toString(), packet.qos]).toEqual(['hello', 2]);
  });

  test('that do not read do not slow the devices down', async () => {
    const { ports, device, sink, intake } = await gateway();
    sink.automatic = true;
    const { socket, received } = await rawDevice(ports.mqtt, 'deaf');
    socket.write(Buffer.from([0x82, 6, 0, 1, 0, 1, 0x23, 0])); // SUBSCRIBE #
    await until(() => received().length >= 4 + 5, 'SUBACK');
    socket.pause();
    const truck = await device();
    const note = 'x'.repeat(20_000);
    const payload = JSON.stringify({ lat: 1, lon: 2, note });
    for (let n = 0; n < 1000; n++) await truck.publishAsync('trucks/t-1/gps', payload, { qos: 1 });
    expect(intake.totals().appended).toBe(1000);
  });
});

test('a port in use is named', async () => {
  const { ports } = await gateway();
  const second = new AedesEngine({ telemetry: [], logger: silentLogger });
  const addresses = { host: '127.0.0.1', ports: { mqtt: ports.mqtt } };
  await expect(second.listen(addresses, {} as Intake)).rejects.toThrow(`127.0.0.1:${ports.mqtt} is in use`);
});
