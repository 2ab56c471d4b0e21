// MQTT 5 as devices use it: the client library `mqtt` in its version 5, and raw packets for what it would never send.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { silentLogger, silentMeter } from '@milepost/core';
import mqtt, { type IClientOptions, type MqttClient, type Packet } from 'mqtt';
import { generate, parser } from 'mqtt-packet';
import { unreferencedClock as clock } from '../../../test/support/unreferenced-clock.ts';
import { AedesEngine } from './aedes-engine/aedes-engine.ts';
import { Intake } from './intake.ts';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { TestSink } from './test-kit.ts';

const sink = new TestSink();
const intake = new Intake({ clock, logger: silentLogger, meter: silentMeter, sink, routes: DEFAULT_ROUTES });
const engine = new AedesEngine({ telemetry: DEFAULT_ROUTES.map(({ filter }) => filter), logger: silentLogger });
const clients: MqttClient[] = [];
let port = 0;
let ws = 0;

beforeAll(async () => {
  const ports = await engine.listen({ host: '127.0.0.1', ports: { mqtt: 0, mqttWs: 0 } }, intake);
  port = ports.mqtt ?? 0;
  ws = ports.mqttWs ?? 0;
});
beforeEach(() => {
  sink.automatic = true;
  sink.log.length = 0;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  await sink.recover(); // a failed test must not affect the others
});
afterAll(() => engine.close());

async function device(options: IClientOptions = {}, url = `mqtt://127.0.0.1:${port}`): Promise<MqttClient> {
  const client = mqtt.connect(url, { protocolVersion: 5, reconnectPeriod: 0, ...options });
  client.on('error', () => {});
  clients.push(client);
  if (!client.connected) await event(client, 'connect');
  return client;
}

const event = (client: MqttClient, name: 'connect' | 'close' | 'message'): Promise<unknown[]> =>
  new Promise((resolve) => client.once(name, (...args: unknown[]) => resolve(args)));

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + 60_000; !holds(); ) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const TOPIC = 'trucks/t-1/gps';
const position = (lat: number): string => JSON.stringify({ lat, lon: 24.94 });
const lats = (): number[] => sink.values('truck_gps').map((value) => (JSON.parse(value) as { lat: number }).lat);
/** Of the last position: the offline status of an earlier test's truck may follow it. */
const header = (name: string): string | undefined =>
  sink.log
    .findLast(({ topic }) => topic === 'truck_gps')
    ?.headers.get(name)
    ?.toString();
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a device', () => {
  test.each([0, 1, 2] as const)('publishes with QoS %i: everything is in the log, once each, in order', async (qos) => {
    const client = await device();
    await Promise.all(Array.from({ length: 50 }, (_, n) => client.publishAsync(TOPIC, position(n), { qos })));
    await until(() => lats().length === 50, 'all positions');
    expect(lats()).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  test('publishes over WebSocket', async () => {
    const client = await device({}, `ws://127.0.0.1:${ws}`);
    await client.publishAsync(TOPIC, position(7), { qos: 1 });
    expect(lats()).toEqual([7]);
  });

  test('learns our limits: Receive Maximum, no aliases, no shared subscriptions, its assigned client id', async () => {
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, clientId: '', clean: true });
    clients.push(client);
    const [connack] = (await event(client, 'connect')) as [{ properties: object; reasonCode: number }];
    expect(connack).toMatchObject({
      reasonCode: 0,
      properties: {
        receiveMaximum: 1000,
        topicAliasMaximum: 0,
        sharedSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        assignedClientIdentifier: expect.stringMatching(/^auto-[0-9a-f]{16}$/),
      },
    });
  });

  test('is acknowledged when its position is stored, not before', async () => {
    sink.automatic = false;
    const client = await device();
    let isAcknowledged = false;
    const publishing = client.publishAsync(TOPIC, position(1), { qos: 1 }).then(() => (isAcknowledged = true));
    // Not just the first one: the offline status of an earlier test's truck may come at any time.
    const onItsWay = () => sink.open.find(({ records }) => records.some(({ topic }) => topic === 'truck_gps'));
    await until(() => onItsWay() !== undefined, 'the record on its way');
    await client.publishAsync('nobody/listens', 'x', { qos: 0 }); // later on the wire
    expect(isAcknowledged).toBe(false);
    await onItsWay()?.succeed();
    await publishing;
  });

  test('passes its trace on in user properties', async () => {
    const client = await device();
    const properties = { userProperties: { traceparent, tracestate: 'vendor=1', other: 'thing' } };
    await client.publishAsync(TOPIC, position(1), { qos: 1, properties });
    expect([header('traceparent'), header('tracestate'), header('other')]).toEqual([
      traceparent,
      'vendor=1',
      undefined,
    ]);
    await client.publishAsync(TOPIC, position(2), { qos: 1 });
    expect(header('traceparent')).toBeUndefined();
  });

  test.each([
    ['no trace at all', 'hello'],
    ['two of them', [traceparent, traceparent]],
  ])('that sends %s is accepted nevertheless, without it', async (_, value) => {
    const client = await device();
    await client.publishAsync(TOPIC, position(1), { qos: 1, properties: { userProperties: { traceparent: value } } });
    expect([lats(), header('traceparent')]).toEqual([[1], undefined]);
  });

  test.each([
    ['trucks/t-1/gps', 'not a position', 0x99, 'kept as a dead letter: malformed'],
    ['nowhere/at/all', '{"lat":1,"lon":4}', 0x10, 'kept as a dead letter: no-route'],
  ])('learns from the PUBACK that %s %s is a dead letter', async (topic, payload, reasonCode, reasonString) => {
    const client = await device();
    const acked = new Promise<Packet>((resolve) =>
      client.on('packetreceive', (packet) => packet.cmd === 'puback' && resolve(packet)),
    );
    await client.publishAsync(topic, payload, { qos: 1 }).catch(() => {}); // the library calls 0x99 an error
    expect(await acked).toMatchObject({ reasonCode, properties: { reasonString } });
    expect(sink.values('dead_letters')).toEqual([payload]);
    await client.publishAsync(TOPIC, position(3), { qos: 1 });
    expect(lats()).toEqual([3]);
  });

  test('continues after a dead letter of QoS 2 with the same id', async () => {
    const { say, heard } = await raw('again');
    const count = (cmd: string): number => heard.filter((packet) => packet.cmd === cmd).length;
    for (let n = 1; n <= 3; n++) {
      say({ cmd: 'publish', topic: TOPIC, payload: 'bad', qos: 2, messageId: 7, dup: false, retain: false });
      await until(() => count('pubrec') === n, 'PUBREC');
      say({ cmd: 'pubrel', messageId: 7 });
      await until(() => count('pubcomp') === n, 'PUBCOMP');
    }
    expect(sink.values('dead_letters')).toHaveLength(3);
  });

  test('that disconnects with its will has it published; without, not', async () => {
    const will = { topic: 'trucks/t-9/gps', payload: position(9), qos: 1 as const };
    const silent = await device({ clientId: 'silent', will });
    await silent.endAsync();
    const telling = await device({ clientId: 'telling', will: { ...will, payload: position(8) } });
    await telling.endAsync(false, { reasonCode: 4 });
    await until(() => lats().length > 0, 'the will');
    expect(lats()).toEqual([8]);
  });
});

