// The MQTT engine on aedes 1.2: only this folder uses aedes. Its additions, and their reasons:
// - Acknowledgements are ours. `authorizePublish` is the place to hold aedes before its PUBACK; there each PUBLISH of a
//   device is passed to the intake and continues as QoS 0, so that aedes acknowledges nothing. QoS 2 ids are therefore
//   never in aedes's store either: it responds to every PUBREL with PUBCOMP, and its lookup notifies us of the PUBREL.
// - aedes speaks 3.1.1. Its parser understands MQTT 5 on request; the rest of MQTT 5 is in mqtt5.ts.
// - Violations of the protocol that aedes accepts are refused here: topics and client ids that are not UTF-8 or contain
//   a NUL, packet id 0, an empty client id that wants a session, packets above the limit, a WebSocket of another site's
//   page.
import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Duplex } from 'node:stream';
import { AddressInUse, type Clock, type Logger, silentMeter } from '@milepost/core';
import { OriginPolicy } from '@milepost/security';
import { generate, type Packet } from 'mqtt-packet';
import type { Client, ConnectPacket } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import {
  type Listener,
  LISTENERS,
  type MqttAddresses,
  type MqttEngine,
  type MqttEvents,
  type MqttPorts,
} from '../engine.ts';
import type { Door } from '../door.ts';
import { Rights } from '../rights.ts';
import { type Connect5, type Mqtt5, traceOf } from '../mqtt5.ts';
import { MemorySessionStore } from '../sessions/memory-session-store.ts';
import type { StoredWill } from '../sessions/session-store.ts';
import { Sessions } from '../sessions/sessions.ts';
import { GoneClient } from './gone-client.ts';
import { type Arrival, certificateOf, type ClientReader, Link } from './link.ts';
import { PacketGuard } from './packet-guard.ts';
import { PublishReader } from './publish-reader.ts';
import { devicePersistence } from './persistence.ts';
import type { WillAuthor } from './session-persistence.ts';
import { type DevicePublish, type Done, TelemetryBroker } from './telemetry-broker.ts';

/** Unsent bytes after which a slow subscriber misses messages. */
const MAX_UNSENT_BYTES = 1024 * 1024;
const SWEEP_MS = 500;
/** A WebSocket message may hold several packets, small ones beside the largest. */
const WEBSOCKET_ROOM_BYTES = 64 * 1024;
/** The largest CONNECT where clients authenticate: of nobody more is buffered before. */
const MAX_CONNECT_BYTES = 64 * 1024;
const UPGRADE_TIMEOUT_MS = 10_000;
const NOT_TEXT = /[\0\uFFFD]/;
/** 3.1.1: identifier rejected. */
const REJECTED_ID = Buffer.from([0x20, 2, 0, 2]);

export interface AedesEngineOptions {
  /** The topic filters of the routes: most of the traffic, usually without an MQTT subscriber. */
  readonly telemetry: readonly string[];
  readonly logger: Logger;
  /** The largest accepted packet. Announced to MQTT 5. */
  readonly maxPacketBytes?: number;
  /** Which pages may connect over WebSocket. By default those of this machine's addresses. */
  readonly origins?: OriginPolicy;
  /** Absent: everybody may connect. */
  readonly door?: Door;
  /** The time for a client with TLS to become a WebSocket. */
  readonly upgradeTimeoutMs?: number;
  /** Absent: sessions end with the process. The engine opens and closes them. */
  readonly sessions?: Sessions;
  /** A server that accepts after the TLS handshake, for the listeners with TLS. */
  readonly secureServer?: (accept: (socket: TLSSocket) => void) => Server;
}

type QueuedAs = Parameters<Sessions['queued']>[1] & { readonly qos: number; readonly messageId?: number };
type Admit = (error: Error | null, isAdmitted: boolean) => void;

/** Ten megabytes that no decoder accepts are still stored as a dead letter, in parts (decision 2). */
export const MAX_PACKET_BYTES = 16_000_000;

