// /api/live: a viewer gets everything once, then changes, at most four times a second. A viewer that reads slowly is
// sent nothing until it has caught up, and then the current state: states are skipped, never queued.
import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Alert } from '@milepost/alerts';
import type { LiveMessage, LiveTruck, LiveTrucks, TruckRow } from '@milepost/live';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Admission, Caller } from '../../chassis/src/index.ts';
import type { TopicAlerts } from './alerts-source.ts';

export const livePath = '/api/live';
/** The interval between two updates. */
export const updateEveryMs = 250;
/** A viewer with more unread bytes is skipped until it has read. */
export const unreadLimitBytes = 512 * 1024;
/** The limit of open pages. */
export const viewersLimit = 500;
/** A viewer that misses two pings in a row is disconnected. */
const pingEveryMs = 20_000;
/** A viewer whose session is over is disconnected. */
const checkEveryMs = 5_000;
const POLICY_VIOLATION = 1008;
/** Viewers send nothing. */
const incomingLimitBytes = 1_024;

/** Any page that is open in a browser could try to connect, and a user may be removed meanwhile. */
export interface LiveGuard {
  admit(request: IncomingMessage): Promise<Admission>;
  gone(callers: readonly Caller[]): Promise<readonly Caller[]>;
}

interface Viewer {
  readonly socket: WebSocket;
  readonly caller: Caller | undefined;
  sentVersion: number;
  sentAlerts: number;
  isAlive: boolean;
}

export class LiveSocket {
  readonly #trucks: LiveTrucks;
  readonly #alerts: TopicAlerts;
  readonly #now: () => number;
  readonly #guard: LiveGuard;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: incomingLimitBytes, perMessageDeflate: false });
  readonly #viewers = new Set<Viewer>();
  readonly #timers: NodeJS.Timeout[];

  constructor(trucks: LiveTrucks, alerts: TopicAlerts, now: () => number, guard: LiveGuard) {
    this.#guard = guard;
    this.#trucks = trucks;
    this.#alerts = alerts;
    this.#now = now;
    this.#timers = [
      setInterval(() => this.#update(), updateEveryMs).unref(),
      setInterval(() => this.#ping(), pingEveryMs).unref(),
      setInterval(() => void this.#dropGone(), checkEveryMs).unref(),
    ];
  }

  attach(http: HttpServer): void {
    http.on('upgrade', (request, socket, head) => void this.#upgrade(request, socket, head));
  }

  get viewers(): number {
    return this.#viewers.size;
  }

  close(): void {
    this.#timers.forEach((timer) => clearInterval(timer));
    for (const { socket } of this.#viewers) socket.close(1001, 'the server is stopping');
    this.#server.close();
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy()); // Node no longer watches it, and the client may be gone already
    if (request.url?.split('?')[0] !== livePath) return refuse(socket, '404 Not Found');
    const admission = await this.#guard.admit(request);
    if (admission.refusal) return refuse(socket, `${admission.refusal.status} Refused`);
    if (this.#viewers.size >= viewersLimit) return refuse(socket, '503 Service Unavailable');
    this.#server.handleUpgrade(request, socket, head, (accepted) => this.#admit(accepted, admission.caller));
  }

  #admit(socket: WebSocket, caller: Caller | undefined): void {
    const sent = { sentVersion: this.#trucks.version, sentAlerts: this.#alerts.taken };
    const viewer: Viewer = { socket, caller, isAlive: true, ...sent };
    this.#viewers.add(viewer);
    socket.on('pong', () => (viewer.isAlive = true));
    socket.on('close', () => this.#viewers.delete(viewer));
    socket.on('error', () => socket.terminate());
    const trucks = [...this.#trucks.all()].map(rowOf);
    socket.send(this.#message('all', trucks, this.#alerts.recent()));
  }

  /** Viewers with the same state get the same text, built once. */
  #update(): void {
    const { version } = this.#trucks;
    const { taken } = this.#alerts;
    const texts = new Map<string, string>();
    for (const viewer of this.#viewers) {
      if (viewer.socket.bufferedAmount > unreadLimitBytes) continue;
      if (viewer.sentVersion === version && viewer.sentAlerts === taken) continue;
      const seen = `${viewer.sentVersion} ${viewer.sentAlerts}`;
      const text = texts.get(seen) ?? this.#changesSince(viewer);
      texts.set(seen, text);
      viewer.socket.send(text);
      viewer.sentVersion = version;
      viewer.sentAlerts = taken;
    }
  }

  #changesSince({ sentVersion, sentAlerts }: Viewer): string {
    return this.#message('changes', this.#trucks.changedSince(sentVersion).map(rowOf), this.#alerts.since(sentAlerts));
  }

  #message(type: LiveMessage['type'], trucks: readonly TruckRow[], alerts: readonly Alert[]): string {
    return JSON.stringify({ type, now: this.#now(), trucks, alerts } satisfies LiveMessage);
  }

  /** A database that is away throws nobody out. */
  async #dropGone(): Promise<void> {
    const callers = [...this.#viewers].flatMap(({ caller }) => caller ?? []);
    const gone = new Set(await this.#guard.gone(callers).catch(() => []));
    for (const { caller, socket } of this.#viewers)
      if (caller && gone.has(caller)) socket.close(POLICY_VIOLATION, 'signed out');
  }

  #ping(): void {
    for (const viewer of this.#viewers) {
      if (!viewer.isAlive) viewer.socket.terminate();
      viewer.isAlive = false;
      viewer.socket.ping();
    }
  }
}

function rowOf({ truckId, position, timeMs, heardAtMs, speedKmh, headingDeg, isClockWrong }: LiveTruck): TruckRow {
  return {
    id: truckId,
    lat: position.lat,
    lon: position.lon,
    at: timeMs,
    heard: heardAtMs,
    ...(speedKmh === undefined ? {} : { kmh: Math.round(speedKmh * 10) / 10 }),
    ...(headingDeg === undefined ? {} : { deg: Math.round(headingDeg) }),
    ...(isClockWrong ? { clockWrong: true } : {}),
  };
}

/** A client that never closes its side would keep its socket: Node's time limits end with an upgrade. */
function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
