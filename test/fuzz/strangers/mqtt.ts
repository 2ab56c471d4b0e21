// Strangers at an MQTT listener whose devices authenticate, on real sockets: CONNECT of both versions and packets behind it,
// cut, mangled, in any order.
//
//   every connection    ends, or is refused by CONNACK
//   no stranger         gets in, and nothing that it sends is taken for a position
//   in the end          nothing was logged as an error, and a device with the right password gets in
import { connect } from 'node:net';
import { type Logger, silentLogger, silentMeter } from '@milepost/core';
import { AedesEngine, DeviceDoor, Intake } from '@milepost/ingress';
import { nodeRandom } from '@milepost/node-host';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { CertificateNames, DeviceAuthenticator, MemoryDeviceStore, scramCredential } from '@milepost/security';
import { SimRandom } from '@milepost/simulator';
import { connectAsync } from 'mqtt';
import { generate, type Packet } from 'mqtt-packet';
import { TestSink } from '../../../libs/ingress/src/test-kit.ts';
import { Misbehaviour } from '../conversation.ts';
import { garbage, mangled } from './mangle.ts';
import { cheapKey, cheapKeys, fastClock, type StrangerRound } from './stranger.ts';

const DEVICE = { id: 't-1', password: 'right' };
const AT_ONCE = 200;
const CONNACK = 0x20;
/** The client ends its connection then, if the engine has not. */
const QUIET_MS = 100;
const PATIENCE_MS = 60_000;

export const mqttRound: StrangerRound = async (seed, inputs, tally) => {
  const random = new SimRandom(seed);
  const errors: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (fields, message) => void errors.push(message + JSON.stringify(fields)),
  };
  const directory = new MemoryDeviceStore();
  const given = { salt: Buffer.from('salt'), iterations: 4_096 };
  const credential = await scramCredential('SCRAM-SHA-256', DEVICE.password, given, cheapKey);
  await directory.add([{ id: DEVICE.id, credential, publish: [], subscribe: [] }], false);
  const shared = { clock: fastClock, keys: cheapKeys, random: nodeRandom, meter: silentMeter, logger };
  const authenticator = new DeviceAuthenticator({ ...shared, directory });
  const sink = new TestSink();
  sink.automatic = true;
  const intake = new Intake({ clock: fastClock, logger, meter: silentMeter, sink, routes: DEFAULT_ROUTES });
  const door = new DeviceDoor(authenticator, new CertificateNames('subject', undefined), DEFAULT_ROUTES);
  const engine = new AedesEngine({ telemetry: DEFAULT_ROUTES.map(({ filter }) => filter), logger, door });
  const { mqtt: port = 0 } = await engine.listen({ host: '127.0.0.1', ports: { mqtt: 0 } }, intake);
  try {
    for (let done = 0; done < inputs; done += AT_ONCE) {
      const strangers = Array.from({ length: AT_ONCE }, () => inputFrom(random));
      for (const isAnswered of await Promise.all(strangers.map((input) => isRefused(port, input)))) {
        tally.connections++;
        tally.inputs++;
        if (isAnswered) tally.answered++;
      }
    }
    const { received } = intake.totals();
    if (received > 0) throw new Misbehaviour(`${received} publishes of strangers were received`);
    const [error] = errors;
    if (error !== undefined) throw new Misbehaviour(`an error was logged: ${error}`);
    const login = { username: DEVICE.id, password: DEVICE.password };
    const device = await connectAsync(`mqtt://127.0.0.1:${port}`, { ...login, reconnectPeriod: 0 });
    await device.publishAsync('trucks/t-1/gps', '{"lat":57.7,"lon":11.97}', { qos: 1 });
    await device.endAsync();
  } finally {
    await engine.close();
    await authenticator.close();
  }
};

/** Whether it got a CONNACK, which must refuse it. Resolves when the connection has ended. */
function isRefused(port: number, input: Buffer): Promise<boolean> {
  const story = `sent ${input.toString('hex', 0, 400)}`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const late = setTimeout(() => reject(new Misbehaviour(`the connection does not end: ${story}`)), PATIENCE_MS);
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received[0] === CONNACK && received[3] === 0) reject(new Misbehaviour(`a stranger is let in: ${story}`));
    });
    socket.on('error', () => {}); // a reset is an end too
    socket.once('close', () => {
      clearTimeout(late);
      resolve(received.length > 0);
    });
    socket.once('connect', () => {
      socket.write(input);
      setTimeout(() => socket.end(), QUIET_MS);
    });
  });
}

function inputFrom(random: SimRandom): Buffer {
  const packets = [connectFrom(random), ...Array.from({ length: random.below(3) }, () => otherFrom(random))];
  if (random.chance(0.1)) packets.shift();
  const bytes = Buffer.concat(packets);
  return random.chance(0.6) ? mangled(bytes, random) : bytes;
}

/** As a device with a wrong password, or none, would begin. */
function connectFrom(random: SimRandom): Buffer {
  const is5 = random.chance(0.5);
  const topic = random.pick(['trucks/t-1/status', '#', '$SYS/x', 'a\0b']);
  const packet = {
    cmd: 'connect',
    protocolId: random.pick(['MQTT', 'MQTT', 'MQIsdp']),
    protocolVersion: is5 ? 5 : random.pick([3, 4]),
    clientId: random.pick(['t-1', 'x', random.uuid(), '../t-1', '+', '\u{1F69A}\n']),
    clean: random.chance(0.7),
    keepalive: random.pick([0, 1, 60, 65_535]),
    ...(random.chance(0.8) && {
      username: random.pick(['t-1', 'nobody', '', '+', 'x'.repeat(300)]),
      password: random.chance(0.9) ? garbage(random.pick([1, 8, 2_000]), random) : Buffer.alloc(0),
    }),
    ...(random.chance(0.3) && {
      will: { topic, payload: garbage(8, random), qos: random.below(3), retain: random.chance(0.5) },
    }),
    ...(is5 && {
      properties: {
        sessionExpiryInterval: random.pick([0, 4_294_967_295]),
        ...(random.chance(0.2) && { authenticationMethod: 'SCRAM-SHA-256', authenticationData: garbage(8, random) }),
        ...(random.chance(0.2) && { userProperties: { traceparent: 'x' } }),
      },
    }),
  };
  try {
    return generate(packet as unknown as Packet, { protocolVersion: packet.protocolVersion });
  } catch {
    return garbage(20, random); // what the generator refuses to write
  }
}

function otherFrom(random: SimRandom): Buffer {
  const publish = {
    cmd: 'publish',
    topic: 'trucks/t-1/gps',
    payload: '{"lat":57.7,"lon":11.97}',
    retain: false,
    dup: false,
  };
  const packet = random.pick([
    { ...publish, qos: 1, messageId: 1 },
    { ...publish, qos: 0 },
    { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: '#', qos: 1 }] },
    { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['#'] },
    { cmd: 'pubrel', messageId: 4 },
    { cmd: 'pingreq' },
    { cmd: 'disconnect' },
  ]);
  return generate(packet as unknown as Packet);
}