export class AedesEngine implements MqttEngine {
  readonly #options: AedesEngineOptions;
  readonly #maxPacketBytes: number;
  readonly #links = new Map<Client, Link>();
  readonly #accepted = new WeakSet<Client>();
  readonly #arrivals = new WeakMap<Duplex, Arrival>();
  readonly #servers: (Server | HttpServer)[] = [];
  /** All TCP connections, also those that have not sent anything. */
  readonly #sockets = new Set<Socket>();
  readonly #upgraded = new WeakSet<Socket>();
  readonly #sessions: Sessions;
  #broker: TelemetryBroker | undefined;
  #events: MqttEvents | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  #sweptAt = 0;

  constructor(options: AedesEngineOptions) {
    this.#options = options;
    this.#maxPacketBytes = options.maxPacketBytes ?? MAX_PACKET_BYTES;
    this.#sessions = options.sessions ?? sessionsInMemory(options.logger);
  }

  async listen({ host, ports }: MqttAddresses, events: MqttEvents): Promise<MqttPorts> {
    this.#events = events;
    this.#broker = await this.#startBroker();
    await this.#sessions.open({ lost: (id) => this.#sessionLost(id), orphaned: (will) => this.#publishWill(will) });
    this.#sweptAt = performance.now();
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
    try {
      const opened: { -readonly [Name in Listener]?: number } = {};
      for (const listener of LISTENERS) {
        const port = ports[listener];
        if (port !== undefined) opened[listener] = await this.#open(this.#serverOf(listener), host, port);
      }
      return opened;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** `telemetry`: as in the options. */
  reroute(telemetry: readonly string[]): void {
    this.#broker?.reroute(telemetry);
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping);
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => void server.close(() => resolve())));
    for (const link of this.#links.values()) link.close('shutdown');
    await new Promise<void>((resolve) => {
      if (this.#broker) this.#broker.close(() => resolve());
      else resolve();
    });
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
    await this.#sessions.close();
  }

  async #startBroker(): Promise<TelemetryBroker> {
    const persistence = devicePersistence(this.#sessions, {
      authorOf: (client) => this.#authorOf(client as Client),
      released: (client, messageId) => {
        const link = this.#links.get(client);
        if (link) this.#events?.released(link, messageId);
      },
      isAccepted: (client, filter) => this.#isAccepted(client, filter),
      resending: (client) => {
        const link = this.#links.get(client);
        if (link) link.isQueueSent = true;
      },
      release: (client, messageId) => release(client, messageId),
    });
    const broker = new TelemetryBroker(this.#options.telemetry, this.#sessions.retained, persistence);
    broker.preConnect = (client, packet, callback) => this.#connects(client, packet, callback);
    broker.authorizePublish = (client, packet, callback) => this.#published(client, packet, callback);
    broker.authorizeSubscribe = (client, subscription, callback) => {
      if (this.#isAccepted(client, subscription.topic)) return callback(null, subscription);
      this.#events?.subscriptionRefused();
      callback(null, null);
    };
    broker.authorizeForward = (client, packet) => {
      if (!this.#maySubscribe(client, packet.topic) || this.#isFromQueue(client, packet)) return null;
      if (!isBehind(client, packet.qos)) return packet;
      this.#events?.missed();
      return null;
    };
    broker.on('client', (client) => {
      const link = this.#links.get(client);
      if (!link) return;
      link.accept();
      this.#accepted.add(client);
      this.#events?.connected(link);
      link.clean = link.mqtt5 ? link.mqtt5.sessionExpiryMs === 0 : link.clean;
      if (link.clean && !this.#sessions.isPresent(link.session)) return;
      this.#sessions.begin(link.session, link, link.mqtt5 && { expiryMs: link.mqtt5.sessionExpiryMs, isStored: true });
    });
    broker.on('connackSent', (_, client) => {
      const link = this.#links.get(client);
      if (!link) return;
      link.isAnswered = true;
      if (link.mqtt5) client.clean = link.clean; // a clean start has wiped the session; from now on it is retained, or not
    });
    broker.on('clientDisconnect', (client) => this.#ended(client));
    broker.on('clientError', (client, error) => this.#links.get(client)?.failed(error));
    broker.on('connectionError', (_, error) => {
      this.#options.logger.debug({ error: error.message }, 'an MQTT connection was turned away');
    });
    const emitter: EventEmitter = broker; // 'error' is missing in aedes's types
    emitter.on('error', (error) => this.#options.logger.error({ error }, 'MQTT engine failed'));
    await broker.listen();
    return broker;
  }

  /** CONNECT. Nothing more of the connection is handled before `callback`. */
  #connects(client: Client, packet: ConnectPacket, callback: Admit): void {
    const arrival = this.#arrivals.get(client.conn);
    if (!arrival) throw new Error('a connection of no listener');
    const link = new Link(client, packet, arrival);
    this.#links.set(client, link);
    const is5 = (packet.protocolVersion as number) === 5;
    const problem = problemOf(packet, is5);
    if (problem !== undefined) {
      if (!is5) client.conn.write(REJECTED_ID);
      callback(new Error(problem), false);
      return;
    }
    const assignedId = packet.clientId ? undefined : `auto-${randomBytes(8).toString('hex')}`;
    packet.clientId ||= assignedId ?? ''; // shorter than aedes's own, because it is put into headers
    link.id = packet.clientId;
    packet.keepalive = 0; // aedes then sets no timer: see `#sweep`
    if (is5) this.#speak5(link, packet);
    const { door } = this.#options;
    if (door) void this.#passes(door, link, packet, assignedId, callback);
    else this.#begins(link, packet, assignedId, callback);
  }

  /** Lets the connection through the door, or refuses it. */
  async #passes(
    door: Door,
    link: Link,
    packet: ConnectPacket,
    assignedId: string | undefined,
    callback: Admit,
  ): Promise<void> {
    const { client } = link;
    (client as unknown as ClientReader).pause(); // aedes reads again after CONNACK
    const arrival = this.#arrivals.get(client.conn);
    const { username, password } = packet;
    const admission = await door.admit(
      {
        username,
        password: typeof password === 'string' ? Buffer.from(password) : password,
        certificate: arrival && certificateOf(arrival),
        host: arrival?.socket.remoteAddress ?? '',
      },
      () => link.close('access-changed'),
    );
    if (admission.kind === 'refused') {
      await link.refuse(admission.reason);
      if (!client.closed) callback(new Error(admission.reason), false);
      return;
    }
    if (client.closed) return admission.leave();
    link.leave = () => admission.leave();
    link.rights = admission.rights;
    link.expiresAtMs = admission.expiresAtMs ?? Infinity;
    packet.clientId = `${admission.rights.id}/${link.id}`; // sessions of one user are of no other
    this.#begins(link, packet, assignedId, callback);
  }

  #begins(link: Link, packet: ConnectPacket, assignedId: string | undefined, callback: Admit): void {
    if (packet.clean || !this.#sessions.isShared) return this.#admits(link, packet, assignedId, callback);
    void this.#acquires(link, packet, assignedId, callback);
  }

  /** Another gateway may hold the session. */
  async #acquires(link: Link, packet: ConnectPacket, assignedId: string | undefined, callback: Admit): Promise<void> {
    const { client } = link;
    (client as unknown as ClientReader).pause(); // aedes reads again after CONNACK
    const isKnown = await this.#sessions.acquire(packet.clientId);
    if (client.closed) return;
    if (isKnown) return this.#admits(link, packet, assignedId, callback);
    await link.refuse('unavailable');
    if (!client.closed) callback(new Error('the database of sessions is away'), false);
  }

  #admits(link: Link, packet: ConnectPacket, assignedId: string | undefined, callback: Admit): void {
    if (link.mqtt5 && !this.#begins5(link, link.mqtt5, packet, assignedId))
      callback(new Error('an authentication method'), false);
    else callback(null, true);
  }

  #authorOf(client: Client): WillAuthor {
    const link = this.#links.get(client);
    const { rights } = link ?? {};
    return { clientId: link?.id ?? client.id, rights: rights && { id: rights.id, publish: rights.publish } };
  }

  #publishWill({ session, clientId, rights, topic, payload, qos, retain }: StoredWill): void {
    const client = new GoneClient(session, clientId, rights && new Rights({ ...rights, subscribe: [] }, () => []));
    const deviceQos = qos as 0 | 1 | 2;
    const will = { topic, payload, qos: deviceQos, retain, dup: false, messageId: undefined };
    const isHushed = this.#events?.lastWill(client, will) !== true;
    const packet: DevicePublish = { cmd: 'publish', topic, payload, qos: 0, retain, dup: false, deviceQos, isHushed };
    this.#broker?.publish(packet, null);
  }

  /** The queue was sent, or will be: a message in it is not forwarded as a new one too. */
  #isFromQueue(client: Client, packet: QueuedAs): boolean {
    if (client.clean || packet.qos === 0 || packet.messageId !== undefined) return false;
    const queued = this.#sessions.queued(client.id, packet);
    return queued !== undefined && (queued.isResent === true || !this.#links.get(client)?.isQueueSent);
  }

  #sessionLost(id: string): void {
    for (const link of this.#links.values()) if (link.session === id && !link.clean) link.close('taken-over');
  }

  #isAccepted(client: Client, filter: string): boolean {
    if (NOT_TEXT.test(filter) || !this.#maySubscribe(client, filter)) return false;
    return client.clean || this.#sessions.hasRoom(client.id, filter);
  }

  #maySubscribe(client: Client, filter: string): boolean {
    if (!this.#options.door) return true;
    return this.#links.get(client)?.rights?.maySubscribe(filter) ?? false;
  }

  /** aedes sees 3.1.1; its parser continues in MQTT 5. */
  #speak5(link: Link, packet: ConnectPacket): void {
    const { client } = link;
    const connect = { ...packet } as unknown as Connect5;
    const reader = client as unknown as ClientReader;
    const mqtt5 = link.speak5(
      connect,
      this.#maxPacketBytes,
      (said) => void setImmediate(() => reader._parser.emit('packet', said)),
    );
    reader._parser.settings = connect;
    packet.protocolVersion = 4;
    reader._parser.prependListener('packet', (heard: Packet) => {
      const reason = mqtt5.heard(heard);
      if (reason === undefined) return;
      link.endsFor(reason);
      (heard as { cmd: string }).cmd = 'refused'; // aedes ends a connection for an unknown packet
    });
  }

