// Committed offsets of topics that are gone. A topic that was deleted and created again has the same name and another id: what
// was committed for the former one means nothing in the latter, and a group that started there would skip records.
import { type Uuid, ZERO_UUID } from '@milepost/core';
import type { Offsets } from './model/offsets.ts';
import type { PendingOffsets } from './model/pending-offsets.ts';
import type { GroupEvent, StoredOffset } from './model/store.ts';
import type { TopicCatalog } from './model/topic-catalog.ts';

/** An offset without a topic id belongs to whatever topic has the name. */
export function isOrphaned({ topic, topicId }: StoredOffset, catalog: TopicCatalog): boolean {
  return topicId === ZERO_UUID ? catalog.named(topic) === undefined : catalog.withId(topicId) === undefined;
}

/** `deleted`: names of topics that were seen to go, for offsets without a topic id. */
export function removalOfOrphans(
  offsets: Offsets,
  pending: PendingOffsets,
  catalog: TopicCatalog,
  deleted: ReadonlySet<string> = new Set(),
): GroupEvent[] {
  const committed = [...offsets.topics()].flatMap((topic) => [...offsets.of(topic)]);
  return [...committed, ...pending.all().map(({ offset }) => offset)]
    .filter((each) => isOrphaned(each, catalog) || (each.topicId === ZERO_UUID && deleted.has(each.topic)))
    .map(({ groupId, topic, partition }) => ({ type: 'offset-deleted', groupId, topic, partition }));
}

/** The topics of a catalog as they were last seen. There may be ten thousand: a change costs one pass over their names. */
export class SeenTopics {
  readonly #catalog: TopicCatalog;
  readonly #ids = new Map<string, Uuid>();
  #version = -1;

  constructor(catalog: TopicCatalog) {
    this.#catalog = catalog;
    this.deleted();
  }

  /** Names of the topics that have gone since the last call, also where other topics have their names now. */
  deleted(): ReadonlySet<string> {
    const deleted = new Set<string>();
    if (this.#version === this.#catalog.version) return deleted;
    this.#version = this.#catalog.version;
    for (const [name, id] of this.#ids)
      if (this.#catalog.idOf(name) !== id) {
        deleted.add(name);
        this.#ids.delete(name);
      }
    for (const name of this.#catalog.names()) {
      const id = this.#catalog.idOf(name);
      if (id !== undefined) this.#ids.set(name, id);
    }
    return deleted;
  }
}
