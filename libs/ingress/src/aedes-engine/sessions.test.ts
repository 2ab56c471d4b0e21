// Sessions over the whole engine, with clients of MQTT: what they see of a gateway that dies, and of a database that is away.
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { silentLogger, silentMeter } from '@milepost/core';
import { DEFAULT_ROUTES } from '@milepost/routes';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { generate, type Packet, parser } from 'mqtt-packet';
import { unreferencedClock as clock } from '../../../../test/support/unreferenced-clock.ts';
import { Intake } from '../intake.ts';
import { MemorySessionDatabase, MemorySessionStore } from '../sessions/memory-session-store.ts';
import { Sessions } from '../sessions/sessions.ts';
import { TestSink } from '../test-kit.ts';
import { AedesEngine } from './aedes-engine.ts';

const undo: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface Gateway {
  readonly port: number;
  readonly sink: TestSink;
  readonly sessions: Sessions;
  kill(): Promise<void>;
}

async function gateway(database: MemorySessionDatabase): Promise<Gateway> {
  const store = new MemorySessionStore(database);
  const sink = new TestSink();
  sink.automatic = true;
  const sessions = new Sessions({ clock, logger: silentLogger, meter: silentMeter, store });
  const intake = new Intake({
    clock,
    logger: silentLogger,
    meter: silentMeter,
    sink,
    routes: DEFAULT_ROUTES,
    ledger: sessions,
  });
  const telemetry = DEFAULT_ROUTES.map(({ filter }) => filter);
  const engine = new AedesEngine({ telemetry, logger: silentLogger, sessions });
  const { mqtt: port = 0 } = await engine.listen({ host: '127.0.0.1', ports: { mqtt: 0 } }, intake);
  let isDead = false;
  const kill = async (): Promise<void> => {
    if (isDead) return;
    isDead = true;
    const gone = (): Promise<never> => Promise.reject(new Error('this gateway is dead'));
    Object.assign(store, { write: gone, adopt: gone, acquire: gone });
    await engine.close();
  };
  undo.push(kill);
  return { port, sink, sessions, kill };
}

async function device(
  { port }: Gateway,
  options: IClientOptions,
): Promise<{ readonly client: MqttClient; readonly received: string[]; readonly isPresent: boolean }> {
  const received: string[] = [];
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, ...options });
  undo.push(() => void client.end(true));
  client.on('error', () => {});
  client.on('message', (topic, payload) => received.push(`${topic} ${payload.toString()}`));
  const isPresent = await new Promise<boolean>((resolve) =>
    client.once('connect', ({ sessionPresent }) => resolve(sessionPresent)),
  );
  return { client, received, isPresent };
}

/** A device that sends packets by hand. */
async function rawDevice({ port }: Gateway): Promise<{ send(packet: Packet): void; readonly received: Packet[] }> {
  const socket = connectTcp(port, '127.0.0.1');
  undo.push(() => void socket.destroy());
  socket.on('error', () => {});
  await once(socket, 'connect');
  const received: Packet[] = [];
  const incoming = parser();
  incoming.on('packet', (packet) => received.push(packet));
  socket.on('data', (chunk) => incoming.parse(chunk));
  return { send: (packet) => void socket.write(generate(packet)), received };
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const connectPacket = (clientId: string, clean: boolean): Packet => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clientId,
  clean,
  keepalive: 60,
});
const cmds = (packets: readonly Packet[]): string[] => packets.map(({ cmd }) => cmd);

test.each([4, 5] as const)(
  'MQTT %i: a session, its queue and retained messages outlive the gateway',
  async (version) => {
    const database = new MemorySessionDatabase();
    const first = await gateway(database);
    const properties = { sessionExpiryInterval: 3600 };
    const options = { clientId: 't-1', clean: false, protocolVersion: version, ...(version === 5 && { properties }) };
    const before = await device(first, options);
    await before.client.subscribeAsync('cmd/t-1', { qos: 2 });
    await before.client.endAsync();
    const publisher = await device(first, { clientId: 'fleet' });
    await publisher.client.publishAsync('cmd/t-1', 'one', { qos: 1 });
    await publisher.client.publishAsync('cmd/t-1', 'two', { qos: 2 });
    await publisher.client.publishAsync('cfg/t-1', 'five', { qos: 1, retain: true });
    await until(() => first.sessions.figures().queuedMessages === 2, 'the queue');
    await first.sessions.stored();
    await first.kill();

    const second = await gateway(database);
    const after = await device(second, options);
    expect(after.isPresent).toBe(true);
    await until(() => after.received.length >= 2, 'what was queued');
    expect(after.received).toEqual(['cmd/t-1 one', 'cmd/t-1 two']);
    await until(() => second.sessions.figures().queuedMessages === 0, 'its acknowledgements');
    await after.client.subscribeAsync('cfg/#', { qos: 1 });
    await until(() => after.received.length >= 3, 'what is retained');
    expect(after.received.at(-1)).toBe('cfg/t-1 five');
  },
);

