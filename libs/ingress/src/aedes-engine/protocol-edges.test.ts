// Violations of MQTT, and the rights of a subscriber that was away: on raw sockets, without a library in between.
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { silentLogger, silentMeter } from '@milepost/core';
import { WebSocket } from 'ws';
import { unreferencedClock as clock } from '../../../../test/support/unreferenced-clock.ts';
import type { MqttPorts } from '../engine.ts';
import { Intake } from '../intake.ts';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { TestSink } from '../test-kit.ts';
import { AedesEngine } from './aedes-engine.ts';

const MAX_PACKET_BYTES = 4000;
let sink: TestSink;
let engine: AedesEngine;
let ports: MqttPorts;
const open = new Set<Wire>();

beforeEach(async () => {
  sink = new TestSink();
  sink.automatic = true;
  const intake = new Intake({ clock, logger: silentLogger, meter: silentMeter, sink, routes: DEFAULT_ROUTES });
  const telemetry = DEFAULT_ROUTES.map(({ filter }) => filter);
  engine = new AedesEngine({ telemetry, logger: silentLogger, maxPacketBytes: MAX_PACKET_BYTES });
  ports = await engine.listen({ host: '127.0.0.1', ports: { mqtt: 0, mqttWs: 0 } }, intake);
});
afterEach(async () => {
  for (const wire of open) wire.socket.destroy();
  open.clear();
  await engine.close();
});

const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};
const id16 = (id: number): Buffer => Buffer.from([id >> 8, id & 255]);