describe('a session', () => {
  const persistent = { clientId: 'lasting', clean: false, properties: { sessionExpiryInterval: 60 } };
  const present = async (options: IClientOptions): Promise<boolean> => {
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0, ...options });
    clients.push(client);
    const [connack] = (await event(client, 'connect')) as [{ sessionPresent: boolean }];
    await client.endAsync();
    return connack.sessionPresent;
  };

  test('lives for the requested time, and ends with a clean start', async () => {
    expect(await present(persistent)).toBe(false);
    expect(await present(persistent)).toBe(true);
    expect(await present({ ...persistent, clean: true })).toBe(false);
    expect(await present({ clientId: 'lasting', clean: false })).toBe(true); // this one ends with its connection
    expect(await present(persistent)).toBe(false);
  });

  test('that may not last as long as requested reports how long it does', async () => {
    const options = { clientId: 'eternal', clean: false, properties: { sessionExpiryInterval: 0xffff_ffff } };
    const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, reconnectPeriod: 0, ...options });
    clients.push(client);
    const [connack] = await event(client, 'connect');
    expect(connack).toMatchObject({ properties: { sessionExpiryInterval: 7 * 24 * 3600 } });
  });

  test('expires', async () => {
    const brief = { ...persistent, clientId: 'brief', properties: { sessionExpiryInterval: 1 } };
    expect(await present(brief)).toBe(false);
    // It lives for a second after the engine notices its end, which may be later than in this test.
    for (let isThere = true, tries = 0; isThere; tries++) {
      expect(tries).toBeLessThan(20);
      const endedAt = performance.now();
      await until(() => performance.now() - endedAt > 1_100, 'a second');
      isThere = await present(brief);
    }
  });

  test('retains what a subscriber missed', async () => {
    const options = { ...persistent, clientId: 'subscriber' };
    const first = await device(options);
    await first.subscribeAsync('news/#', { qos: 1 });
    await first.endAsync();
    await (await device()).publishAsync('news/today', 'hello', { qos: 1 });
    const again = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, ...options });
    clients.push(again);
    const [topic, payload] = await event(again, 'message');
    expect([topic, String(payload)]).toEqual(['news/today', 'hello']);
  });
});

