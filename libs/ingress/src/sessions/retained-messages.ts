// The last retained message of each topic, within limits.
import { filterMatches } from '@milepost/routes';
import { MAX_KEY_BYTES, type StoredRetained } from './session-store.ts';
import type { ChangedRows } from './session-writer.ts';

export interface RetainedPacket {
  readonly topic: string;
  readonly payload: Buffer | string;
  readonly qos?: number;
}

export interface RetainedLimits {
  readonly retainedMessages: number;
  readonly retainedMessageBytes: number;
}

export class RetainedMessages {
  refused = 0;
  readonly #packets = new Map<string, RetainedPacket>();
  readonly #rows: ChangedRows<string, StoredRetained>;
  readonly #limits: RetainedLimits;

  constructor(rows: ChangedRows<string, StoredRetained>, limits: RetainedLimits) {
    this.#rows = rows;
    this.#limits = limits;
  }

  get size(): number {
    return this.#packets.size;
  }

  /** False: there is no room for it, and it is counted. An empty payload removes a message. */
  accepts(packet: RetainedPacket): boolean {
    const hasRoom = this.#hasRoom(packet);
    if (!hasRoom) this.refused++;
    return hasRoom;
  }

  #hasRoom({ topic, payload }: RetainedPacket): boolean {
    if (payload.length === 0) return true;
    if (payload.length > this.#limits.retainedMessageBytes || Buffer.byteLength(topic) > MAX_KEY_BYTES) return false;
    return this.#packets.has(topic) || this.#packets.size < this.#limits.retainedMessages;
  }

  set(packet: RetainedPacket): void {
    const { topic, payload } = packet;
    if (payload.length === 0) {
      this.#packets.delete(topic);
      this.#rows.remove(topic);
    } else {
      const bytes = Buffer.from(payload as string); // a copy: that of the packet may hold a whole read of a socket
      this.#packets.set(topic, { ...packet, payload: bytes });
      this.#rows.put(topic, () => ({ topic, payload: bytes, qos: packet.qos ?? 0 }));
    }
  }

  /** Those that were set here since the start are newer. */
  load(rows: readonly StoredRetained[]): void {
    for (const { topic, payload, qos } of rows) {
      this.#rows.loaded(topic);
      const packet = { cmd: 'publish', topic, payload, qos, retain: true };
      if (!this.#rows.isPending(topic) && this.accepts(packet)) this.#packets.set(topic, packet);
    }
  }

  *matching(filters: readonly string[]): Generator<RetainedPacket> {
    for (const packet of this.#packets.values())
      if (filters.some((filter) => filterMatches(filter, packet.topic))) yield packet;
  }
}
