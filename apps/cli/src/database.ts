// The database of a command: that of DATABASE_URL, that of the running appliance, or that of a stopped appliance, started for the
// command.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { silentLogger } from '@milepost/core';
import { connectDatabase, runningEmbeddedPostgres, startEmbeddedPostgres } from '@milepost/postgres';
import type { Settings } from '@milepost/settings';
import { createLogger } from '@milepost/telemetry';
import type { DataSource } from 'typeorm';

const CONNECT_MS = 30_000;

interface Wanted {
  /** For the log. */
  readonly command: string;
  /** Makes the database of a data folder that has none yet. */
  readonly mayCreate?: true;
}

export async function withDatabase<Result>(
  settings: Settings,
  { command, mayCreate }: Wanted,
  work: (url: string) => Promise<Result>,
): Promise<Result> {
  if (settings.databaseUrl) return work(settings.databaseUrl);
  const dataDir = join(resolve(settings.dataDir), 'postgres');
  if (!existsSync(dataDir) && !mayCreate)
    throw new Error(
      `there is no database in ${dataDir}: set MILEPOST_DATA_DIR to an appliance's data folder, or DATABASE_URL`,
    );
  const running = runningEmbeddedPostgres(dataDir);
  if (running !== undefined) return work(running);
  const logger = createLogger({ name: command, level: 'warn', format: settings.logFormat });
  const postgres = await startEmbeddedPostgres({ dataDir, logger });
  try {
    return await work(postgres.url);
  } finally {
    await postgres.stop();
  }
}

/** The same, connected. */
export function withDataSource<Result>(
  settings: Settings,
  wanted: Wanted,
  work: (database: DataSource) => Promise<Result>,
): Promise<Result> {
  return withDatabase(settings, wanted, async (url) => {
    const database = await connected(url);
    try {
      return await work(database);
    } finally {
      await database.destroy();
    }
  });
}

async function connected(url: string): Promise<DataSource> {
  const signal = AbortSignal.timeout(CONNECT_MS);
  try {
    return await connectDatabase(url, { logger: silentLogger, poolSize: 3, signal });
  } catch (failure) {
    if (!signal.aborted) throw failure;
    throw new Error(`PostgreSQL could not be reached within ${CONNECT_MS / 1000} s: start it, or correct DATABASE_URL`);
  }
}
