import type { Logger } from '@milepost/core';
import type { MetadataStore } from '@milepost/metadata';
import type { DataSource } from 'typeorm';

export declare class PostgresMetadataStore implements MetadataStore {
  constructor(database: DataSource, options: { readonly logger: Logger; readonly timeoutMs?: number });
  open: MetadataStore['open'];
  commit: MetadataStore['commit'];
  watch: MetadataStore['watch'];
  allocateProducerIds: MetadataStore['allocateProducerIds'];
  close: MetadataStore['close'];
}
