// QoS 2, the receiver's half: the ids of messages that are in the log, or on their way there, until the device releases
// them (PUBREL). A repetition of one of them is acknowledged, not appended again. A clean session ends with its
// connection. A persistent one is remembered over reconnects, though not over a restart of the gateway (the session is
// gone then, and CONNACK reports that).
import type { MqttClient } from './engine.ts';

/** The limit of ids for persistent sessions whose devices are away; those of the longest absent are dropped first. */
const MAX_ABSENT_IDS = 1_000_000;

interface Session<Message> {
  readonly unreleased: Map<number, Message | 'stored'>;
  connections: number;
}

export class ExactlyOnce<Message> {
  readonly #sessions = new Map<string, Session<Message>>();
  readonly #absent = new Set<string>();
  #absentIds = 0;

  connected({ session: id, clean }: MqttClient): void {
    const known = this.#sessions.get(id);
    if (known && this.#absent.delete(id)) this.#absentIds -= known.unreleased.size;
    if (known && clean) known.unreleased.clear();
    if (known) known.connections++;
    else this.#sessions.set(id, { unreleased: new Map(), connections: 1 });
  }

  disconnected({ session: id, clean }: MqttClient): void {
    const session = this.#sessions.get(id);
    if (!session || --session.connections > 0) return;
    if (clean || session.unreleased.size === 0) {
      this.#sessions.delete(id);
      return;
    }
    this.#absent.add(id);
    this.#absentIds += session.unreleased.size;
    for (const longest of this.#absent) if (this.#absentIds > MAX_ABSENT_IDS) this.#forget(longest);
  }

  /** Undefined: not seen before, or released since. */
  find(client: MqttClient, messageId: number): Message | 'stored' | undefined {
    return this.#sessions.get(client.session)?.unreleased.get(messageId);
  }

  remember(client: MqttClient, messageId: number, message: Message): void {
    this.#sessions.get(client.session)?.unreleased.set(messageId, message);
  }

  /** The message is in the log: from now on only its id is stored. */
  stored(client: MqttClient, messageId: number, message: Message): void {
    const unreleased = this.#sessions.get(client.session)?.unreleased;
    if (unreleased?.get(messageId) === message) unreleased.set(messageId, 'stored');
  }

  /** The message never got into the log: its repetition counts as the first. */
  lost(client: MqttClient, messageId: number, message: Message): void {
    const unreleased = this.#sessions.get(client.session)?.unreleased;
    if (unreleased?.get(messageId) !== message) return;
    unreleased.delete(messageId);
    if (this.#absent.has(client.session)) this.#absentIds--;
  }

  released(client: MqttClient, messageId: number): void {
    this.#sessions.get(client.session)?.unreleased.delete(messageId);
  }

  #forget(id: string): void {
    this.#absentIds -= this.#sessions.get(id)?.unreleased.size ?? 0;
    this.#absent.delete(id);
    this.#sessions.delete(id);
  }
}
