// The MQTT engine on aedes 1.2: the only file that knows aedes. What it adds, and why:
// - Acknowledgements are ours. `authorizePublish` is where aedes can be held before its PUBACK; there each PUBLISH of a
//   device is told to the intake and goes on as QoS 0, so that aedes acknowledges nothing. QoS 2 ids are therefore never
//   in aedes's store either: it answers every PUBREL with PUBCOMP, and its lookup tells us of the PUBREL.
// - Live subscribers hear telemetry at once and at QoS 0: who wants every position reads the log. Telemetry that nobody
//   subscribes to skips aedes's fan-out. What no route takes is ordinary MQTT among devices, at its own QoS. A subscriber
//   that does not keep up misses QoS 0 messages, and never slows a publisher.
// - Keep-alive is ours: aedes's timer sees only packets that it has parsed, and would end a device that we paused.
// - aedes speaks 3.1.1. Its parser understands MQTT 5 when it is told to; what else that takes is in mqtt5.ts.
// - aedes's pause() stops the reading, but loses count of the packets that it has under way, and its resume() would wait
//   for them for ever: the count is put right first. (Holding a publish's callback instead does not stop the reading.)
import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AddressInUse, type Logger } from '@milepost/core';
import type { Packet } from 'mqtt-packet';
import { Aedes, type Client, type ConnectPacket, type PublishPacket } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { ackBytes } from './ack-bytes.ts';
import type {
  Acknowledgement,
  CloseReason,
  Listener,
  MqttAddresses,
  MqttClient,
  MqttEngine,
  MqttEvents,
  MqttPorts,
} from './engine.ts';
import { Mqtt5, type Connect5, traceOf } from './mqtt5.ts';
import { Mqtt5Sessions } from './mqtt5-sessions.ts';
import { filtersOverlap } from './routes.ts';

/** Packets that a device may send behind its CONNECT, before the answer. */
const MAX_EARLY_PACKETS = 10_000;
/** Acknowledgements that a device leaves unread before it is closed. */
const MAX_UNREAD_ACK_BYTES = 256 * 1024;
/** Bytes that wait for a slow subscriber before it starts to miss messages. */
const MAX_UNSENT_BYTES = 1024 * 1024;
const MAX_RETAINED_TOPICS = 10_000;
/** MQTT topics of which it is known whether they are telemetry; emptied when full. */
const MAX_KNOWN_TOPICS = 50_000;
const MAX_RETAINED_BYTES = 64 * 1024;
const SWEEP_MS = 500;
const MAX_WEBSOCKET_MESSAGE_BYTES = 16 * 1024 * 1024;

export interface AedesEngineOptions {
  /** The topic filters of the routes: what floods in, and mostly has no MQTT subscriber. */
  readonly telemetry: readonly string[];
  readonly logger: Logger;
}

export class AedesEngine implements MqttEngine {
  readonly #options: AedesEngineOptions;
  readonly #links = new Map<Client, Link>();
  readonly #accepted = new WeakSet<Client>();
  readonly #sockets = new WeakMap<Duplex, Socket>();
  readonly #servers: (Server | HttpServer)[] = [];
  readonly #sessions5 = new Mqtt5Sessions(() => performance.now());
  #broker: TelemetryBroker | undefined;
  #events: MqttEvents | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  #sweptAt = 0;

  constructor(options: AedesEngineOptions) {
    this.#options = options;
  }

