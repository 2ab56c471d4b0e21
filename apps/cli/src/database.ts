// The database of a command: that of DATABASE_URL, that of the running appliance, or that of a stopped appliance, started for the
// command.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runningEmbeddedPostgres, startEmbeddedPostgres } from '@milepost/postgres';
import type { Settings } from '@milepost/settings';
import { createLogger } from '@milepost/telemetry';

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
