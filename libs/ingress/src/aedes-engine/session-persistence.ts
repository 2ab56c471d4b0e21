// The interface of aedes's persistences over our sessions. Its names, arguments and results are those of aedes-persistence,
// whose abstract tests it passes. Everything but `outgoingUpdate` is done when it returns; aedes wants promises.
import { Readable } from 'node:stream';
import type { QueuedMessage, QueuedPacket } from '../sessions/message-queue.ts';
import type { RetainedPacket } from '../sessions/retained-messages.ts';
import type { StoredSubscription, StoredWill } from '../sessions/session-store.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { SessionSubscription } from '../sessions/subscription-tree.ts';

interface Named {
  readonly id: string;
}

/** A packet of aedes's. */
export interface EnginePacket extends QueuedPacket {
  readonly cmd: string;
  readonly messageId?: number;
  readonly properties?: { readonly messageExpiryInterval?: number };
}

interface Will {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos: number;
  readonly retain: boolean;
  brokerId?: string;
  clientId?: string;
}

/** Of a last will. */
export type WillAuthor = Pick<StoredWill, 'clientId' | 'rights'>;
export type AuthorOf = (client: Named) => WillAuthor;

const MAX_WILL_BYTES = 64 * 1024;
const NOT_TEXT = /[\0\uFFFD]/;

export class SessionPersistence {
  broker: Named = { id: '' };
  readonly #sessions: Sessions;
  readonly #authorOf: AuthorOf;
  readonly #incoming = new Map<string, Map<number, object>>();
  readonly #wills = new Map<string, Will>();

  constructor(sessions: Sessions, authorOf: AuthorOf = ({ id }) => ({ clientId: id, rights: undefined })) {
    this.#sessions = sessions;
    this.#authorOf = authorOf;
  }

  async setup(broker: Named): Promise<void> {
    this.broker = broker;
  }

  async destroy(): Promise<void> {
    await this.#sessions.close();
  }

  async storeRetained(packet: RetainedPacket): Promise<void> {
    this.#sessions.retain({ ...packet });
  }

  createRetainedStream(filter: string): Readable {
    return this.createRetainedStreamCombi([filter]);
  }

  createRetainedStreamCombi(filters: readonly string[]): Readable {
    return Readable.from(this.#sessions.retained.matching(filters));
  }

  async addSubscriptions({ id }: Named, subscriptions: readonly StoredSubscription[]): Promise<void> {
    this.#sessions.subscribe(id, subscriptions.map(subscriptionOf));
  }

  async removeSubscriptions({ id }: Named, filters: readonly string[]): Promise<void> {
    this.#sessions.unsubscribe(id, filters);
  }

  async subscriptionsByClient({ id }: Named): Promise<StoredSubscription[]> {
    return this.#sessions.subscriptionsOf(id).map((subscription) => ({ ...subscription }));
  }

  async subscriptionsByTopic(topic: string): Promise<SessionSubscription[]> {
    return this.#sessions.subscriptionsTo(topic);
  }

  async cleanSubscriptions({ id }: Named): Promise<void> {
    this.#sessions.discard(id);
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    const { subscriptions, sessions } = this.#sessions.count();
    return { subsCount: subscriptions, clientsCount: sessions };
  }

  getClientList(filter: string): Readable {
    return Readable.from(this.#sessions.subscribersOf(filter));
  }

  async outgoingEnqueue(subscription: SessionSubscription, packet: EnginePacket): Promise<void> {
    await this.outgoingEnqueueCombi([subscription], packet);
  }

  async outgoingEnqueueCombi(subscriptions: readonly SessionSubscription[], packet: EnginePacket): Promise<void> {
    const seconds = packet.properties?.messageExpiryInterval;
    this.#sessions.enqueue(subscriptions, packet, seconds === undefined ? undefined : seconds * 1000);
  }

  /** Resolves for an unknown packet too: one that had no room in the queue is still sent to a device that is connected. */
  async outgoingUpdate({ id }: Named, packet: EnginePacket): Promise<void> {
    const { cmd, messageId } = packet;
    if (messageId === undefined) return;
    await (cmd === 'pubrel' ? this.#sessions.received(id, messageId) : this.#sessions.update(id, packet, messageId));
  }

  async outgoingClearMessageId({ id }: Named, { messageId }: EnginePacket): Promise<object | undefined> {
    const message = this.#sessions.acknowledged(id, messageId);
    return message && packetOf(message);
  }

  outgoingStream({ id }: Named): Readable {
    return Readable.from(this.#sessions.queueOf(id).map(packetOf));
  }

  async incomingStorePacket({ id }: Named, packet: EnginePacket): Promise<void> {
    const { topic, payload, qos, retain, messageId = 0 } = packet;
    let packets = this.#incoming.get(id);
    if (!packets) this.#incoming.set(id, (packets = new Map()));
    packets.set(messageId, { cmd: 'publish', topic, payload, qos, retain, dup: false, messageId });
  }

  async incomingGetPacket({ id }: Named, { messageId = 0 }: EnginePacket): Promise<object> {
    const packet = this.#incoming.get(id)?.get(messageId);
    if (!packet) throw new Error('no such packet');
    return packet;
  }

  async incomingDelPacket({ id }: Named, { messageId = 0 }: EnginePacket): Promise<void> {
    if (!this.#incoming.get(id)?.delete(messageId)) throw new Error('no such packet');
  }

  async cleanIncoming({ id }: Named): Promise<void> {
    this.#incoming.delete(id);
  }

  async putWill(client: Named, will: Will): Promise<void> {
    will.brokerId = this.broker.id;
    will.clientId = client.id;
    this.#wills.set(client.id, will);
    const { topic, payload, qos, retain } = will;
    if (payload.length > MAX_WILL_BYTES || NOT_TEXT.test(topic)) return;
    const bytes = Buffer.from(payload as string);
    this.#sessions.setWill({
      session: client.id,
      ...this.#authorOf(client),
      topic,
      payload: bytes,
      qos,
      retain,
    });
  }

  async getWill({ id }: Named): Promise<Will | undefined> {
    return this.#wills.get(id);
  }

  async delWill({ id }: Named): Promise<Will | undefined> {
    const will = this.#wills.get(id);
    this.#wills.delete(id);
    if (will) this.#sessions.removeWill(id);
    return will;
  }

  streamWill(brokers: Readonly<Record<string, unknown>> = {}): Readable {
    return Readable.from([...this.#wills.values()].filter(({ brokerId = '' }) => !brokers[brokerId]));
  }
}

function subscriptionOf(subscription: StoredSubscription): StoredSubscription {
  const { topic, qos, rh, rap, nl, subscriptionIdentifier } = subscription;
  return {
    topic,
    qos,
    ...(rh !== undefined && { rh }),
    ...(rap !== undefined && { rap }),
    ...(nl !== undefined && { nl }),
    ...(subscriptionIdentifier !== undefined && { subscriptionIdentifier }),
  };
}

/** Without a packet id until it has been sent. */
function packetOf({ packet, messageId, state }: QueuedMessage): object {
  if (state === 'released') return { cmd: 'pubrel', messageId };
  const { topic, payload, qos, retain, brokerId, brokerCounter } = packet;
  const id = state === 'queued' ? undefined : messageId;
  return { cmd: 'publish', brokerId, brokerCounter, topic, payload, qos, retain, dup: false, messageId: id };
}
