// A whole server that went back: only its own identifier, timeline and log reveal it.
import { execFileSync } from 'node:child_process';
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@milepost/core';
import { type ClusterImage, isSameOrigin, type Sighting } from '@milepost/metadata';
import pg from 'pg';
import { connectDatabase } from './connect.ts';
import { startEmbeddedPostgres } from './embedded.ts';
import { PostgresMetadataStore } from './postgres-metadata-store.ts';
import { type TestFolder, testFolder } from './testing/folder.ts';

let folder: TestFolder;
let cluster: string;
beforeEach(() => {
  folder = testFolder();
});
afterEach(() => folder.remove());

interface Life {
  readonly image: ClusterImage;
  readonly sighting: Sighting;
  readonly lines: readonly string[];
}

/** One life of the server: the result of opening a store that remembers `seen`, and its memory at the end. */
async function life(
  seen?: Sighting,
  work: (store: PostgresMetadataStore) => Promise<unknown> = async () => {},
  user?: string,
): Promise<Life> {
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder.path, 'pg'), logger: silentLogger });
  cluster = join(postgres.folder, 'cluster');
  const url = user ? postgres.url.replace(/\/\/[^@/]*@/, `//${user}@`) : postgres.url;
  const database = await connectDatabase(url, { logger: silentLogger });
  const lines: string[] = [];
  const logger: Logger = { ...silentLogger, info: (_, message) => lines.push(message) };
  const store = new PostgresMetadataStore(database, { logger, timeoutMs: 120_000 });
  try {
    const image = await store.open(seen);
    await work(store);
    await store.commit(() => []); // another check
    return { image, sighting: store.sighting() as Sighting, lines };
  } finally {
    await store.close();
    await database.destroy();
    await postgres.stop();
  }
}

test('restored files of an older backup are recognized, though the metadata is the same', async () => {
  await life();
  const backup = join(folder.path, 'backup');
  execFileSync('cp', ['-a', cluster, backup]);
  const last = await life(undefined, (store) => store.allocateProducerIds(1, 0n));
  expect((await life(last.sighting)).image).toEqual(last.image); // a restart is no loss
  rmSync(cluster, { recursive: true });
  execFileSync('cp', ['-a', backup, cluster]);
  const { image } = await life(last.sighting);
  expect(isSameOrigin(image.origin, last.image.origin)).toBe(false);
  expect(image.version).toBe(last.image.version + 1);
});

test('a server that was promoted is of another timeline', async () => {
  const first = await life();
  expect(first.image.origin).toMatchObject({ systemId: expect.stringMatching(/^\d+$/) as string, timeline: 1 });
  appendFileSync(join(cluster, 'postgresql.auto.conf'), `restore_command = 'false'\n`);
  writeFileSync(join(cluster, 'recovery.signal'), '');
  const { image } = await life(first.sighting);
  expect(image.origin).toMatchObject({ systemId: first.image.origin.systemId, timeline: 2 });
  expect(image.version).toBe(first.image.version + 1);
});

test('a role that may not query the server’s history logs it once, and works', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir: join(folder.path, 'pg'), logger: silentLogger });
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('CREATE ROLE plain LOGIN');
  await client.query('GRANT CREATE, USAGE ON SCHEMA public TO plain');
  await client.query('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
  await client.end();
  await postgres.stop();
  const { image, sighting, lines } = await life(undefined, undefined, 'plain');
  expect(image.origin).toEqual({ systemId: '', timeline: 0, lineage: 'first' });
  expect(sighting.position).toBe(0n);
  expect(lines).toEqual([expect.stringContaining('permission denied for function pg_control_system')]);
});