  async listen({ host, mqttPort, wsPort }: MqttAddresses, events: MqttEvents): Promise<MqttPorts> {
    this.#events = events;
    this.#broker = await this.#startBroker();
    this.#sweptAt = performance.now();
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
    try {
      const mqtt = await this.#open(this.#tcpServer(), host, mqttPort);
      const ws = wsPort === undefined ? undefined : await this.#open(this.#webSocketServer(), host, wsPort);
      return { mqtt, ws };
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve())));
    for (const link of this.#links.values()) link.close('shutdown');
    await new Promise<void>((resolve) => {
      if (this.#broker) this.#broker.close(() => resolve());
      else resolve();
    });
    for (const server of this.#servers) if ('closeAllConnections' in server) server.closeAllConnections();
    await Promise.all(closed);
  }

  async #startBroker(): Promise<TelemetryBroker> {
    const broker = new TelemetryBroker(this.#options.telemetry);
    broker.preConnect = (client, packet, callback) => {
      const link = new Link(client, packet, this.#sockets.get(client.conn));
      this.#links.set(client, link);
      const assignedId = packet.clientId ? undefined : `auto-${randomBytes(8).toString('hex')}`;
      packet.clientId ||= assignedId ?? ''; // shorter than aedes's own: it goes into headers
      packet.keepalive = 0; // aedes then sets no timer: see `#sweep`
      const is5 = (packet.protocolVersion as number) === 5;
      if (is5 && !this.#speak5(link, packet, assignedId)) callback(new Error('an authentication method'), false);
      else callback(null, true);
    };
    broker.authorizePublish = (client, packet, callback) => this.#published(client, packet, callback);
    broker.authorizeForward = (client, packet) => {
      if (!isBehind(client, packet.qos)) return packet;
      this.#events?.missed();
      return null;
    };
    broker.on('client', (client) => {
      const link = this.#links.get(client);
      if (!link) return;
      link.accept();
      this.#accepted.add(client);
      if (link.mqtt5) this.#sessions5.connected(link.id, link);
      this.#events?.connected(link);
      link.clean = link.mqtt5 ? link.mqtt5.sessionExpiryMs === 0 : link.clean;
    });
    broker.on('clientReady', (client) => {
      const link = this.#links.get(client);
      if (link?.mqtt5) client.clean = link.clean; // what a clean start wipes is wiped; from now on it is kept, or not
    });
    broker.on('clientDisconnect', (client) => this.#ended(client));
    broker.on('clientError', (client, error) => this.#links.get(client)?.failed(error));
    broker.on('connectionError', (_, error) => {
      this.#options.logger.debug({ error: error.message }, 'an MQTT connection was turned away');
    });
    const emitter: EventEmitter = broker; // aedes's types do not know its 'error'
    emitter.on('error', (error) => this.#options.logger.error({ error }, 'MQTT engine failed'));
    await broker.listen();
    hearReleases(broker, (client, messageId) => {
      const link = this.#links.get(client);
      if (link) this.#events?.released(link, messageId);
    });
    return broker;
  }

  /** Aedes is told that it is 3.1.1; its parser goes on in MQTT 5. False: refused. */
  #speak5(link: Link, packet: ConnectPacket, assignedId: string | undefined): boolean {
    const { client } = link;
    const connect = { ...packet } as unknown as Connect5;
    const reader = client as unknown as ClientReader;
    const mqtt5 = link.speak5(connect, (said) => void setImmediate(() => reader._parser.emit('packet', said)));
    const isSessionPresent = !packet.clean && this.#sessions5.isPresent(connect.clientId);
    reader._parser.settings = connect;
    packet.protocolVersion = 4;
    packet.clean = !isSessionPresent;
    link.clean = packet.clean;
    reader._parser.prependListener('packet', (heard: Packet) => {
      const reason = mqtt5.heard(heard);
      if (reason === undefined) return;
      link.endsFor(reason);
      (heard as { cmd: string }).cmd = 'refused'; // aedes ends a connection for a packet that it does not know
    });
    return mqtt5.admit({ isSessionPresent, assignedId });
  }

  /** aedes asks here before it acknowledges: the last moment at which the acknowledgement can be made ours. */
  #published(client: Client | null, packet: DevicePublish, callback: Done): void {
    const link = client && this.#links.get(client);
    const { topic, qos, retain, dup, messageId } = packet;
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const trace = traceOf(packet.properties);
    packet.qos = 0;
    packet.deviceQos = qos;
    try {
      const told = { topic, payload, qos, retain, dup, messageId };
      const isNew = link ? this.#events?.published(link, trace ? { ...told, trace } : told) : false;
      packet.isHushed = !isNew;
    } catch (error) {
      this.#options.logger.error({ error, topic }, 'a publish could not be handled; its connection is closed');
      link?.close('failed');
    }
    callback();
  }

  #ended(client: Client): void {
    const link = this.#links.get(client);
    if (!link?.isAccepted) return;
    this.#links.delete(client);
    if (link.mqtt5) {
      link.clean = link.mqtt5.sessionExpiryMs === 0;
      this.#sessions5.disconnected(link.id, link, link.mqtt5.sessionExpiryMs);
    }
    this.#events?.disconnected(link, link.reason);
  }

  /** aedes tells of the end of registered clients only. */
  #streamClosed(client: Client | undefined): void {
    const link = client && this.#links.get(client);
    if (link?.isAccepted) this.#ended(link.client);
    else if (client && !this.#accepted.has(client)) {
      this.#links.delete(client);
      this.#events?.turnedAway();
    }
  }

  /** Ends who has been silent for one and a half keep-alives (MQTT-3.1.2-24), unless we are the ones not listening. */
  #sweep(): void {
    const now = performance.now();
    const onTime = now - this.#sweptAt < 2 * SWEEP_MS; // else the bytes may be there, and we have not looked
    this.#sweptAt = now;
    for (const link of this.#links.values()) {
      if (!link.isHeard(now) && onTime && link.isOverdue(now)) link.close('keepalive');
    }
  }

  #tcpServer(): Server {
    return createServer({ noDelay: true }, (socket) => this.#handle(socket, socket));
  }

  #webSocketServer(): HttpServer {
    const server = createHttpServer((_, response) => {
      response.writeHead(426, { 'content-type': 'text/plain' }).end('MQTT over WebSocket only\n');
    });
    const sockets = new WebSocketServer({
      server,
      maxPayload: MAX_WEBSOCKET_MESSAGE_BYTES,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : protocols.has('mqttv3.1') ? 'mqttv3.1' : false),
    });
    sockets.on('error', () => {}); // the HTTP server reports it too
    sockets.on('connection', (socket, request) => this.#handle(createWebSocketStream(socket), request.socket));
    return server;
  }

  #handle(stream: Duplex, socket: Socket): void {
    this.#sockets.set(stream, socket);
    const client = this.#broker?.handle(stream);
    stream.once('close', () => setImmediate(() => this.#streamClosed(client)));
  }

  async #open(server: Server | HttpServer, host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void =>
        reject(error.code === 'EADDRINUSE' ? new AddressInUse({ host, port }) : error);
      server.once('error', failed);
      server.listen(port, host, () => {
        server.off('error', failed);
        resolve();
      });
    });
    server.on('error', (error) => this.#options.logger.warn({ error: error.message }, 'MQTT listener'));
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }
}

