// What outlives a gateway: sessions with their queued messages, retained messages, last wills.
//
// The store promises: one gateway at a time holds a session, and only the holder changes it. A gateway that dies holds
// nothing any more. `write` is all or nothing, and may be repeated.

/** The longest session id and retained topic: both are keys of an index, whose entries PostgreSQL limits. */
export const MAX_KEY_BYTES = 1_024;

export interface SessionStore {
  /**
   * Acquires what no living gateway holds, at the start and from time to time. The first call returns everything that
   * this gateway may hold.
   */
  adopt(): Promise<Adopted>;
  /** Acquires one session, also from a gateway that lives. */
  acquire(id: string): Promise<Acquired>;
  retained(): Promise<readonly StoredRetained[]>;
  /** Changes of sessions that another gateway has acquired meanwhile are ignored. */
  write(changes: SessionChanges): Promise<void>;
  /** The gateway holds nothing any more. */
  close(): Promise<void>;
}

/** `held`: this gateway has it already. */
export type Acquired =
  | { readonly kind: 'acquired'; readonly session: StoredSession }
  | { readonly kind: 'held' }
  | { readonly kind: 'absent' };

export interface Adopted {
  readonly sessions: readonly StoredSession[];
  /** Last wills of clients that were connected to gateways that died. The caller publishes them. */
  readonly wills: readonly StoredWill[];
  /** Sessions that other gateways have acquired from this one since the last call. */
  readonly lost: readonly string[];
  /** Whether other gateways are running. */
  readonly hasOthers: boolean;
}

export interface SessionState {
  readonly id: string;
  readonly subscriptions: readonly StoredSubscription[];
  /** QoS 2: ids of messages that are in the log and that the device has not released. */
  readonly unreleased: readonly number[];
  /** How long it lasts without its device. */
  readonly expiryMs: number;
  /** When its device left, in ms since 1970; undefined: it is connected, or was when its gateway died. */
  readonly leftAtMs: number | undefined;
}

export interface StoredSession extends SessionState {
  /** In the order of their positions. */
  readonly messages: readonly StoredMessage[];
}

/** The names are MQTT's and the engine's. */
export interface StoredSubscription {
  readonly topic: string;
  readonly qos: number;
  readonly rh?: number;
  readonly rap?: boolean;
  readonly nl?: boolean;
  readonly subscriptionIdentifier?: number;
}

/** A message that its device has not acknowledged. */
export interface StoredMessage {
  readonly session: string;
  /** Its place in the queue; positions increase. */
  readonly position: number;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
  /** The packet id that it is sent with, in every attempt. */
  readonly messageId: number;
  readonly state: MessageState;
  readonly expiresAtMs: number;
}

/** `released` (QoS 2): the device has it, and PUBREL is to be sent. */
export type MessageState = 'queued' | 'sent' | 'released';

export interface StoredRetained {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
}

export interface StoredWill {
  /** The session's name: of each there is one at most. */
  readonly session: string;
  readonly clientId: string;
  /** What the device was permitted; undefined: nobody authenticates. */
  readonly rights: { readonly id: string; readonly publish: readonly string[] } | undefined;
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: number;
  readonly retain: boolean;
}

export interface SessionChanges {
  readonly sessions: readonly SessionState[];
  readonly removedSessions: readonly string[];
  /** Sessions that start over here: those of other gateways are removed too. */
  readonly discardedSessions: readonly string[];
  readonly messages: readonly StoredMessage[];
  readonly removedMessages: readonly Pick<StoredMessage, 'session' | 'position'>[];
  readonly retained: readonly StoredRetained[];
  readonly removedRetained: readonly string[];
  readonly wills: readonly StoredWill[];
  readonly removedWills: readonly string[];
}
