// Topics that a test creates, changes and deletes. A topic that is created again gets a new id.
import { type Uuid, ZERO_UUID } from '@milepost/core';
import type { CatalogTopic, TopicCatalog } from '../group/model/topic-catalog.ts';

export class TestCatalog implements TopicCatalog {
  version = 0;
  readonly #topics = new Map<string, CatalogTopic>();
  #made = 0;

  set(name: string, partitions: number, racks = ''): Uuid {
    this.version += 1;
    const id = this.#topics.get(name)?.id ?? this.#newId();
    this.#topics.set(name, { name, id, partitions, racks: () => racks });
    return id;
  }

  delete(name: string): void {
    this.version += 1;
    this.#topics.delete(name);
  }

  named(name: string): CatalogTopic | undefined {
    return this.#topics.get(name);
  }

  idOf(name: string): Uuid | undefined {
    return this.#topics.get(name)?.id;
  }

  withId(id: Uuid): CatalogTopic | undefined {
    return [...this.#topics.values()].find((topic) => topic.id === id);
  }

  names(): Iterable<string> {
    return this.#topics.keys();
  }

  #newId(): Uuid {
    this.#made += 1;
    return `${String(this.#made).padStart(8, '0')}${ZERO_UUID.slice(8)}` as Uuid;
  }
}
