// What a backup refuses. test/fault (restore-embedded, restore-external) takes real ones.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@milepost/core';
import { connectDatabase, type EmbeddedPostgres, startEmbeddedPostgres } from '@milepost/postgres';
import { takeBackup } from './take-backup.ts';

const folder = mkdtempSync(join(tmpdir(), 'milepost-take-backup-'));
chmodSync(folder, 0o711); // PostgreSQL's own user enters it
const logger = silentLogger;
let postgres: EmbeddedPostgres;
beforeAll(async () => (postgres = await startEmbeddedPostgres({ dataDir: join(folder, 'pg'), logger })));
afterAll(async () => {
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

/** A backup of one broker's folder, with a database in which these brokers are registered. */
async function backupWith(brokerIds: readonly number[]): Promise<unknown> {
  const database = await connectDatabase(postgres.url, { logger });
  await database.query(`INSERT INTO cluster VALUES (1, 'cluster') ON CONFLICT DO NOTHING`);
  await database.query('DELETE FROM brokers');
  for (const id of brokerIds)
    await database.query(`INSERT INTO brokers (id, epoch, host, port) VALUES ($1, 1, 'here', 9092)`, [id]);
  await database.destroy();
  const logFolder = join(folder, `log-${brokerIds.length}`);
  mkdirSync(logFolder);
  writeFileSync(join(logFolder, 'meta.properties'), 'version=1\ncluster.id=cluster\nnode.id=1\n');
  const target = join(folder, `backup-${brokerIds.length}`);
  return takeBackup({ databaseUrl: postgres.url, logFolder, target, say: () => {} }).then(
    () => existsSync(target),
    (error: Error) => error.message,
  );
}

test('a backup of a cluster is refused, as it would have the log of one broker only', async () => {
  expect(await backupWith([1, 2, 3])).toBe(
    'the cluster has 3 brokers (1, 2, 3), and a backup copies the log of one: stop all of them, then copy every data folder ' +
      'and the database (docs/OPERATING.md)',
  );
  expect(readdirSync(folder).filter((name) => name.startsWith('backup'))).toEqual([]);
  expect(await backupWith([1])).toBe(true);
});
