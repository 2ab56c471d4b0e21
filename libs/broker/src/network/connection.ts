// One client's connection: bytes in, frames, responses out.
//
// Promises: responses leave in the order of the requests. Requests are dispatched one at a time, as in Kafka, so that
// each sees the effects of the one before it; only those that the dispatcher allows to overlap (Produce after Produce)
// are pending together. A client that sends faster than it is served, or does not read its responses, is no longer read
// from: TCP pushes back. A frame that is not a request closes this connection and disturbs no other.
// Never holds more than the limits below and those that all connections share (`memory-budget.ts`).
import type { Cancel, Clock, Connection, ConnectionListener, Logger } from '@milepost/core';
import { MalformedMessage } from '@milepost/core';
import type { Principal } from '@milepost/security';
import { FrameAssembler, type FrameMemory } from '@milepost/wire';
import { MemoryBudget } from './memory-budget.ts';
import { ClientSession } from '../security/client-session.ts';
import type { Sasl } from '../security/sasl.ts';

const MOST_REQUESTS_UNDER_WAY = 256;
const MOST_ANSWER_BYTES_HELD = 64 * 1024 * 1024;
/** Where clients authenticate, one that has not done so by then is disconnected. */
const LOGIN_TIMEOUT_MS = 60_000;

/** The result of a request: bytes to send, nothing (acks=0), or the end of the connection. */
export type Answer = Reply | 'none' | 'close';

export interface Reply {
  readonly chunks: readonly Uint8Array[];
  /** Called once, when the system has taken the chunks or they cannot be sent: until then they must not change. */
  readonly taken?: () => void;
  /** The connection is closed after this response. */
  readonly isLast?: true;
}

export interface Peer {
  /** As Kafka prints it in group descriptions: `/192.0.2.1`. */
  readonly host: string;
  readonly port: number;
  /** Counts this broker's connections: one that was opened later has a larger number. */
  readonly number: number;
  /** The client's own name and version (KIP-511). */
  software: { readonly name: string; readonly version: string };
  /** Who the client is. */
  readonly session: ClientSession;
  /** The name of the listener that it came by. */
  readonly listener: string;
  /** After the pending responses are sent, stop reading for this long (KIP-219). */
  mute(throttleMs: number): void;
  /** Starts no other request until the returned function is called: the current one needs its order preserved. */
  hold(): () => void;
  /** Calls `run` once when the connection closes; the returned function cancels that. */
  onGone(run: () => void): () => void;
}

export interface Dispatch {
  /** Whether it may start while earlier ones that may overlap are pending. */
  mayOverlap(frame: Buffer): boolean;
  /** Whether the frame's bytes are read only during the dispatch, even if the response comes later. */
  isReadAtOnce(frame: Buffer): boolean;
  /** @throws MalformedMessage */
  dispatch(frame: Buffer, peer: Peer): Answer | Promise<Answer>;
}

export interface ConnectionDeps {
  readonly dispatch: Dispatch;
  readonly logger: Logger;
  readonly clock: Clock;
  /** socket.request.max.bytes */
  readonly requestMaxBytes: number;
  readonly memory: MemoryBudget;
  readonly buffers?: FrameMemory;
  readonly number?: number;
  /** Absent: clients do not log in. */
  readonly sasl?: Sasl | undefined;
  /** Who the client is without a login. */
  readonly principal?: Principal | undefined;
  readonly listener: string;
}

interface Slot {
  readonly requestBytes: number;
  answer: Answer | undefined;
}

export class ClientConnection implements ConnectionListener, Peer {
  readonly host: string;
  readonly port: number;
  readonly number: number;
  software = { name: '', version: '' };
  readonly session: ClientSession;
  readonly listener: string;
  readonly #requestMaxBytes: number;
  readonly #connection: Connection;
  readonly #dispatch: Dispatch;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #memory: MemoryBudget;
  readonly #frames: FrameAssembler;
  /** Whole frames that arrived with the bytes of one that must be finished first. */
  readonly #queued: Buffer[] = [];
  /** In request order: the first is sent next. */
  readonly #slots: Slot[] = [];
  readonly #goneListeners = new Set<() => void>();
  /** The number of slots without a response. */
  #underWay = 0;
  /** One pending request allows no other beside it. */
  #exclusive = false;
  /** Calls of `hold` that have not been released. */
  #holds = 0;
  /** Bytes of responses that the system has not taken. */
  #heldBytes = 0;
  /** Bytes of the large request that is arriving, once it was admitted. */
  #admittedBytes = 0;
  #writable = true;
  #paused = true;
  #lastActive: number;
  /** On the monotonic clock; 0: not muted. */
  #mutedUntil = 0;
  #unmute: Cancel = () => {};
  #leaving = false;
  #gone = false;
  #goOnScheduled = false;
  #whenIdle: (() => void) | undefined;

