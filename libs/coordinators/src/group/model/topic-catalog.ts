// A coordinator's view of topics: the broker's newest image of them.
import type { Uuid } from '@milepost/core';

export interface TopicCatalog {
  /** Changes whenever topics do. */
  readonly version: number;
  named(name: string): CatalogTopic | undefined;
  /** The id of the topic with that name. */
  idOf(name: string): Uuid | undefined;
  withId(id: Uuid): CatalogTopic | undefined;
  names(): Iterable<string>;
}

export interface CatalogTopic {
  readonly name: string;
  readonly id: Uuid;
  /** How many. */
  readonly partitions: number;
  /** Where its replicas are, partition by partition; '' where no broker has a rack. */
  racks(): string;
}
