// One MQTT connection, as the intake sees it, over aedes's client. Keep-alive is ours: aedes's timer only counts
// packets that it has parsed, and would end a device that we paused. aedes's pause() stops the reading, but loses count
// of its pending packets, and its resume() would wait for them forever: the count is corrected first. (Holding a
// publish's callback instead does not stop the reading.)
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ClientCertificate, Refusal } from '@milepost/security';
import type { Client, ConnectPacket } from 'aedes';
import type { Packet } from 'mqtt-packet';
import { ackBytes } from '../ack-bytes.ts';
import type { Acknowledgement, CloseReason, Listener, MqttClient } from '../engine.ts';
import { type Connect5, Mqtt5 } from '../mqtt5.ts';
import type { Rights } from '../rights.ts';

/** The unread acknowledgements of a device before it is closed. */
const MAX_UNREAD_ACK_BYTES = 256 * 1024;

/** 3.1.1's CONNACK. */
const RETURN_CODES: Record<Refusal, number> = { credentials: 4, 'not-authorized': 5, unavailable: 3 };

/** The connection that a stream of MQTT arrived by. */
export interface Arrival {
  readonly socket: Socket | TLSSocket;
  readonly listener: Listener;
}

/** Undefined: it has none, or none that TLS has verified. */
export function certificateOf({ socket }: Arrival): ClientCertificate | undefined {
  const certificate = 'authorized' in socket && socket.authorized ? socket.getPeerX509Certificate() : undefined;
  if (!certificate) return undefined;
  const { subject, subjectAltName, validTo } = certificate;
  return { subject, alternativeNames: subjectAltName, validToMs: Date.parse(validTo) };
}

export class Link implements MqttClient {
  readonly client: Client;
  /** MQTT 5: at the start whether the session is new, later whether it ends with the connection. */
  clean: boolean;
  /** Undefined for 3.1.1. */
  mqtt5: Mqtt5 | undefined;
  readonly listener: Listener;
  id = '';
  session = '';
  isAccepted = false;
  /** Messages of QoS 2 whose PUBREC has arrived and whose PUBREL was not sent yet. */
  readonly releasing = new Set<number>();
  /** CONNACK was sent. */
  isAnswered = false;
  /** What was queued before the connection is being sent, or was. */
  isQueueSent = false;
  rights: Rights | undefined;
  /** When its certificate ends, in ms since 1970. */
  expiresAtMs = Infinity;
  /** Call when the connection has ended. */
  leave: () => void = () => {};
  readonly #socket: Socket;
  /** To the device, past the translation to MQTT 5. */
  readonly #write: Client['conn']['write'];
  readonly #silenceMs: number;
  #bytesHeard = 0;
  #heardAt = performance.now();
  #paused = false;
  #reason: CloseReason | undefined;

  constructor(client: Client, connect: ConnectPacket, { socket, listener }: Arrival) {
    this.client = client;
    this.clean = connect.clean !== false;
    this.#socket = socket;
    this.listener = listener;
    this.#write = client.conn.write.bind(client.conn);
    this.#silenceMs = connect.keepalive ? connect.keepalive * 1500 : Infinity;
  }

  accept(): void {
    this.session = this.client.id;
    this.isAccepted = true;
  }

  get hearsReasons(): boolean {
    return this.mqtt5 !== undefined;
  }

  /** Sends CONNACK with the reason. Resolves when the system has it, or the connection is gone. */
  refuse(reason: Refusal): Promise<void> {
    const bytes = this.mqtt5?.refusal(reason) ?? Buffer.from([0x20, 2, 0, RETURN_CODES[reason]]);
    return new Promise((resolve) => {
      if (this.client.conn.destroyed) resolve();
      else this.#write(bytes, () => resolve());
    });
  }

  acknowledge(acknowledgements: readonly Acknowledgement[]): void {
    const { conn } = this.client;
    if (conn.destroyed) return;
    if (this.mqtt5) this.mqtt5.acknowledge(acknowledgements);
    else conn.write(ackBytes(acknowledgements));
    if (conn.writableLength > MAX_UNREAD_ACK_BYTES) this.close('unread-acks');
  }

  /**
   * From now on aedes's output is translated to MQTT 5. `feed` passes a packet to aedes, as if the device had sent it.
   */
  speak5(connect: Connect5, maxPacketBytes: number, feed: (packet: Packet) => void): Mqtt5 {
    const { conn } = this.client;
    const mqtt5 = new Mqtt5(connect, {
      maxPacketBytes,
      write: (bytes) => void (conn.destroyed || this.#write(bytes)),
      close: (reason) => this.close(reason),
      feed,
    });
    conn.write = (chunk: Buffer | string, encoding?: unknown): boolean => {
      mqtt5.engineWrites(typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : chunk);
      return !conn.writableNeedDrain;
    };
    this.mqtt5 = mqtt5;
    return mqtt5;
  }

  pause(): void {
    this.#paused = true;
    this.#reader.pause();
  }

  /** aedes parses waiting packets synchronously: in a separate turn, not in the middle of the caller's. */
  resume(): void {
    this.#paused = false;
    this.#heardAt = performance.now();
    setImmediate(() => {
      if (this.#paused || this.client.closed) return;
      this.#reader._parsingBatch = 1; // the one that resume() counts down
      this.#reader.resume();
    });
  }

  close(reason: CloseReason): void {
    this.#reason ??= reason;
    if (!this.client.conn.destroyed) this.mqtt5?.closing(reason);
    this.client.conn.destroy();
  }

  /** The connection is about to be ended. */
  endsFor(reason: CloseReason): void {
    this.#reason ??= reason;
  }

  failed(error: NodeJS.ErrnoException): void {
    this.#reason ??= error.code === undefined ? 'protocol-error' : 'lost';
  }

  get reason(): CloseReason {
    return this.#reason ?? (this.#reader._disconnected ? 'by-device' : 'lost');
  }

  get #reader(): ClientReader {
    return this.client as unknown as ClientReader;
  }

  /** Whether anything has arrived since the last check. */
  isHeard(now: number): boolean {
    const bytes = this.#socket.bytesRead;
    if (bytes === this.#bytesHeard && !this.#paused) return false;
    this.#bytesHeard = bytes;
    this.#heardAt = now;
    return true;
  }

  isOverdue(now: number): boolean {
    return now - this.#heardAt > this.#silenceMs;
  }
}

/** Members that aedes's types lack. */
export interface ClientReader {
  pause(): void;
  resume(): void;
  /** Unfinished packets of the last chunk; aedes reads the next one when this reaches 0. */
  _parsingBatch: number;
  /** DISCONNECT has arrived. */
  readonly _disconnected: boolean;
  readonly _parser: EventEmitter & {
    settings: { readonly protocolVersion?: number };
    /** What was wrong with its last packet. */
    readonly error: Error | null;
    parse: (chunk: Buffer) => void;
  };
}