/** One connection. */
class Link implements MqttClient {
  readonly client: Client;
  /** Of MQTT 5: at the start whether it begins anew, later whether its session ends with it. */
  clean: boolean;
  /** Undefined: it speaks 3.1.1. */
  mqtt5: Mqtt5 | undefined;
  readonly listener: Listener;
  id = '';
  isAccepted = false;
  readonly #socket: Socket | undefined;
  readonly #silenceMs: number;
  #bytesHeard = 0;
  #heardAt = performance.now();
  #paused = false;
  #reason: CloseReason | undefined;

  constructor(client: Client, connect: ConnectPacket, socket: Socket | undefined) {
    this.client = client;
    this.clean = connect.clean !== false;
    this.#socket = socket;
    this.listener = socket === client.conn ? 'mqtt' : 'mqttWs';
    this.#silenceMs = connect.keepalive ? connect.keepalive * 1500 : Infinity;
  }

  accept(): void {
    this.id = this.client.id;
    this.isAccepted = true;
  }

  acknowledge(acknowledgements: readonly Acknowledgement[]): void {
    const { conn } = this.client;
    if (conn.destroyed) return;
    if (this.mqtt5) this.mqtt5.acknowledge(acknowledgements);
    else conn.write(ackBytes(acknowledgements));
    if (conn.writableLength > MAX_UNREAD_ACK_BYTES) this.close('unread-acks');
  }

