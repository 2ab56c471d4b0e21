// The program's PostgreSQL: the one that DATABASE_URL names, or an embedded one in the data folder.
import { join, resolve } from 'node:path';
import type { Logger } from '@milepost/core';
import { connectDatabase, type EmbeddedPostgres, startEmbeddedPostgres } from '@milepost/postgres';
import type { Settings } from '@milepost/settings';
import { Global, Inject, Injectable, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { Lifecycle, type Part } from './lifecycle.ts';
import { DATABASE, LOGGER, SETTINGS } from './tokens.ts';

@Injectable()
export class DatabasePart implements Part {
  readonly name = 'PostgreSQL';
  readonly phase = 'database';
  #embedded: EmbeddedPostgres | undefined;
  #source: DataSource | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(LOGGER) private readonly logger: Logger,
    lifecycle: Lifecycle,
  ) {
    lifecycle.register(this);
  }

  async start(aborted: AbortSignal): Promise<void> {
    const { logger, settings } = this;
    if (!settings.databaseUrl)
      this.#embedded = await startEmbeddedPostgres({ dataDir: join(resolve(settings.dataDir), 'postgres'), logger });
    const url = settings.databaseUrl ?? this.#embedded?.url ?? '';
    this.#source = await connectDatabase(url, { logger, signal: aborted });
  }

  async stop(): Promise<void> {
    await this.#source?.destroy();
    await this.#embedded?.stop();
  }

  source(): DataSource {
    if (!this.#source) throw new Error('the database is used before its phase');
    return this.#source;
  }
}

@Global()
@Module({
  providers: [
    DatabasePart,
    { provide: DATABASE, useFactory: (part: DatabasePart) => () => part.source(), inject: [DatabasePart] },
  ],
  exports: [DATABASE],
})
export class DatabaseModule {}
