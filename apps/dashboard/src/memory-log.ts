// A log in memory, for tests: positions and alerts as records, followed and read back like the real one.
import { type Alert, encodeAlert } from '@milepost/alerts';
import { encodePosition, type Position } from '@milepost/fleet';
import { type ConsumedRecord, TRUCK_ALERTS, TRUCK_GPS } from '@milepost/streams';
import type { Following, Stretch, TruckLog } from './truck-log.ts';

export class MemoryLog implements TruckLog {
  /** Such as `truck_gps-3`. */
  failedPartitions: readonly string[] = [];
  readonly #records: ConsumedRecord[] = [];
  #handle: ((records: readonly ConsumedRecord[]) => Promise<void>) | undefined;

  async position(position: Position, receivedAtMs: number): Promise<void> {
    await this.#append(TRUCK_GPS, position.truckId, encodePosition(position), receivedAtMs);
  }

  async alert(alert: Alert, receivedAtMs: number): Promise<void> {
    await this.#append(TRUCK_ALERTS, alert.truckId, encodeAlert(alert), receivedAtMs);
  }

  async bytes(topic: string, key: string, value: Buffer, receivedAtMs: number): Promise<void> {
    await this.#append(topic, key, value, receivedAtMs);
  }

  async prepare(): Promise<void> {}

  follow(_topics: readonly string[], handle: (records: readonly ConsumedRecord[]) => Promise<void>): Following {
    this.#handle = handle;
    return {
      notReady: () => undefined,
      failedPartitions: () => this.failedPartitions,
      close: async () => void (this.#handle = undefined),
    };
  }

  async *read({ topic, key, fromMs }: Stretch): AsyncGenerator<readonly ConsumedRecord[]> {
    const begin = this.#records.findIndex((record) => record.topic === topic && record.timestamp >= fromMs);
    if (begin < 0) return;
    const rest = this.#records.slice(begin).filter((record) => record.topic === topic);
    yield key === undefined ? rest : rest.filter((record) => record.key?.toString() === key);
  }

  async #append(topic: string, key: string, value: Buffer, timestamp: number): Promise<void> {
    const offset = this.#records.length;
    const record = { topic, partition: 0, offset, timestamp, key: Buffer.from(key), value, headers: new Map() };
    this.#records.push(record);
    await this.#handle?.([record]);
  }
}
