// The committed offsets of one group, by topic and partition.
import type { StoredOffset } from './store.ts';

export class Offsets {
  readonly #topics = new Map<string, Map<number, StoredOffset>>();

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  topics(): Iterable<string> {
    return this.#topics.keys();
  }

  of(topic: string): Iterable<StoredOffset> {
    return this.#topics.get(topic)?.values() ?? [];
  }

  get(topic: string, partition: number): StoredOffset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  set(offset: StoredOffset): void {
    const partitions = this.#topics.get(offset.topic) ?? new Map<number, StoredOffset>();
    this.#topics.set(offset.topic, partitions.set(offset.partition, offset));
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) this.#topics.delete(topic);
  }

  clear(): void {
    this.#topics.clear();
  }
}
