// `milepost migrate`: migrates the database of DATABASE_URL to this version, for a job that runs before the apps.
import { connectDatabase } from '@milepost/postgres';
import { readSettings } from '@milepost/settings';
import { createLogger } from '@milepost/telemetry';

export async function migrate(): Promise<void> {
  const { databaseUrl, logLevel, logFormat } = readSettings('appliance', process.env);
  if (!databaseUrl) throw new Error('DATABASE_URL is not set: the embedded PostgreSQL migrates itself when it starts');
  const logger = createLogger({ name: 'migrate', level: logLevel, format: logFormat });
  const source = await connectDatabase(databaseUrl, { logger });
  await source.destroy();
  process.stdout.write('the database is at this version\n');
}
