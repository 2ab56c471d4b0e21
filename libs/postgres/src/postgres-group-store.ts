import type { Logger } from '@milepost/core';
import type { GroupStore } from '@milepost/coordinators';
import type { DataSource } from 'typeorm';

export declare class PostgresGroupStore implements GroupStore {
  constructor(database: DataSource, options: { readonly logger: Logger; readonly timeoutMs?: number });
  take: GroupStore['take'];
  persist: GroupStore['persist'];
}
