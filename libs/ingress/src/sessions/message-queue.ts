// The messages of QoS 1 and 2 for one device that it has not acknowledged, in their order. Each gets its packet id when it
// is queued: it is stored with the message, so that every attempt, also after a restart, uses the same one, and the
// device recognizes a message of QoS 2 that it has received before.
import type { MessageState } from './session-store.ts';

/** Ids of queued messages; the engine counts those of messages to connected devices from 1 upward. */
const HIGHEST_ID = 65_535;
const LOWEST_ID = 32_768;
/** No queue may need more ids than there are. */
export const MAX_QUEUE_MESSAGES = 32_000;

export interface QueuedPacket {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos: number;
  readonly retain: boolean;
  /** Identify the message within the engine. */
  readonly brokerId: string;
  readonly brokerCounter: number;
}

export interface QueuedMessage {
  readonly session: string;
  readonly position: number;
  readonly packet: QueuedPacket;
  readonly sizeBytes: number;
  readonly expiresAtMs: number;
  messageId: number;
  state: MessageState;
  /** Sent, or about to be sent, from the queue: not as a new message too. */
  isResent?: boolean;
}

export class MessageQueue {
  readonly #messages = new Set<QueuedMessage>();
  readonly #byId = new Map<number, QueuedMessage>();
  readonly #byCounter = new Map<string, QueuedMessage>();
  #nextId = HIGHEST_ID;

  get size(): number {
    return this.#messages.size;
  }

  *[Symbol.iterator](): Iterator<QueuedMessage> {
    yield* this.#messages;
  }

  /** An id that no message of the queue has. */
  freeId(): number {
    do this.#nextId = this.#nextId <= LOWEST_ID ? HIGHEST_ID : this.#nextId - 1;
    while (this.#byId.has(this.#nextId));
    return this.#nextId;
  }

  add(message: QueuedMessage): void {
    this.#messages.add(message);
    this.#byId.set(message.messageId, message);
    this.#byCounter.set(counterOf(message.packet), message);
  }

  remove(message: QueuedMessage): void {
    this.#messages.delete(message);
    if (this.#byId.get(message.messageId) === message) this.#byId.delete(message.messageId);
    const counter = counterOf(message.packet);
    if (this.#byCounter.get(counter) === message) this.#byCounter.delete(counter);
  }

  withId(messageId: number | undefined): QueuedMessage | undefined {
    return messageId === undefined ? undefined : this.#byId.get(messageId);
  }

  of(packet: Pick<QueuedPacket, 'brokerId' | 'brokerCounter'>): QueuedMessage | undefined {
    return this.#byCounter.get(counterOf(packet));
  }

  renumber(message: QueuedMessage, messageId: number): void {
    if (this.#byId.get(message.messageId) === message) this.#byId.delete(message.messageId);
    message.messageId = messageId;
    this.#byId.set(messageId, message);
  }
}

const counterOf = ({ brokerId, brokerCounter }: Pick<QueuedPacket, 'brokerId' | 'brokerCounter'>): string =>
  `${brokerCounter} ${brokerId}`;
