// A cheap MQTT publisher: packets made beforehand, acknowledgements counted by their length. QoS 1, protocol 3.1.1. Not
// a client for anything else.
import { connect, type Socket } from 'node:net';

const ACK_BYTES = 4;

export class LoadClient {
  readonly #socket: Socket;
  readonly #packet: Buffer;
  readonly #idAt: number;
  #messageId = 0;
  #held: Buffer = Buffer.alloc(0);
  #sentAt: number[] = [];
  /** The callbacks of the publishes in flight, in order. */
  #waiting: ((latencyMs: number) => void)[] = [];

  private constructor(socket: Socket, truckId: string) {
    this.#socket = socket;
    const topic = Buffer.from(`trucks/${truckId}/gps`);
    const payload = Buffer.from(
      `{"lat":57.70887,"lon":11.97456,"ts":"${new Date().toISOString()}","speedKmh":52.4,"headingDeg":184,"odometerM":12345678}`,
    );
    this.#idAt = 4 + topic.length + (2 + topic.length + 2 + payload.length > 127 ? 1 : 0);
    const length = 2 + topic.length + 2 + payload.length;
    const head = length > 127 ? [0x32, (length & 0x7f) | 0x80, length >> 7] : [0x32, length];
    this.#packet = Buffer.concat([
      Buffer.from([...head, topic.length >> 8, topic.length & 0xff]),
      topic,
      Buffer.alloc(2),
      payload,
    ]);
  }

  static connect(port: number, truckId: string): Promise<LoadClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.setNoDelay(true);
      const client = new LoadClient(socket, truckId);
      const id = Buffer.from(truckId);
      const length = 10 + 2 + id.length;
      socket.write(
        Buffer.concat([Buffer.from([0x10, length, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, id.length]), id]),
      );
      socket.once('error', reject);
      socket.once('data', (connack) => {
        if (connack[3] !== 0) return reject(new Error(`refused with ${connack[3]}`));
        socket.off('error', reject).on('error', () => {}); // the appliance is stopped while the client is connected
        socket.on('data', (chunk) => client.#acks(chunk));
        resolve(client);
      });
    });
  }

  /** Keeps `window` publishes in flight until `until()` is true; resolves when the last is acknowledged. */
  pipeline(window: number, until: () => boolean, onAck: (latencyMs: number) => void): Promise<void> {
    return new Promise((resolve) => {
      const acknowledged = (latencyMs: number): void => {
        onAck(latencyMs);
        if (!until()) this.#publish(acknowledged);
        else if (this.#waiting.length === 0) resolve();
      };
      for (let n = 0; n < window; n++) this.#publish(acknowledged);
    });
  }

  /** One publish, beside any others in flight; resolves with the milliseconds to its PUBACK. */
  once(): Promise<number> {
    return new Promise((resolve) => this.#publish(resolve));
  }

  #publish(acknowledged: (latencyMs: number) => void): void {
    this.#waiting.push(acknowledged);
    this.#messageId = (this.#messageId % 65_535) + 1;
    const packet = Buffer.from(this.#packet);
    packet.writeUInt16BE(this.#messageId, this.#idAt);
    this.#sentAt.push(performance.now());
    this.#socket.write(packet);
  }

  #acks(chunk: Buffer): void {
    const bytes = this.#held.length > 0 ? Buffer.concat([this.#held, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % ACK_BYTES);
    this.#held = bytes.subarray(whole);
    const now = performance.now();
    for (let at = 0; at < whole; at += ACK_BYTES) this.#waiting.shift()?.(now - (this.#sentAt.shift() ?? now));
  }
}