describe('a subscriber', () => {
  test('receives from devices of both versions, and they from it', async () => {
    const five = await device({ clientId: 'five' });
    const three = await device({ clientId: 'three', protocolVersion: 4 });
    await five.subscribeAsync(['news/a', 'news/b'], { qos: 1 });
    await three.subscribeAsync('news/b', { qos: 1 });
    const heard = Promise.all([event(five, 'message'), event(three, 'message')]);
    await five.publishAsync('news/b', 'from five', { qos: 1 });
    expect((await heard).map(([, payload]) => String(payload))).toEqual(['from five', 'from five']);
    await five.unsubscribeAsync(['news/a', 'news/b']);
  });

  test('gets no more at once than its Receive Maximum', async () => {
    const { say, heard } = await raw('narrow', { receiveMaximum: 2 });
    say({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'news/n', qos: 1 }] });
    await until(() => heard.some(({ cmd }) => cmd === 'suback'), 'SUBACK');
    const publisher = await device();
    for (let n = 0; n < 5; n++) await publisher.publishAsync('news/n', String(n), { qos: 1 });
    const publishes = () => heard.filter((packet) => packet.cmd === 'publish');
    await until(() => publishes().length === 2, 'two of them');
    for (let n = 0; n < 5; n++) {
      await until(() => publishes().length > n, `number ${n}`);
      expect(publishes().length).toBeLessThanOrEqual(n + 2);
      say({ cmd: 'puback', messageId: publishes()[n]?.messageId ?? 0 });
    }
    expect(publishes().map((packet) => String((packet as { payload: Buffer }).payload))).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
    ]);
  });

  test('does not get messages above its maximum packet size, and gets the others', async () => {
    const { say, heard } = await raw('small', { maximumPacketSize: 100 });
    say({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'news/s', qos: 1 }] });
    await until(() => heard.some(({ cmd }) => cmd === 'suback'), 'SUBACK');
    const publisher = await device();
    await publisher.publishAsync('news/s', 'x'.repeat(200), { qos: 1 });
    await publisher.publishAsync('news/s', 'short', { qos: 1 });
    await until(() => heard.some(({ cmd }) => cmd === 'publish'), 'the short one');
    const payloads = heard
      .filter(({ cmd }) => cmd === 'publish')
      .map((packet) => String((packet as { payload: Buffer }).payload));
    expect(payloads).toEqual(['short']);
  });
});

describe('a feature that CONNACK excludes ends the connection, with the reason', () => {
  test.each<[string, Packet, number]>([
    [
      'a topic alias',
      {
        cmd: 'publish',
        topic: TOPIC,
        payload: position(1),
        qos: 0,
        dup: false,
        retain: false,
        properties: { topicAlias: 1 },
      },
      0x94,
    ],
    [
      'a shared subscription',
      { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '$share/a/b', qos: 0 }] },
      0x9e,
    ],
    [
      'a subscription identifier',
      {
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: [{ topic: 'b', qos: 0 }],
        properties: { subscriptionIdentifier: 1 },
      },
      0xa1,
    ],
  ])('%s', async (_, packet, reasonCode) => {
    const { say, heard, closed } = await raw('wishful');
    say(packet);
    await closed;
    expect(heard.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode });
    expect(lats()).toEqual([]);
  });

  test('an authentication method', async () => {
    const { heard, closed } = await raw('proving', { authenticationMethod: 'SCRAM-SHA-1' });
    await closed;
    expect(heard).toMatchObject([{ cmd: 'connack', reasonCode: 0x8c }]);
  });
});

/** A device that sends exactly what the test wants. */
async function raw(clientId: string, properties: object = {}) {
  const socket = connectTcp(port, '127.0.0.1');
  socket.on('error', () => {});
  const heard: Packet[] = [];
  const reading = parser({ protocolVersion: 5 });
  reading.on('packet', (packet: Packet) => heard.push(packet));
  socket.on('data', (bytes) => void reading.parse(bytes));
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  const say = (packet: Packet): void => void socket.write(generate(packet, { protocolVersion: 5 }));
  say({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clientId,
    clean: true,
    keepalive: 60,
    properties,
  } as Packet);
  await until(() => heard.length > 0, 'CONNACK');
  return { say, heard, closed };
}