  /** Nothing is read before `begin`. */
  constructor(connection: Connection, deps: ConnectionDeps) {
    const { dispatch, logger, clock, requestMaxBytes, memory, buffers, sasl, principal, listener, number = 0 } = deps;
    this.#connection = connection;
    this.number = number;
    this.#dispatch = dispatch;
    this.#logger = logger;
    this.#clock = clock;
    this.#memory = memory;
    this.host = `/${connection.remote.host}`;
    this.port = connection.remote.port;
    this.session = new ClientSession(sasl, this.host, principal);
    this.listener = listener;
    this.#requestMaxBytes = requestMaxBytes;
    this.#frames = new FrameAssembler(requestMaxBytes, buffers);
    this.#lastActive = clock.monotonic();
    connection.pause();
  }

  begin(): void {
    this.#paused = false;
    this.#connection.resume();
    if (!this.session.hasLoggedIn) this.#limitLogin();
  }

  /** How long the client has neither sent nor taken anything while no request of it was pending. */
  get idleMs(): number {
    return this.#slots.length > 0 || this.#mutedUntil > 0 ? 0 : this.#clock.monotonic() - this.#lastActive;
  }

  onGone(run: () => void): () => void {
    this.#goneListeners.add(run);
    return () => this.#goneListeners.delete(run);
  }

  bytes(chunk: Buffer): void {
    if (this.#leaving) return;
    this.#lastActive = this.#clock.monotonic();
    this.#limitFrames();
    try {
      for (const frame of this.#frames.lent(chunk)) {
        this.#disclaim();
        this.#memory.requests(frame.length);
        if (this.#queued.length > 0 || !this.#mayStart(frame)) this.#queued.push(this.#frames.keep(frame));
        else this.#start(this.#dispatch.isReadAtOnce(frame) ? frame : this.#frames.keep(frame));
        if (this.#leaving) break;
      }
    } catch (failure) {
      this.#giveUp(failure, this.#newSlot(0));
    }
    this.#goOn();
  }

  drained(): void {
    this.#writable = true;
    this.#goOn();
  }

  closed(): void {
    this.#gone = true;
    this.#unmute();
    this.#leave();
    this.#memory.answers(-this.#heldBytes);
    this.#heldBytes = 0;
    for (const run of this.#goneListeners) run();
    this.#goneListeners.clear();
    this.#whenIdle?.();
  }

  mute(throttleMs: number): void {
    const until = this.#clock.monotonic() + throttleMs;
    if (throttleMs <= 0 || until <= this.#mutedUntil) return;
    this.#mutedUntil = until;
    this.#unmute();
    this.#unmute = this.#clock.after(throttleMs, () => {
      this.#mutedUntil = 0;
      this.#goOn();
    });
  }

  hold(): () => void {
    this.#holds++;
    return () => {
      this.#holds--;
      this.#scheduleGoOn();
    };
  }

  /** Accepts no more requests, sends the pending responses, then closes. */
  finish(): Promise<void> {
    this.#leave();
    return new Promise((resolve) => {
      this.#whenIdle = () => {
        this.#connection.close();
        resolve();
      };
      if (this.#slots.length === 0) this.#whenIdle();
    });
  }

  /** Closes immediately, with pending responses. */
  abort(): void {
    if (!this.#gone) this.#connection.close('abort');
  }

  /** Kafka has no such limit: a client that sends a byte now and then would never be idle. */
  #limitLogin(): void {
    const cancel = this.#clock.after(LOGIN_TIMEOUT_MS, () => {
      if (this.session.hasLoggedIn) return;
      this.#logger.info({ client: this.host }, `connection closed: no login within ${LOGIN_TIMEOUT_MS} ms`);
      this.abort();
    });
    this.onGone(cancel);
  }

  #mayStart(frame: Buffer): boolean {
    if (this.#holds > 0 || this.#mutedUntil > 0 || !this.#writable) return false;
    if (this.#slots.length >= MOST_REQUESTS_UNDER_WAY) return false;
    if (this.#heldBytes >= MOST_ANSWER_BYTES_HELD) return false;
    return this.#underWay === 0 || (!this.#exclusive && this.#dispatch.mayOverlap(frame));
  }

  #start(frame: Buffer): void {
    const slot = this.#newSlot(frame.length);
    this.#exclusive = !this.#dispatch.mayOverlap(frame);
    try {
      const answer = this.#dispatch.dispatch(frame, this);
      if (answer instanceof Promise) this.#settleLater(slot, answer);
      else this.#settle(slot, answer);
    } catch (failure) {
      this.#giveUp(failure, slot);
    }
  }

  #newSlot(requestBytes: number): Slot {
    const slot: Slot = { requestBytes, answer: undefined };
    this.#slots.push(slot);
    this.#underWay++;
    return slot;
  }

  #settle(slot: Slot, answer: Answer): void {
    slot.answer = answer;
    this.#underWay--;
    this.#memory.requests(-slot.requestBytes);
    if (answer === 'close' || (typeof answer === 'object' && answer.isLast)) this.#leave();
    if (typeof answer !== 'string') this.#hold(sizeOf(answer));
  }

