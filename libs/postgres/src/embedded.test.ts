import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, silentLogger } from '@milepost/core';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
import { isAlive } from './embedded/process.ts';
import { type TestFolder, testFolder } from './testing/folder.ts';
import { run } from './testing/program.ts';

const asRoot = process.getuid?.() === 0;
const rootTest = asRoot ? test : test.skip;
const logger = silentLogger;
let folder: TestFolder;
let dataDir: string;
beforeAll(() => {
  folder = testFolder();
  dataDir = join(folder.path, 'pg');
});
afterAll(() => folder.remove());

test('a new database is created, survives a restart, and starts quickly then', async () => {
  let postgres = await startEmbeddedPostgres({ dataDir, logger });
  await query(postgres, 'CREATE TABLE kept (value int)');
  await query(postgres, 'INSERT INTO kept VALUES (7)');
  await postgres.stop();
  postgres = await startEmbeddedPostgres({ dataDir, logger });
  expect(await query(postgres, 'SELECT value FROM kept')).toEqual([{ value: 7 }]);
  await postgres.stop();
  await postgres.stop();
  expect(existsSync(join(postgres.folder, 'cluster', 'postmaster.pid'))).toBe(false);
});

test('it syncs its commits, is unreachable for other users, and runs in its own process group', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir, logger });
  const settings = await query(
    postgres,
    `SELECT name, setting FROM pg_settings WHERE name = ANY('{fsync,synchronous_commit,full_page_writes,listen_addresses}')`,
  );
  expect(settings).toEqual(
    expect.arrayContaining([
      { name: 'fsync', setting: 'on' },
      { name: 'synchronous_commit', setting: 'on' },
      { name: 'full_page_writes', setting: 'on' },
      { name: 'listen_addresses', setting: '' },
    ]),
  );
  expect(statSync(join(postgres.folder, 'run')).mode & 0o777).toBe(0o700);
  const pid = postmasterOf(postgres);
  if (process.platform === 'linux') expect(processGroupOf(pid)).toBe(pid);
  await postgres.stop();
});

