import type { Logger } from '@milepost/core';
import type { DataSource } from 'typeorm';

export interface ConnectOptions {
  readonly logger: Logger;
  /** Stops waiting for a database that is away; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

export declare function connectDatabase(url: string, options: ConnectOptions): Promise<DataSource>;
