// The topics of the newest image, as the group coordinator wants to see them.
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
    return asCatalogTopic(this.#image().topics.get(name));
  }

  withId(id: Uuid): CatalogTopic | undefined {
    return asCatalogTopic(this.#image().topicsById.get(id));
  }

  names(): Iterable<string> {
    return this.#image().topics.keys();
  }
}

const asCatalogTopic = (topic: TopicState | undefined): CatalogTopic | undefined =>
  topic && { name: topic.name, id: topic.id, partitions: topic.partitions.length };
