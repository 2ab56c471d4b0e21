// The persistent MQTT sessions of a gateway: subscriptions, and the messages of QoS 1 and 2 that wait for their device. They
// are in memory, within limits, and written to the store in the background, so that no publish waits for the
// database. Two things do wait for it: a packet of QoS 2 whose predecessor the store knows (see `update` and
// `received`), and the CONNECT of a persistent session where several gateways share the store.
//
// Never: keeps more than its limits. What does not fit is dropped and counted.
import type { Cancel, Clock, Logger, Meter } from '@milepost/core';
import { MAX_QUEUE_MESSAGES, MessageQueue, type QueuedMessage, type QueuedPacket } from './message-queue.ts';
import { type RetainedLimits, RetainedMessages, type RetainedPacket } from './retained-messages.ts';
import { type EndReason, reportSessions, type SessionFigures } from './session-metrics.ts';
import {
  type Adopted,
  MAX_KEY_BYTES,
  type SessionState,
  type SessionStore,
  type StoredMessage,
  type StoredSession,
  type StoredSubscription,
  type StoredWill,
} from './session-store.ts';
import { SessionWriter } from './session-writer.ts';
import { type SessionSubscription, SubscriptionTree } from './subscription-tree.ts';

export interface SessionLimits extends RetainedLimits {
  /** Beyond this the session whose device left longest ago ends. */
  readonly sessions: number;
  readonly subscriptionsOfSession: number;
  readonly messagesOfSession: number;
  /** Of all sessions. */
  readonly queuedBytes: number;
  /** How long a session lasts without its device, at most. */
  readonly sessionExpiryMs: number;
  /** How long a message is queued, at most. */
  readonly messageExpiryMs: number;
}

const WEEK_MS = 7 * 24 * 3_600_000;

export const SESSION_LIMITS: SessionLimits = {
  sessions: 100_000,
  subscriptionsOfSession: 1_000,
  messagesOfSession: 1_000,
  queuedBytes: 64 * 1024 * 1024,
  retainedMessages: 10_000,
  retainedMessageBytes: 64 * 1024,
  sessionExpiryMs: WEEK_MS,
  messageExpiryMs: WEEK_MS,
};

export interface SessionsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly store: SessionStore;
  readonly limits?: Partial<SessionLimits>;
}

export interface SessionEvents {
  /** Another gateway has acquired the session: its connection here is a former one of the device. */
  lost(id: string): void;
  /** The last will of a client whose gateway died. */
  orphaned(will: StoredWill): void;
}

export interface BeginOptions {
  readonly expiryMs?: number;
  /** It is stored even without a subscription: MQTT 5 reports whether a session is present. */
  readonly isStored?: boolean;
}

interface Session {
  readonly id: string;
  readonly subscriptions: Map<string, StoredSubscription>;
  readonly queue: MessageQueue;
  unreleased: ReadonlySet<number>;
  /** Its connection; undefined: the device is away. */
  holder: object | undefined;
  isStored: boolean;
  expiryMs: number;
  leftAtMs: number | undefined;
}

/** The size of a queued message beside its topic and payload. */
const MESSAGE_OVERHEAD_BYTES = 200;
const SWEEP_MS = 5_000;
/** A device that waits for longer for its CONNACK gives up. */
const ACQUIRE_MS = 5_000;
/** How long a start waits for the store. */
const OPEN_MS = 10_000;
/** How long a stop waits for it. */
const CLOSE_MS = 5_000;

export class Sessions {
  readonly limits: SessionLimits;
  readonly retained: RetainedMessages;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #store: SessionStore;
  readonly #writer: SessionWriter;
  readonly #sessions = new Map<string, Session>();
  /** Sessions whose devices are away, in the order in which they left. */
  readonly #away = new Set<Session>();
  readonly #tree = new SubscriptionTree();
  /** Sessions with a connected client that has a last will. */
  readonly #wills = new Set<string>();
  readonly #dropped = { 'queue-full': 0, 'store-full': 0, expired: 0, 'session-ended': 0 };
  readonly #ended: Record<EndReason, number> = { expired: 0, evicted: 0, 'no-room': 0 };
  #events: SessionEvents = { lost: () => {}, orphaned: () => {} };
  #queuedMessages = 0;
  #queuedBytes = 0;
  #lastPosition: number;
  /** Whether other gateways may hold sessions. */
  #hasOthers = true;
  #hasRetained = false;
  #cancelSweep: Cancel | undefined;
  #isClosed = false;