function packet(first: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  let left = body.length;
  do {
    length.push((left & 127) | (left > 127 ? 128 : 0));
    left >>= 7;
  } while (left > 0);
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

const connectPacket = (id: string | Buffer, clean: boolean): Buffer =>
  packet(0x10, text('MQTT'), Buffer.from([4, clean ? 2 : 0, 0, 60]), text(id));
const publish = (topic: string | Buffer, payload: string, qos: number, id: number): Buffer =>
  packet(0x30 | (qos << 1), text(topic), id16(id), Buffer.from(payload));
const subscribe = (topic: string, qos: number): Buffer => packet(0x82, id16(1), text(topic), Buffer.from([qos]));

/** A connection that returns one packet after the other. */
class Wire {
  readonly socket: Socket;
  #bytes = Buffer.alloc(0);
  #wake: () => void = () => {};
  isClosed = false;

  constructor() {
    this.socket = connectTcp(ports.mqtt ?? 0, '127.0.0.1');
    open.add(this);
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake();
    });
    this.socket.on('close', () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  static async connected(id: string, clean = true): Promise<Wire> {
    const wire = new Wire();
    wire.send(connectPacket(id, clean));
    expect((await wire.next())?.[0]).toBe(0x20);
    return wire;
  }

  send(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  /** Undefined when the connection ends. */
  async next(): Promise<Buffer | undefined> {
    for (;;) {
      const length = this.#bytes[1];
      if (length !== undefined && this.#bytes.length >= 2 + length) {
        const whole = this.#bytes.subarray(0, 2 + length);
        this.#bytes = this.#bytes.subarray(2 + length);
        return whole;
      }
      if (this.isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async ended(): Promise<void> {
    while ((await this.next()) !== undefined);
  }

  close(): Promise<unknown> {
    const closed = once(this.socket, 'close');
    this.socket.destroy();
    return closed;
  }
}

describe('the connection ends for', () => {
  test.each([
    ['a topic that is no UTF-8', publish(Buffer.from('trucks/\xff/gps', 'latin1'), '{"lat":1,"lon":2}', 1, 5)],
    ['a topic with a NUL', publish('trucks/a\0/gps', '{"lat":1,"lon":2}', 1, 5)],
    ['a packet id of 0', publish('trucks/a/gps', '{"lat":1,"lon":2}', 1, 0)],
    ['a packet above the limit, from its first bytes on', Buffer.from([0x32, 0xff, 0xff, 0xff, 0x70, 0, 12])],
  ])('%s, and nothing of it is stored', async (_, bytes) => {
    const wire = await Wire.connected('device');
    wire.send(bytes);
    await wire.ended();
    expect(sink.log.filter(({ topic }) => topic !== 'truck_status')).toEqual([]);
  });

  test('a CONNECT above the limit', async () => {
    const wire = new Wire();
    wire.send(Buffer.from([0x10, 0xff, 0xff, 0x7f, 0, 4]));
    await wire.ended();
  });

  test.each([
    ['an empty client id that wants a session', Buffer.alloc(0), false],
    ['a client id that is no UTF-8', Buffer.from([0xff, 0xfe]), true],
  ])('%s, after CONNACK 2', async (_, id, clean) => {
    const wire = new Wire();
    wire.send(connectPacket(id, clean));
    expect(await wire.next()).toEqual(Buffer.from([0x20, 2, 0, 2]));
    await wire.ended();
  });
});

test('a packet of exactly the limit is read', async () => {
  const wire = await Wire.connected('device');
  const overhead = publish('trucks/a/gps', '', 1, 5).length + 1; // one byte more of length
  const payload = `{"lat":1,"lon":2,"note":"${'x'.repeat(MAX_PACKET_BYTES - overhead - 27)}"}`;
  const bytes = publish('trucks/a/gps', payload, 1, 5);
  expect(bytes.length).toBe(MAX_PACKET_BYTES);
  wire.send(bytes);
  expect(await wire.next()).toEqual(Buffer.from([0x40, 2, 0, 5]));
});

test.each([1, 2])('a message of QoS %d that is resent to a subscriber that reconnected has DUP', async (qos) => {
  const subscriber = await Wire.connected('subscriber', false);
  subscriber.send(subscribe('other/topic', qos));
  expect((await subscriber.next())?.[0]).toBe(0x90);
  const publisher = await Wire.connected('publisher');
  publisher.send(publish('other/topic', 'hi', qos, 3));
  expect((await subscriber.next())?.[0]).toBe(0x30 | (qos << 1));
  await subscriber.close();
  const again = await Wire.connected('subscriber', false);
  expect((await again.next())?.[0]).toBe(0x38 | (qos << 1));
});

test('every QoS 2 message to a device that was away is delivered and released, once', async () => {
  const away = await Wire.connected('away', false);
  away.send(subscribe('cmd/away', 2));
  await away.next();
  await away.close();
  const publisher = await Wire.connected('publisher');
  for (let id = 1; id <= 20; id++) {
    publisher.send(publish('cmd/away', String(id), 2, id));
    expect((await publisher.next())?.[0]).toBe(0x50);
    publisher.send(packet(0x62, id16(id)));
    expect((await publisher.next())?.[0]).toBe(0x70);
  }
  const back = await Wire.connected('away', false);
  const delivered: number[] = [];
  const released: number[] = [];
  while (released.length < 20) {
    const received = (await back.next()) as Buffer;
    const kind = (received[0] as number) >> 4;
    if (kind === 3) {
      const topicBytes = received.readUInt16BE(2);
      const id = received.subarray(4 + topicBytes, 6 + topicBytes);
      delivered.push(Number(received.subarray(6 + topicBytes).toString()));
      back.send(packet(0x50, id)); // PUBREC
    } else if (kind === 6) {
      released.push(received.readUInt16BE(2));
      back.send(packet(0x70, received.subarray(2, 4))); // PUBCOMP
    }
  }
  expect(delivered).toEqual(Array.from({ length: 20 }, (_, n) => n + 1));
  expect(new Set(released).size).toBe(20);
});

test('a page of another site is refused over WebSocket; one of this host and programs are accepted', async () => {
  const attempt = async (origin?: string, host?: string): Promise<string> => {
    const options = { ...(origin && { origin }), ...(host && { headers: { host } }) };
    const socket = new WebSocket(`ws://127.0.0.1:${ports.mqttWs}/mqtt`, 'mqtt', options);
    const outcome = Promise.race([
      once(socket, 'open').then(() => 'open'),
      once(socket, 'unexpected-response').then(([, response]) =>
        String((response as { statusCode: number }).statusCode),
      ),
    ]);
    const seen = await outcome;
    socket.terminate();
    return seen;
  };
  expect(await attempt()).toBe('open');
  expect(await attempt('http://127.0.0.1:8080')).toBe('open');
  expect(await attempt('https://evil.example')).toBe('403');
  expect(await attempt('null')).toBe('403');
  expect(await attempt('http://evil.example:8083', 'evil.example:8083')).toBe('403'); // rebound to this address
});