test('variables that a user has set for another PostgreSQL change nothing', async () => {
  const variables = {
    PGPORT: '1',
    PGSSLMODE: 'require',
    PGHOST: '/nowhere',
    PGDATA: '/nowhere',
    PGDATABASE: 'nothing',
  };
  Object.assign(process.env, variables);
  try {
    const postgres = await startEmbeddedPostgres({ dataDir, logger });
    expect(await query(postgres, 'SELECT current_database() AS name')).toEqual([{ name: 'postgres' }]);
    await postgres.stop();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
});

test('a second owner is refused in one line, in this process and in another', async () => {
  const postgres = await startEmbeddedPostgres({ dataDir, logger });
  await expect(startEmbeddedPostgres({ dataDir, logger })).rejects.toThrow(
    new RegExp(`in use by process ${process.pid}: stop that first`),
  );
  const other = run('owner.ts', dataDir);
  const { code, stderr } = await other.ended;
  expect(code).not.toBe(0);
  expect(stderr).toContain(`in use by process ${process.pid}`);
  expect(await query(postgres, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await postgres.stop();
});

test('a server that is killed is restarted, at the same address', async () => {
  const lines: string[] = [];
  const postgres = await startEmbeddedPostgres({ dataDir, logger: recorder(lines) });
  const pid = postmasterOf(postgres);
  process.kill(pid, 'SIGKILL');
  await until(
    async () => (await query(postgres, 'SELECT 1').catch(() => [])).length > 0 && postmasterOf(postgres) !== pid,
  );
  expect(lines.some((line) => line.includes('PostgreSQL has ended (exit SIGKILL): starting it again'))).toBe(true);
  await postgres.stop();
  await until(async () => !isAlive(pid));
});

test('a server that recovers from the death of one of its processes is not restarted', async () => {
  const lines: string[] = [];
  const postgres = await startEmbeddedPostgres({ dataDir, logger: recorder(lines) });
  const postmaster = postmasterOf(postgres);
  const [row] = (await query(postgres, `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`)) as [
    { pid: number },
  ];
  process.kill(row.pid, 'SIGKILL');
  await until(async () => !isAlive(row.pid) && (await query(postgres, 'SELECT 1')).length > 0);
  expect(postmasterOf(postgres)).toBe(postmaster);
  await postgres.stop();
  expect(lines).toEqual([]);
});

test('the server of an owner that was killed is stopped by the next one, which continues with its data', async () => {
  const owner = run('owner.ts', dataDir);
  const url = await owner.firstLine;
  const orphan = Number(readFileSync(join(dataDir, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0]);
  await query({ url }, 'DROP TABLE IF EXISTS orphan');
  await query({ url }, 'CREATE TABLE orphan AS SELECT 5 AS value');
  owner.kill('SIGKILL');
  await owner.ended;
  expect(isAlive(orphan)).toBe(true);
  const lines: string[] = [];
  const postgres = await startEmbeddedPostgres({ dataDir, logger: recorder(lines) });
  expect(lines).toContain('stopping the PostgreSQL that an earlier run left behind');
  expect(isAlive(orphan)).toBe(false);
  expect(await query(postgres, 'SELECT value FROM orphan')).toEqual([{ value: 5 }]);
  await postgres.stop();
});

test.each(['exit', 'throw'])('a program that ends by %s leaves no server behind', async (end) => {
  const owner = run('owner.ts', dataDir, end);
  expect((await owner.ended).code).not.toBe(0);
  await until(async () => !existsSync(join(dataDir, 'cluster', 'postmaster.pid')));
  const lines: string[] = [];
  await (await startEmbeddedPostgres({ dataDir, logger: recorder(lines) })).stop();
  expect(lines).not.toContain('stopping the PostgreSQL that an earlier run left behind');
});

test('a process id that another program has by now does not prevent a start', async () => {
  writeFileSync(join(dataDir, 'owner'), `${process.pid} 1\n`);
  const file = join(dataDir, 'cluster', 'postmaster.pid');
  writeFileSync(file, `${process.pid}\n${join(dataDir, 'cluster')}\n`);
  chmodSync(file, 0o644);
  await (await startEmbeddedPostgres({ dataDir, logger })).stop();
});

test('a folder too deep for a socket gets a port outside the ephemeral range, with a password', async () => {
  const deep = join(folder.path, 'd'.repeat(100), 'pg');
  mkdirSync(deep, { recursive: true });
  for (let path = deep; path !== folder.path; path = join(path, '..')) chmodSync(path, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir: deep, logger });
  const url = new URL(postgres.url);
  expect(Number(url.port)).toBeLessThan(32_768);
  expect(await query(postgres, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  url.password = 'wrong';
  await expect(query({ url: url.href }, 'SELECT 1')).rejects.toThrow(/password authentication failed/);
  await postgres.stop();
});

test('a database whose creation was interrupted is recreated', async () => {
  const half = join(folder.path, 'half');
  mkdirSync(join(half, 'cluster.new'), { recursive: true });
  writeFileSync(join(half, 'cluster.new', 'PG_VERSION'), '18\n');
  const postgres = await startEmbeddedPostgres({ dataDir: half, logger });
  expect(readdirSync(half)).not.toContain('cluster.new');
  await postgres.stop();
});

test('a database that does not start is reported in one line, and can be started once the cause is fixed', async () => {
  const broken = join(dataDir, 'cluster', 'postgresql.conf');
  const good = readFileSync(broken, 'utf8');
  writeFileSync(broken, `${good}\nno_such_setting = 1\n`);
  await expect(startEmbeddedPostgres({ dataDir, logger })).rejects.toThrow(/does not start in .*no_such_setting/);
  writeFileSync(broken, good);
  await (await startEmbeddedPostgres({ dataDir, logger })).stop();
});

rootTest('where its server cannot go, the database goes elsewhere, says so, and is found again', async () => {
  const closed = join(folder.path, 'closed');
  const elsewhere = join(folder.path, 'elsewhere');
  mkdirSync(closed, { mode: 0o700 });
  const lines: string[] = [];
  const options = { dataDir: join(closed, 'data', 'pg'), elsewhere, logger: recorder(lines) };
  const first = await startEmbeddedPostgres(options);
  expect(first.folder.startsWith(`${elsewhere}/data-`)).toBe(true);
  expect(lines.join()).toContain(`the database lies in ${first.folder}, as its server cannot enter ${closed}`);
  await query(first, 'CREATE TABLE kept AS SELECT 1 AS value');
  await first.stop();
  const second = await startEmbeddedPostgres(options);
  expect(await query(second, 'SELECT value FROM kept')).toEqual([{ value: 1 }]);
  await second.stop();
  rmSync(options.dataDir, { recursive: true });
  const fresh = await startEmbeddedPostgres(options);
  expect(fresh.folder).not.toBe(first.folder);
  await fresh.stop();
});

rootTest('binaries that the server’s user cannot reach are copied once', async () => {
  const { serverBinaries } = await import('./embedded/binaries.ts');
  const lines: string[] = [];
  const home = { folder: join(folder.path, 'copy'), user: { uid: 65_534, gid: 65_534 }, closed: undefined };
  const native = join(folder.path, 'shut', 'native');
  mkdirSync(join(native, 'lib'), { recursive: true, mode: 0o700 });
  mkdirSync(home.folder);
  writeFileSync(join(native, '..', 'package.json'), '{"version":"18.0.0"}');
  writeFileSync(join(native, 'lib', 'libx.so.1.2'), 'x');
  writeFileSync(
    join(native, 'pg-symlinks.json'),
    '[{"source":"native/lib/libx.so.1.2","target":"native/lib/libx.so.1"}]',
  );
  chmodSync(join(folder.path, 'shut'), 0o700);
  const binaries = serverBinaries(home, recorder(lines), native);
  expect(binaries).toBe(join(home.folder, 'server-18.0.0', 'bin'));
  expect(readFileSync(join(binaries, '..', 'lib', 'libx.so.1'), 'utf8')).toBe('x');
  serverBinaries(home, recorder(lines), native);
  expect(lines).toHaveLength(1);
});

async function query(postgres: Pick<EmbeddedPostgres, 'url'>, sql: string): Promise<object[]> {
  const client = new pg.Client({ connectionString: postgres.url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<object>(sql)).rows;
  } finally {
    await client.end();
  }
}

function recorder(lines: string[]): Logger {
  const say = (_: object, message: string): void => void lines.push(message);
  return { debug: () => {}, info: say, warn: say, error: say };
}

const postmasterOf = ({ folder: home }: EmbeddedPostgres): number =>
  Number(readFileSync(join(home, 'cluster', 'postmaster.pid'), 'utf8').split('\n')[0]);

const processGroupOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
};

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds().catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 20));
}
