// `milepost migrate`: migrates the database of DATABASE_URL to this version, for a job that runs before the apps.
import { readSettings } from '@milepost/settings';
import { createLogger } from '@milepost/telemetry';
import { databaseWithin } from '../../chassis/src/database.module.ts';

export async function migrate(): Promise<void> {
  const { databaseUrl, databaseWaitSeconds, logLevel, logFormat } = readSettings('appliance', process.env);
  if (!databaseUrl) throw new Error('DATABASE_URL is not set: the embedded PostgreSQL migrates itself when it starts');
  const logger = createLogger({ name: 'migrate', level: logLevel, format: logFormat });
  const source = await databaseWithin(databaseWaitSeconds, databaseUrl, logger);
  await source.destroy();
  process.stdout.write('the database is at this version\n');
}
