// QoS 2, the receiver's half: the ids of messages that are in the log, or on their way there, until the device releases
// them (PUBREL). A repetition of one of them is acknowledged, not appended again. A clean session ends with its
// connection. A persistent one is remembered over reconnects, and by the ledger over restarts of the gateway.
import type { MqttClient } from './engine.ts';

/** Has the ids of persistent sessions that are in the log and not released, also after a restart. */
export interface ReleaseLedger {
  unreleasedOf(session: string): ReadonlySet<number>;
  /** The set goes on changing, with a call for each change. Nothing waits until it is stored. */
  setUnreleased(session: string, ids: ReadonlySet<number>): void;
}

/** The limit of ids for persistent sessions whose devices are away; those of the longest absent are dropped first. */
const MAX_ABSENT_IDS = 1_000_000;

interface Session<Message> {
  readonly unreleased: Map<number, Message | 'stored'>;
  /** Those of them that are in the log. */
  readonly stored: Set<number>;
  connections: number;
}

export class ExactlyOnce<Message> {
  readonly #sessions = new Map<string, Session<Message>>();
  readonly #absent = new Set<string>();
  readonly #ledger: ReleaseLedger | undefined;
  #absentIds = 0;

  constructor(ledger?: ReleaseLedger) {
    this.#ledger = ledger;
  }

  connected({ session: id, clean }: MqttClient): void {
    const known = this.#sessions.get(id);
    if (known && this.#absent.delete(id)) this.#absentIds -= known.unreleased.size;
    if (known && clean) {
      known.unreleased.clear();
      known.stored.clear();
    }
    if (known) known.connections++;
    else this.#sessions.set(id, sessionOf(clean ? [] : (this.#ledger?.unreleasedOf(id) ?? [])));
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
    const session = this.#sessions.get(client.session);
    if (session?.unreleased.get(messageId) !== message) return;
    session.unreleased.set(messageId, 'stored');
    session.stored.add(messageId);
    this.#changed(client, session);
  }

  /** The message never got into the log: its repetition counts as the first. */
  lost(client: MqttClient, messageId: number, message: Message): void {
    const unreleased = this.#sessions.get(client.session)?.unreleased;
    if (unreleased?.get(messageId) !== message) return;
    unreleased.delete(messageId);
    if (this.#absent.has(client.session)) this.#absentIds--;
  }

  released(client: MqttClient, messageId: number): void {
    const session = this.#sessions.get(client.session);
    session?.unreleased.delete(messageId);
    if (session?.stored.delete(messageId)) this.#changed(client, session);
  }

  #changed({ session: id, clean }: MqttClient, { stored }: Session<Message>): void {
    if (!clean) this.#ledger?.setUnreleased(id, stored);
  }

  #forget(id: string): void {
    this.#absentIds -= this.#sessions.get(id)?.unreleased.size ?? 0;
    this.#absent.delete(id);
    this.#sessions.delete(id);
  }
}

function sessionOf<Message>(ids: Iterable<number>): Session<Message> {
  const stored = new Set(ids);
  return { unreleased: new Map([...stored].map((id) => [id, 'stored'])), stored, connections: 1 };
}