test('a device that has sent PUBREC gets PUBREL after the restart, not the message', async () => {
  const database = new MemorySessionDatabase();
  let life = await gateway(database);
  let raw = await rawDevice(life);
  raw.send(connectPacket('t-1', false));
  raw.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'cmd', qos: 2 }] });
  await until(() => raw.received.length >= 2, 'SUBACK');
  const publisher = await device(life, { clientId: 'fleet' });
  await publisher.client.publishAsync('cmd', 'once', { qos: 2 });
  await until(() => raw.received.length >= 3, 'the message');
  const [, , message] = raw.received;
  const { messageId = 0 } = message as { messageId?: number };
  await life.sessions.stored();
  raw.send({ cmd: 'pubrec', messageId });
  await until(() => cmds(raw.received).includes('pubrel'), 'PUBREL');
  await life.kill();

  life = await gateway(database);
  raw = await rawDevice(life);
  raw.send(connectPacket('t-1', false));
  await until(() => raw.received.length >= 2, 'PUBREL again');
  expect(raw.received.map(({ cmd, messageId: id }) => [cmd, id])).toEqual([
    ['connack', undefined],
    ['pubrel', messageId],
  ]);
  raw.send({ cmd: 'pubcomp', messageId });
  await until(() => life.sessions.figures().queuedMessages === 0, 'the end of the exchange');
});

test('a message of QoS 2 that a device repeats after a restart is in the log once', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database);
  const position: Packet = {
    cmd: 'publish',
    topic: 'trucks/t-1/gps',
    payload: '{"lat":1,"lon":2}',
    qos: 2,
    retain: false,
    dup: false,
    messageId: 7,
  };
  let raw = await rawDevice(first);
  raw.send(connectPacket('t-1', false));
  raw.send(position);
  await until(() => cmds(raw.received).includes('pubrec'), 'PUBREC');
  expect(first.sink.values('truck_gps')).toHaveLength(1);
  await first.sessions.stored();
  await first.kill();

  const second = await gateway(database);
  raw = await rawDevice(second);
  raw.send(connectPacket('t-1', false));
  raw.send({ ...position, dup: true });
  await until(() => cmds(raw.received).includes('pubrec'), 'PUBREC again');
  expect(second.sink.values('truck_gps')).toEqual([]);
  raw.send({ cmd: 'pubrel', messageId: 7 });
  await until(() => cmds(raw.received).includes('pubcomp'), 'PUBCOMP');
  raw.send(position); // another message, by the released id
  await until(() => second.sink.values('truck_gps').length === 1, 'the next message');
});

test('the last will of a client whose gateway died reaches the log and subscribers with the next gateway', async () => {
  const database = new MemorySessionDatabase();
  const first = await gateway(database);
  const payload = Buffer.from('{"_type":"lwt","tst":1763800000}');
  const will = { topic: 'owntracks/ada/phone', payload, qos: 1 as const, retain: false };
  await device(first, { clientId: 'phone', will });
  const watcher = await device(first, { clientId: 'watcher', clean: false });
  await watcher.client.subscribeAsync('state/#', { qos: 1 });
  await watcher.client.endAsync();
  await device(first, { clientId: 'other', will: { ...will, topic: 'state/other', payload: Buffer.from('gone') } });
  await first.sessions.stored();
  await first.kill();

  const second = await gateway(database);
  await until(() => second.sink.values('truck_status').length > 0, 'the status');
  expect(second.sink.values('truck_status').join()).toMatch(/"truckId":"ada-phone","status":"lastWill"/);
  const returned = await device(second, { clientId: 'watcher', clean: false });
  await until(() => returned.received.length > 0, 'the will');
  expect(returned.received).toEqual(['state/other gone']);
});

test('a database that is away from the start: devices with a clean session publish as ever, others are refused', async () => {
  const database = new MemorySessionDatabase();
  database.isAway = true;
  const silent = await gateway(database);
  const truck = await device(silent, { clientId: 't-1' });
  await truck.client.publishAsync('trucks/t-1/gps', '{"lat":1,"lon":2}', { qos: 1 });
  await truck.client.subscribeAsync('cmd/t-1', { qos: 1 });
  await truck.client.publishAsync('cmd/t-1', 'to myself', { qos: 1 });
  await until(() => truck.received.length > 0, 'its message');
  const raw = await rawDevice(silent);
  raw.send(connectPacket('t-2', false));
  await until(() => raw.received.length > 0, 'CONNACK');
  expect(raw.received).toMatchObject([{ cmd: 'connack', returnCode: 3 }]);
});
