// The topics of the newest image, as the group coordinator reads them.
import type { Uuid } from '@milepost/core';
import type { CatalogTopic, TopicCatalog } from '@milepost/coordinators';
import type { ClusterImage, TopicState } from '@milepost/metadata';

export class ImageCatalog implements TopicCatalog {
  readonly #image: () => ClusterImage;

  constructor(image: () => ClusterImage) {
    this.#image = image;
  }

  get version(): number {
    return this.#image().version;
  }

  named(name: string): CatalogTopic | undefined {
    return this.#asCatalogTopic(this.#image().topics.get(name));
  }

  idOf(name: string): Uuid | undefined {
    return this.#image().topics.get(name)?.id;
  }

  withId(id: Uuid): CatalogTopic | undefined {
    return this.#asCatalogTopic(this.#image().topicsById.get(id));
  }

  names(): Iterable<string> {
    return this.#image().topics.keys();
  }

  #asCatalogTopic(topic: TopicState | undefined): CatalogTopic | undefined {
    if (!topic) return undefined;
    const { name, id, partitions } = topic;
    return { name, id, partitions: partitions.length, racks: () => racksOf(topic, this.#image().brokers) };
  }
}

function racksOf({ partitions }: TopicState, brokers: ClusterImage['brokers']): string {
  if (![...brokers.values()].some(({ rack }) => rack !== null)) return '';
  return partitions.map(({ replicas }) => replicas.map((id) => brokers.get(id)?.rack ?? '').toSorted()).join(';');
}