  constructor({ clock, logger, meter, store, limits }: SessionsOptions) {
    const all = { ...SESSION_LIMITS, ...limits };
    this.limits = { ...all, messagesOfSession: Math.min(all.messagesOfSession, MAX_QUEUE_MESSAGES) };
    this.#clock = clock;
    this.#lastPosition = clock.now() * 1000; // beyond those of earlier gateways
    this.#logger = logger;
    this.#store = store;
    this.#writer = new SessionWriter(clock, logger, store);
    this.retained = new RetainedMessages(this.#writer.retained, this.limits);
    reportSessions(meter, () => this.figures());
  }

  /** Loads what is stored, later if the store is away. */
  async open(events: SessionEvents): Promise<void> {
    this.#events = events;
    await this.#within(OPEN_MS, this.#sweep());
  }

  /** Writes what is not written yet. The store is closed in any case. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelSweep?.();
    await this.#within(CLOSE_MS, this.#writer.close());
    await this.#store.close();
  }

  figures(): SessionFigures {
    return {
      connected: this.#sessions.size - this.#away.size,
      away: this.#away.size,
      queuedMessages: this.#queuedMessages,
      queuedBytes: this.#queuedBytes,
      retainedMessages: this.retained.size,
      pendingWrites: this.#writer.pending,
      failedWrites: this.#writer.failures,
      dropped: { ...this.#dropped, 'not-retained': this.retained.refused },
      ended: this.#ended,
    };
  }

  /** Resolves when everything so far is stored. */
  stored(): Promise<void> {
    return this.#writer.idle();
  }

  // Connections

  /** Whether `acquire` comes before a CONNECT for this session. */
  get isShared(): boolean {
    return this.#hasOthers;
  }

  /** False: nobody knows whether another gateway holds the session. */
  async acquire(id: string): Promise<boolean> {
    const result = await this.#within(
      ACQUIRE_MS,
      this.#store.acquire(id).catch((error: Error) => {
        this.#logger.debug({ error: error.message }, 'a session could not be acquired');
        return undefined;
      }),
    );
    if (!result) return this.#sessions.has(id);
    if (result.kind === 'held') return true;
    if (result.kind === 'acquired') {
      this.#forget(id);
      this.#load(result.session);
    }
    return true;
  }

  isPresent(id: string): boolean {
    return this.#living(id) !== undefined;
  }

  begin(id: string, holder: object, { expiryMs, isStored = false }: BeginOptions = {}): void {
    const session = this.#session(id);
    if (!session) return;
    session.holder = holder;
    session.leftAtMs = undefined;
    session.isStored ||= isStored;
    session.expiryMs = Math.min(expiryMs ?? Number.POSITIVE_INFINITY, this.limits.sessionExpiryMs);
    this.#away.delete(session);
    this.#changed(session);
  }

  /** `expiryMs`: the device may change it at its end. Does nothing if the session has another connection. */
  leave(id: string, holder: object, expiryMs?: number): void {
    const session = this.#sessions.get(id);
    if (session?.holder !== holder) return;
    session.holder = undefined;
    if (expiryMs !== undefined) session.expiryMs = Math.min(expiryMs, this.limits.sessionExpiryMs);
    if (session.expiryMs === 0) return this.#remove(session);
    session.leftAtMs = this.#clock.now();
    this.#away.add(session);
    this.#changed(session);
  }

  /** The device starts over (Clean Session, Clean Start). */
  discard(id: string): void {
    const session = this.#sessions.get(id);
    if (session) this.#remove(session);
    if (!this.#hasOthers || this.#writer.discarded.pending >= this.limits.sessions) return;
    this.#writer.discarded.loaded(id);
    this.#writer.discarded.remove(id);
    this.#writer.changed();
  }

  // Subscriptions

  subscribe(id: string, subscriptions: readonly StoredSubscription[]): void {
    const session = this.#session(id);
    if (!session) return;
    this.#subscribe(session, subscriptions);
    this.#changed(session);
  }

  /** Whether the session has room for a subscription to this filter. */
  hasRoom(id: string, filter: string): boolean {
    const subscriptions = this.#living(id)?.subscriptions;
    if (!subscriptions) return true;
    return subscriptions.has(filter) || subscriptions.size < this.limits.subscriptionsOfSession;
  }

  unsubscribe(id: string, filters: readonly string[]): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    for (const filter of filters) if (session.subscriptions.delete(filter)) this.#tree.remove(id, filter);
    this.#changed(session);
  }

  subscriptionsOf(id: string): StoredSubscription[] {
    return [...(this.#living(id)?.subscriptions.values() ?? [])];
  }

  /** Those of QoS 1 and 2. */
  subscriptionsTo(topic: string): SessionSubscription[] {
    return this.#tree.match(topic);
  }

  /** `subscriptions`: those of QoS 1 and 2. */
  count(): { readonly subscriptions: number; readonly sessions: number } {
    const subscribed = [...this.#sessions.values()].filter(({ subscriptions }) => subscriptions.size > 0);
    return { subscriptions: this.#tree.size, sessions: subscribed.length };
  }

  *subscribersOf(filter: string): Generator<string> {
    for (const { id, subscriptions } of this.#sessions.values()) if (subscriptions.has(filter)) yield id;
  }

  // Queued messages

  /** Once for each session, however many of its subscriptions match, at the highest QoS of them (MQTT-3.3.5-1). */
  enqueue(
    subscriptions: readonly SessionSubscription[],
    packet: QueuedPacket,
    expiryMs = Number.POSITIVE_INFINITY,
  ): void {
    const highest = new Map<string, number>();
    for (const { clientId, qos } of subscriptions)
      highest.set(clientId, Math.max(highest.get(clientId) ?? 0, Math.min(qos, packet.qos)));
    const { payload } = packet;
    const kept = typeof payload === 'string' ? payload : Buffer.from(payload); // the packet may hold a whole read of a socket
    for (const [id, qos] of highest) this.#enqueue(id, { ...packet, payload: kept, qos }, expiryMs);
  }

  /** Expired ones are dropped first. */
  queueOf(id: string): QueuedMessage[] {
    const session = this.#living(id);
    if (!session) return [];
    this.#dropExpired(session);
    return [...session.queue];
  }

  /** The message in the session's queue. */
  queued(id: string, packet: Pick<QueuedPacket, 'brokerId' | 'brokerCounter'>): QueuedMessage | undefined {
    return this.#sessions.get(id)?.queue.of(packet);
  }

  /**
   * A message is about to be sent with this packet id. Resolves when it may be: a message of QoS 2 that the store has
   * with another id must have the new one there first, or a restart would send it with the old one, as another message.
   */
  update(id: string, packet: Pick<QueuedPacket, 'brokerId' | 'brokerCounter'>, messageId: number): Promise<void> {
    const session = this.#sessions.get(id);
    const message = session?.queue.of(packet);
    if (!session || !message) return Promise.resolve();
    const isOther = message.messageId !== messageId;
    if (isOther) session.queue.renumber(message, messageId);
    if (message.state === 'queued') message.state = 'sent';
    this.#messageChanged(message);
    const mustWait = isOther && message.packet.qos === 2 && this.#writer.messages.isStored(message);
    return mustWait ? this.#writer.stored(message) : Promise.resolve();
  }

  /**
   * PUBREC. Resolves when PUBREL may be sent: after it the device accepts the packet id as another message, so that the
   * store must not have this one as unsent any more.
   */
  received(id: string, messageId: number): Promise<void> {
    const message = this.#sessions.get(id)?.queue.withId(messageId);
    if (!message) return Promise.resolve();
    message.state = 'released';
    this.#messageChanged(message);
    return this.#writer.messages.isStored(message) ? this.#writer.stored(message) : Promise.resolve();
  }

  /** PUBACK, PUBCOMP: the device has it. */
  acknowledged(id: string, messageId: number | undefined): QueuedMessage | undefined {
    const session = this.#sessions.get(id);
    const message = session?.queue.withId(messageId);
    if (session && message) this.#dequeue(session, message);
    return message;
  }

  // Last wills

  setWill(will: StoredWill): void {
    if (Buffer.byteLength(will.session) > MAX_KEY_BYTES) return;
    this.#wills.add(will.session);
    this.#writer.wills.put(will.session, () => will);
    this.#writer.changed();
  }

  removeWill(session: string): void {
    this.#wills.delete(session);
    this.#writer.wills.remove(session);
    this.#writer.changed();
  }

  // QoS 2 messages of devices

  unreleasedOf(id: string): ReadonlySet<number> {
    return this.#sessions.get(id)?.unreleased ?? new Set();
  }

  /** The set is read when it is written. */
  setUnreleased(id: string, ids: ReadonlySet<number>): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    session.unreleased = ids;
    this.#changed(session);
  }

  // Retained messages

  retain(packet: RetainedPacket): void {
    this.retained.set(packet);
    this.#writer.changed();
  }

  /** Undefined: there is no room, and the device has no persistent session. */
  #session(id: string): Session | undefined {
    const known = this.#living(id);
    if (known) return known;
    const hasRoom = (): boolean => this.#sessions.size < this.limits.sessions || this.#evict();
    if (Buffer.byteLength(id) > MAX_KEY_BYTES || !hasRoom()) {
      this.#ended['no-room']++;
      return undefined;
    }
    const session: Session = {
      id,
      subscriptions: new Map(),
      queue: new MessageQueue(),
      unreleased: new Set(),
      holder: undefined,
      isStored: false,
      expiryMs: this.limits.sessionExpiryMs,
      leftAtMs: undefined,
    };
    this.#sessions.set(id, session);
    return session;
  }

  #evict(): boolean {
    const [longest] = this.#away;
    if (longest) this.#end(longest, 'evicted');
    return longest !== undefined;
  }

  #living(id: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (!session || !this.#isOver(session)) return session;
    this.#end(session, 'expired');
    return undefined;
  }

  #isOver({ leftAtMs, expiryMs }: Session): boolean {
    return leftAtMs !== undefined && this.#clock.now() >= leftAtMs + expiryMs;
  }

  #end(session: Session, reason: EndReason): void {
    this.#ended[reason]++;
    this.#dropped['session-ended'] += session.queue.size;
    this.#remove(session);
  }

  #remove(session: Session): void {
    for (const message of session.queue) this.#dequeue(session, message);
    this.#drop(session);
    this.#writer.sessions.remove(session.id);
    this.#writer.changed();
  }

  /** Another gateway holds it: nothing more of it is written. */
  #forget(id: string): void {
    const session = this.#sessions.get(id);
    if (!session) return;
    for (const message of session.queue) {
      this.#dequeue(session, message);
      this.#writer.messages.forget(message);
    }
    this.#drop(session);
    this.#writer.sessions.forget(id);
  }

  #drop(session: Session): void {
    for (const filter of session.subscriptions.keys()) this.#tree.remove(session.id, filter);
    this.#away.delete(session);
    this.#sessions.delete(session.id);
  }

  #subscribe(session: Session, subscriptions: readonly StoredSubscription[]): void {
    for (const subscription of subscriptions) {
      const { topic, qos } = subscription;
      const isNew = !session.subscriptions.has(topic);
      if (isNew && session.subscriptions.size >= this.limits.subscriptionsOfSession) continue;
      session.subscriptions.set(topic, subscription);
      if (qos > 0) this.#tree.add({ ...subscription, clientId: session.id });
      else this.#tree.remove(session.id, topic);
    }
  }

  #enqueue(id: string, packet: QueuedPacket, expiryMs: number): void {
    const session = this.#session(id);
    if (!session || packet.qos === 0) return;
    const sizeBytes = packet.payload.length + packet.topic.length + MESSAGE_OVERHEAD_BYTES;
    if (session.queue.size >= this.limits.messagesOfSession) {
      this.#dropped['queue-full']++;
      return;
    }
    if (this.#queuedBytes + sizeBytes > this.limits.queuedBytes) {
      this.#dropped['store-full']++;
      return;
    }
    const message: QueuedMessage = {
      session: id,
      position: ++this.#lastPosition,
      packet,
      sizeBytes,
      expiresAtMs: this.#clock.now() + Math.min(expiryMs, this.limits.messageExpiryMs),
      messageId: session.queue.freeId(),
      state: 'queued',
    };
    this.#queue(session, message);
    this.#messageChanged(message);
  }

  #queue(session: Session, message: QueuedMessage): void {
    session.queue.add(message);
    this.#queuedMessages++;
    this.#queuedBytes += message.sizeBytes;
  }

  #dequeue(session: Session, message: QueuedMessage): void {
    session.queue.remove(message);
    this.#queuedMessages--;
    this.#queuedBytes -= message.sizeBytes;
    this.#writer.messages.remove(message);
    this.#writer.changed();
  }

  /** A message of QoS 2 that was sent is completed, however old it is: its device may have it already. */
  #dropExpired(session: Session): void {
    const now = this.#clock.now();
    for (const message of session.queue) {
      if (message.expiresAtMs > now || message.state !== 'queued') continue;
      this.#dropped.expired++;
      this.#dequeue(session, message);
    }
  }

  #messageChanged(message: QueuedMessage): void {
    this.#writer.messages.put(message, () => messageRow(message));
    this.#writer.changed();
  }

  #changed(session: Session): void {
    const { id, isStored, subscriptions, unreleased } = session;
    if (isStored || subscriptions.size > 0 || unreleased.size > 0)
      this.#writer.sessions.put(id, () => stateOf(session));
    else this.#writer.sessions.remove(id);
    this.#writer.changed();
  }

  /** Ends what has expired, and acquires what gateways that died have left. */
  async #sweep(): Promise<void> {
    for (const session of this.#away) if (this.#isOver(session)) this.#end(session, 'expired');
    for (const session of this.#sessions.values()) if (session.queue.size > 0) this.#dropExpired(session);
    try {
      this.#adopt(await this.#store.adopt());
      if (!this.#hasRetained) this.retained.load(await this.#store.retained());
      this.#hasRetained = true;
    } catch (error) {
      this.#logger.debug({ error: (error as Error).message }, 'the store of MQTT sessions did not respond');
    }
    if (!this.#isClosed) this.#cancelSweep = this.#clock.after(SWEEP_MS, () => void this.#sweep());
  }

  #adopt({ sessions, lost, wills, hasOthers }: Adopted): void {
    for (const id of lost) {
      this.#forget(id);
      this.#events.lost(id);
    }
    for (const session of sessions) this.#load(session);
    for (const will of wills) {
      this.#writer.wills.loaded(will.session);
      if (!this.#wills.has(will.session)) this.removeWill(will.session);
      this.#events.orphaned(will);
    }
    this.#hasOthers = hasOthers;
  }

  /** The state here is newer, if there is one: the device has connected before the store responded. */
  #load({ id, subscriptions, unreleased, expiryMs, leftAtMs, messages }: StoredSession): void {
    this.#writer.sessions.loaded(id);
    const session = this.#session(id);
    if (!session) return;
    const { holder, subscriptions: here } = session;
    const older = subscriptions.filter(({ topic }) => !here.has(topic));
    this.#subscribe(session, older);
    const known = new Set([...session.queue].map(({ position }) => position));
    for (const message of messages) if (!known.has(message.position)) this.#loadMessage(session, message);
    session.isStored = true;
    if (!holder) {
      session.unreleased = new Set(unreleased);
      session.expiryMs = expiryMs;
      session.leftAtMs = leftAtMs ?? this.#clock.now();
      this.#away.add(session);
    }
    if (holder || leftAtMs === undefined) this.#changed(session);
  }

  #loadMessage(session: Session, row: StoredMessage): void {
    const { position, topic, payload, qos, retain, messageId, state, expiresAtMs } = row;
    this.#lastPosition = Math.max(this.#lastPosition, position);
    const packet = { topic, payload, qos, retain, brokerId: 'stored', brokerCounter: position };
    const sizeBytes = payload.length + topic.length + MESSAGE_OVERHEAD_BYTES;
    const message = { session: session.id, position, packet, sizeBytes, expiresAtMs, messageId, state };
    this.#writer.messages.loaded(message);
    this.#queue(session, message);
  }

  #within<T>(timeoutMs: number, work: Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(timeoutMs, () => resolve(undefined));
      work.then(resolve, reject).finally(cancel);
    });
  }
}

const messageRow = ({ session, position, packet, messageId, state, expiresAtMs }: QueuedMessage): StoredMessage => ({
  session,
  position,
  topic: packet.topic,
  payload: Buffer.from(packet.payload as string),
  qos: packet.qos,
  retain: packet.retain,
  messageId,
  state,
  expiresAtMs,
});

const stateOf = ({ id, subscriptions, unreleased, expiryMs, leftAtMs }: Session): SessionState => ({
  id,
  subscriptions: [...subscriptions.values()],
  unreleased: [...unreleased],
  expiryMs,
  leftAtMs,
});