  /** From now on what aedes writes is put into MQTT 5. `feed`: to aedes, as if the device had sent it. */
  speak5(connect: Connect5, feed: (packet: Packet) => void): Mqtt5 {
    const { conn } = this.client;
    const write = conn.write.bind(conn);
    const mqtt5 = new Mqtt5(connect, {
      write: (bytes) => void (conn.destroyed || write(bytes)),
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

  /** aedes parses what waits at once: in a turn of its own, not in the middle of the caller's. */
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

  /** It is about to be ended. */
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

  /** Has anything arrived since the last look? */
  isHeard(now: number): boolean {
    const bytes = this.#socket?.bytesRead ?? 0;
    if (bytes === this.#bytesHeard && !this.#paused) return false;
    this.#bytesHeard = bytes;
    this.#heardAt = now;
    return true;
  }

  isOverdue(now: number): boolean {
    return now - this.#heardAt > this.#silenceMs;
  }
}

/** aedes, spared what telemetry does not need. */
class TelemetryBroker extends Aedes {
  readonly #telemetry: readonly string[];
  /** Filters that somebody has subscribed to and that telemetry could match, with the number of their subscribers. */
  readonly #listeners = new Map<string, number>();
  readonly #retained = new Set<string>();
  readonly #kinds = new Map<string, boolean>();

  constructor(telemetry: readonly string[]) {
    super({ concurrency: 0, queueLimit: MAX_EARLY_PACKETS });
    this.#telemetry = telemetry;
  }

  override publish(packet: DevicePublish, client: Client | Done | null, done: Done = nothing): void {
    const publish = super.publish.bind(this) as unknown as (packet: PublishPacket, client: unknown, done: Done) => void;
    if (packet.deviceQos === undefined) {
      publish(packet, client, done); // aedes's own news
      return;
    }
    if (packet.isHushed) return done();
    const retain = packet.retain && this.#mayRetain(packet);
    const isTelemetry = this.#isTelemetry(packet.topic);
    const hasListeners = isTelemetry ? this.#listeners.size > 0 : !packet.topic.startsWith('$');
    if (retain || hasListeners) {
      const qos = isTelemetry ? 0 : packet.deviceQos;
      publish({ ...packet, qos, retain, dup: false }, client, nothing);
    }
    done(); // a slow subscriber does not slow the publisher
  }

  override subscribe(filter: string, deliver: Deliver, done: () => void): void {
    if (this.#hearsDevices(filter)) this.#listeners.set(filter, (this.#listeners.get(filter) ?? 0) + 1);
    super.subscribe(filter, deliver, done);
  }

  override unsubscribe(filter: string, deliver: Deliver, done: () => void): void {
    const count = this.#listeners.get(filter) ?? 0;
    if (count > 1) this.#listeners.set(filter, count - 1);
    else this.#listeners.delete(filter);
    super.unsubscribe(filter, deliver, done);
  }

  #hearsDevices(filter: string): boolean {
    return this.#telemetry.some((route) => filtersOverlap(route, filter));
  }

  #isTelemetry(topic: string): boolean {
    const known = this.#kinds.get(topic);
    if (known !== undefined) return known;
    const isTelemetry = this.#hearsDevices(topic);
    if (this.#kinds.size >= MAX_KNOWN_TOPICS) this.#kinds.clear();
    this.#kinds.set(topic, isTelemetry);
    return isTelemetry;
  }

  /** Retained messages live in memory: few and small ones. An empty payload clears one. */
  #mayRetain({ payload, topic }: PublishPacket): boolean {
    if (payload.length === 0) {
      this.#retained.delete(topic);
      return true;
    }
    if (payload.length > MAX_RETAINED_BYTES) return false;
    if (!this.#retained.has(topic) && this.#retained.size >= MAX_RETAINED_TOPICS) return false;
    this.#retained.add(topic);
    return true;
  }
}

/** The lookup that aedes does for every PUBREL (and for nothing else, as no QoS 2 message reaches its store). */
function hearReleases(broker: TelemetryBroker, released: (client: Client, messageId: number) => void): void {
  const { persistence } = broker as unknown as { persistence: IncomingPackets };
  persistence.incomingGetPacket = (client, { cmd, messageId }) => {
    if (cmd === 'pubrel' && messageId !== undefined) released(client, messageId);
    return Promise.reject(new Error('not kept here'));
  };
}

/** What aedes's types leave out. */
interface ClientReader {
  pause(): void;
  resume(): void;
  /** Packets of the last chunk that are not done; aedes reads the next one when it comes to 0. */
  _parsingBatch: number;
  /** DISCONNECT has come. */
  readonly _disconnected: boolean;
  readonly _parser: EventEmitter & { settings: object };
}

interface IncomingPackets {
  incomingGetPacket(client: Client, packet: { readonly cmd: string; readonly messageId?: number }): Promise<unknown>;
}
type DevicePublish = PublishPacket & {
  /** As its device sent it, before it was made ours; absent in what aedes publishes by itself. */
  deviceQos?: 0 | 1 | 2;
  /** A repetition: subscribers have heard it. */
  isHushed?: boolean;
};
type Done = (error?: Error) => void;
type Deliver = Parameters<Aedes['subscribe']>[1];
const nothing = (): void => {};

/** aedes waits for a subscriber's socket before its next message; what would pile up meanwhile is not even queued. */
function isBehind({ conn }: Client, qos: number): boolean {
  return qos === 0 && conn.writableLength > MAX_UNSENT_BYTES;
}
