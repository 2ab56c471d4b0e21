// The program's PostgreSQL: the one that DATABASE_URL names, or an embedded one in the data folder.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { RESTORING } from '@milepost/backup';
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
    refuseHalfRestored(resolve(settings.dataDir));
    if (!settings.databaseUrl)
      this.#embedded = await startEmbeddedPostgres({ dataDir: join(resolve(settings.dataDir), 'postgres'), logger });
    this.#source = await databaseWithin(settings.databaseWaitSeconds, this.url, logger, aborted);
  }

  async stop(): Promise<void> {
    await this.#source?.destroy();
    await this.#embedded?.stop();
  }

  /** For other programs on this machine. */
  get url(): string {
    const url = this.settings.databaseUrl ?? this.#embedded?.url;
    if (url === undefined) throw new Error('the database is used before its phase');
    return url;
  }

  source(): DataSource {
    if (!this.#source) throw new Error('the database is used before its phase');
    return this.#source;
  }
}

/** Waits that long for a database that cannot be reached. @throws one line with the cure; the signal's reason */
export async function databaseWithin(
  seconds: number,
  url: string,
  logger: Logger,
  aborted: AbortSignal = new AbortController().signal,
): Promise<DataSource> {
  const tired = AbortSignal.timeout(seconds * 1000);
  try {
    return await connectDatabase(url, { logger, signal: AbortSignal.any([aborted, tired]) });
  } catch (error) {
    throw tired.aborted && !aborted.aborted ? unreachable(seconds) : error;
  }
}

function refuseHalfRestored(dataDir: string): void {
  if (existsSync(join(dataDir, RESTORING)))
    throw new Error(
      `a restore into ${dataDir} did not finish: run milepost restore again, or remove ${dataDir} and start without it`,
    );
}

const unreachable = (seconds: number): Error =>
  new Error(
    `PostgreSQL could not be reached within ${seconds} s: start it, correct DATABASE_URL, ` +
      'or let a start wait for longer (MILEPOST_DATABASE_WAIT_SECONDS)',
  );

@Global()
@Module({
  providers: [
    DatabasePart,
    { provide: DATABASE, useFactory: (part: DatabasePart) => () => part.source(), inject: [DatabasePart] },
  ],
  exports: [DATABASE, DatabasePart],
})
export class DatabaseModule {}