  /** False: refused. */
  #begins5(link: Link, mqtt5: Mqtt5, packet: ConnectPacket, assignedId: string | undefined): boolean {
    const isSessionPresent = !packet.clean && this.#sessions.isPresent(packet.clientId);
    packet.clean = !isSessionPresent;
    link.clean = packet.clean;
    const { sessionExpiryMs: maxSessionExpiryMs } = this.#sessions.limits;
    return mqtt5.admit({ isSessionPresent, assignedId, maxSessionExpiryMs });
  }

  /** aedes calls this before it acknowledges: the last moment to take the acknowledgement from it. */
  #published(client: Client | null, packet: DevicePublish, callback: Done): void {
    const link = client && this.#links.get(client);
    const { topic, qos, retain, dup, messageId } = packet;
    const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
    const trace = traceOf(packet.properties);
    packet.qos = 0;
    packet.deviceQos = qos;
    const isWill = messageId === undefined;
    if (NOT_TEXT.test(topic) || (qos > 0 && !isWill && messageId === 0)) {
      packet.isHushed = true;
      this.#options.logger.debug({ topic, messageId }, 'a publish that MQTT forbids: its connection is closed');
      link?.close('protocol-error');
      callback();
      return;
    }
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
    link.leave();
    if (link.mqtt5) link.clean = link.mqtt5.sessionExpiryMs === 0;
    this.#sessions.leave(link.session, link, link.mqtt5?.sessionExpiryMs);
    this.#events?.disconnected(link, link.reason);
  }

  /** aedes only reports the end of registered clients. */
  #streamClosed(client: Client | undefined): void {
    const link = client && this.#links.get(client);
    if (link?.isAccepted) this.#ended(link.client);
    else if (client && !this.#accepted.has(client)) {
      link?.leave();
      this.#links.delete(client);
      this.#events?.turnedAway();
    }
  }

  /**
   * Closes connections that were silent for one and a half keep-alives (MQTT-3.1.2-24), except those that we have
   * paused; and those whose certificate or token has ended.
   */
  #sweep(): void {
    const now = performance.now();
    const onTime = now - this.#sweptAt < 2 * SWEEP_MS; // otherwise bytes may have arrived that were not read yet
    this.#sweptAt = now;
    const wallClock = Date.now();
    for (const link of this.#links.values()) {
      if (!link.isHeard(now) && onTime && link.isAccepted && link.isOverdue(now)) link.close('keepalive');
      if (link.expiresAtMs <= wallClock) link.close('credentials-expired');
    }
  }

  #serverOf(listener: Listener): Server | HttpServer {
    switch (listener) {
      case 'mqtt':
        return createServer({ noDelay: true }, (socket) => void this.#handle(socket, { socket, listener }));
      case 'mqttWs':
        return this.#webSocketServer(listener);
      case 'mqtts':
        return this.#secureServer((socket) => void this.#handle(socket, { socket, listener }));
      case 'mqttWss': {
        const upgrader = this.#webSocketServer(listener);
        return this.#secureServer((socket) => {
          this.#limitUpgrade(socket);
          upgrader.emit('connection', socket);
        });
      }
    }
  }

  #secureServer(accept: (socket: TLSSocket) => void): Server {
    const { secureServer } = this.#options;
    if (!secureServer) throw new Error('a listener with TLS, and no key and certificate');
    return secureServer(accept);
  }

  #webSocketServer(listener: Listener): HttpServer {
    const server = createHttpServer((_, response) => {
      response.writeHead(426, { 'content-type': 'text/plain' }).end('MQTT over WebSocket only\n');
    });
    const sockets = new WebSocketServer({
      server,
      maxPayload: this.#maxPacketBytes + WEBSOCKET_ROOM_BYTES,
      verifyClient: ({ req }: { req: IncomingMessage }, admit: (ok: boolean, code: number) => void) =>
        admit(this.#isAllowed(req), 403),
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : protocols.has('mqttv3.1') ? 'mqttv3.1' : false),
    });
    sockets.on('error', () => {}); // the HTTP server reports it too
    sockets.on('connection', (socket, request) => {
      this.#upgraded.add(request.socket);
      const client = this.#handle(createWebSocketStream(socket), { socket: request.socket, listener });
      if (client && this.#options.door) this.#limitBeforeAdmission(client, request.socket);
    });
    return server;
  }

  /** In all, however slowly the client sends: Node's limits are those of servers that listen themselves. */
  #limitUpgrade(socket: Socket): void {
    const limit = setTimeout(() => {
      if (!this.#upgraded.has(socket)) socket.destroy();
    }, this.#options.upgradeTimeoutMs ?? UPGRADE_TIMEOUT_MS);
    socket.once('close', () => clearTimeout(limit));
  }

  /** `ws` buffers a whole message before anything of it can be read as MQTT, and a client may not even have sent CONNECT. */
  #limitBeforeAdmission(client: Client, socket: Socket): void {
    let bytes = 0;
    const count = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (this.#accepted.has(client)) socket.off('data', count);
      else if (bytes > MAX_CONNECT_BYTES + WEBSOCKET_ROOM_BYTES) socket.destroy();
    };
    socket.on('data', count);
  }

  /** Any page that is open in a browser could try to connect. */
  #isAllowed({ headers: { host, origin } }: IncomingMessage): boolean {
    const policy = this.#options.origins ?? new OriginPolicy({ names: [], allowed: [] });
    const refusal = policy.refusalOf({ host, origin }, 'same-host');
    if (refusal !== undefined) this.#options.logger.warn({}, `MQTT over WebSocket was refused: ${refusal}`);
    return refusal === undefined;
  }

  #handle(stream: Duplex, arrival: Arrival): Client | undefined {
    this.#arrivals.set(stream, arrival);
    const client = this.#broker?.handle(stream);
    if (client) this.#limitPackets(client);
    stream.once('close', () => setImmediate(() => this.#streamClosed(client)));
    return client;
  }

  /** From its first byte on: a packet that announces too much ends the connection before its bytes are buffered. */
  #limitPackets(client: Client): void {
    const parser = (client as unknown as ClientReader)._parser;
    const reader = new PublishReader(parser);
    const connectBytes = this.#options.door ? Math.min(MAX_CONNECT_BYTES, this.#maxPacketBytes) : this.#maxPacketBytes;
    const guard = new PacketGuard(this.#maxPacketBytes, connectBytes);
    this.#interceptReceipts(client, parser);
    parser.parse = (chunk) => {
      const { unfinishedBytes } = guard;
      if (guard.admits(chunk)) return reader.parse(chunk, unfinishedBytes);
      const link = this.#links.get(client);
      if (link) link.close('packet-too-large');
      else client.conn.destroy();
    };
  }

  /**
   * PUBREC of a persistent session is handled here: PUBREL waits until the store knows of it, and the packets behind it
   * do not.
   */
  #interceptReceipts(client: Client, parser: ClientReader['_parser']): void {
    const [enqueue] = parser.listeners('packet');
    parser.removeAllListeners('packet');
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'pubrec' && this.#isReceipt(client, packet)) return;
      enqueue?.call(parser, packet);
    });
  }

  #isReceipt(client: Client, { messageId = 0 }: Packet): boolean {
    const link = this.#links.get(client);
    if (client.clean || !link?.isAnswered) return false;
    if (link.releasing.has(messageId)) return true; // PUBREL is waiting already
    link.releasing.add(messageId);
    void this.#sessions.received(client.id, messageId).then(() => {
      link.releasing.delete(messageId);
      release(client, messageId);
    });
    return true;
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
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('error', (error) => this.#options.logger.warn({ error: error.message }, 'MQTT listener'));
    this.#servers.push(server);
    return (server.address() as AddressInfo).port;
  }
}

/**
 * aedes waits for a subscriber's socket before its next message; messages that would pile up meanwhile are not even
 * queued.
 */
function isBehind({ conn }: Client, qos: number): boolean {
  return qos === 0 && conn.writableLength > MAX_UNSENT_BYTES;
}

function release(client: Client, messageId: number): void {
  if (!client.closed && !client.conn.destroyed) client.conn.write(generate({ cmd: 'pubrel', messageId }));
}

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

const sessionsInMemory = (logger: Logger): Sessions =>
  new Sessions({ clock: systemClock, logger, meter: silentMeter, store: new MemorySessionStore() });

/** The field names are the parser's; invalid UTF-8 has become U+FFFD (MQTT-1.5.3-1, -2; MQTT-3.1.3-8). */
function problemOf({ clientId, clean }: ConnectPacket, is5: boolean): string | undefined {
  if (NOT_TEXT.test(clientId)) return 'a client id that is no UTF-8 or holds a NUL';
  return clientId === '' && !clean && !is5 ? 'an empty client id that wants a session' : undefined;
}