  #settleLater(slot: Slot, answer: Promise<Answer>): void {
    answer.then(
      (later) => {
        this.#settle(slot, later);
        this.#scheduleGoOn();
      },
      (failure: unknown) => {
        this.#giveUp(failure, slot);
        this.#scheduleGoOn();
      },
    );
  }

  /** Responses that become due in the same turn leave in one write. */
  #scheduleGoOn(): void {
    if (this.#goOnScheduled) return;
    this.#goOnScheduled = true;
    queueMicrotask(() => {
      this.#goOnScheduled = false;
      this.#goOn();
    });
  }

  #goOn(): void {
    this.#flush();
    while (this.#queued[0] && this.#mayStart(this.#queued[0])) {
      this.#start(this.#queued.shift() as Buffer);
      this.#flush();
    }
    this.#regulate();
  }

  #flush(): void {
    const due: Reply[] = [];
    let close = false;
    while (!close && this.#slots[0]?.answer !== undefined) {
      const { answer } = this.#slots.shift() as Slot;
      if (typeof answer === 'object') due.push(answer);
      close = answer === 'close' || (typeof answer === 'object' && answer.isLast === true);
    }
    if (due.length > 0) this.#send(due);
    if (this.#gone) return;
    if (close) this.#connection.close();
    if (this.#slots.length === 0) this.#whenIdle?.();
  }

  #send(due: readonly Reply[]): void {
    const taken = (): void => {
      for (const reply of due) {
        this.#hold(-sizeOf(reply));
        reply.taken?.();
      }
      this.#lastActive = this.#clock.monotonic();
      if (this.#paused) this.#scheduleGoOn();
    };
    if (this.#gone) taken();
    else
      this.#writable =
        this.#connection.send(
          due.flatMap(({ chunks }) => chunks),
          taken,
        ) && this.#writable;
  }

  #hold(changeBytes: number): void {
    if (this.#gone) return; // everything that it held was released
    this.#heldBytes += changeBytes;
    this.#memory.answers(changeBytes);
  }

  #regulate(): void {
    if (this.#leaving) return;
    const mustWait = this.#queued.length > 0 || !this.#writable || this.#mutedUntil > 0 || !this.#hasMemory();
    if (mustWait === this.#paused) return;
    this.#paused = mustWait;
    if (mustWait) this.#connection.pause();
    else this.#connection.resume();
  }

  /** Whether there is room for the arriving request. If not, this is called again when there may be. */
  #hasMemory(): boolean {
    const { announcedBytes } = this.#frames;
    if (this.#admittedBytes > 0) return true;
    if (!this.#memory.admits(announcedBytes)) {
      this.#memory.waitForRoom(this.#askAgain);
      return false;
    }
    if (MemoryBudget.isLarge(announcedBytes)) {
      this.#admittedBytes = announcedBytes;
      this.#memory.announced(announcedBytes);
    }
    return true;
  }

  /** A client that may be anybody cannot make the broker hold much. */
  #limitFrames(): void {
    const { isOpen, maxReceiveBytes } = this.session;
    this.#frames.limitBytes = isOpen ? this.#requestMaxBytes : Math.min(maxReceiveBytes, this.#requestMaxBytes);
    this.#frames.limitName = isOpen ? 'socket.request.max.bytes' : 'sasl.server.max.receive.size';
  }

  readonly #askAgain = (): void => this.#scheduleGoOn();

  /** The large request has arrived, or never will. */
  #disclaim(): void {
    if (this.#admittedBytes === 0) return;
    this.#memory.announced(-this.#admittedBytes);
    this.#admittedBytes = 0;
  }

  /** Earlier requests still get their responses; later ones are not read. */
  #giveUp(failure: unknown, slot: Slot): void {
    const client = `${this.#connection.remote.host}:${this.#connection.remote.port}`;
    if (failure instanceof MalformedMessage)
      this.#logger.warn({ client }, `connection closed, malformed request: ${failure.message}`);
    else this.#logger.error({ client, err: failure }, 'connection closed, its request failed');
    this.#settle(slot, 'close');
  }

  #leave(): void {
    this.#leaving = true;
    for (const frame of this.#queued.splice(0)) this.#memory.requests(-frame.length);
    this.#disclaim();
    this.#memory.leave(this.#askAgain);
    if (!this.#gone) this.#connection.pause();
  }
}

const sizeOf = ({ chunks }: Reply): number => chunks.reduce((sum, chunk) => sum + chunk.length, 0);
