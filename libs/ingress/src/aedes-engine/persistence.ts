// Our sessions as aedes uses them for devices. Three methods are replaced, each for a rule that aedes misses.
import { Readable } from 'node:stream';
import type { Client } from 'aedes';
import type { QueuedMessage } from '../sessions/message-queue.ts';
import type { Sessions } from '../sessions/sessions.ts';
import { type AuthorOf, type EnginePacket, SessionPersistence } from './session-persistence.ts';

export interface DeviceHooks {
  readonly authorOf: AuthorOf;
  /** Called for each PUBREL of a device. */
  released(client: Client, messageId: number): void;
  /** Whether the client may have the subscription. */
  isAccepted(client: Client, filter: string): boolean;
  /** The queue of the client is about to be sent: from now on it gets new messages immediately. */
  resending(client: Client): void;
  /** Sends PUBREL. */
  release(client: Client, messageId: number): void;
}

export function devicePersistence(sessions: Sessions, hooks: DeviceHooks): SessionPersistence {
  const persistence = new SessionPersistence(sessions, hooks.authorOf);
  noticeReleases(persistence, hooks);
  storeAccepted(persistence, hooks);
  resend(persistence, sessions, hooks);
  return persistence;
}

/** The lookup of aedes for every PUBREL, and for nothing else: no QoS 2 message of a device reaches its store. */
function noticeReleases(persistence: SessionPersistence, hooks: DeviceHooks): void {
  persistence.incomingGetPacket = (client, { cmd, messageId }) => {
    if (cmd === 'pubrel' && messageId !== undefined) hooks.released(client as Client, messageId);
    return Promise.reject(new Error('not kept here'));
  };
}

/** aedes would store the refused subscriptions of a packet too, and then queue their messages while the device is away. */
function storeAccepted(persistence: SessionPersistence, hooks: DeviceHooks): void {
  const add = persistence.addSubscriptions.bind(persistence);
  persistence.addSubscriptions = (client, subscriptions) =>
    add(
      client,
      subscriptions.filter(({ topic }) => hooks.isAccepted(client as Client, topic)),
    );
}

/**
 * A message that was sent before is resent with DUP (MQTT-3.3.1-1), each with the packet id that is stored with it. aedes
 * handles no packet that came before its CONNACK until this stream has ended, so that it must not wait for the
 * database: a PUBREL that has to wait is sent later.
 */
function resend(persistence: SessionPersistence, sessions: Sessions, hooks: DeviceHooks): void {
  persistence.outgoingStream = (client) => {
    const queue = sessions.queueOf(client.id);
    hooks.resending(client as Client);
    for (const message of queue) message.isResent = true;
    for (const { messageId, state } of queue)
      if (state === 'released')
        void sessions.received(client.id, messageId).then(() => hooks.release(client as Client, messageId));
    return Readable.from(queue.filter(({ state }) => state !== 'released').map(resentPacket));
  };
}

function resentPacket({
  packet,
  messageId,
  state,
}: QueuedMessage): Omit<EnginePacket, 'properties'> & { dup: boolean } {
  const { topic, payload, qos, retain, brokerId, brokerCounter } = packet;
  const dup = state === 'sent';
  return { cmd: 'publish', brokerId, brokerCounter, topic, payload, qos, retain, dup, messageId };
}
