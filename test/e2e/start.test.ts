// Mistakes of a user at the start: one line that names what was seen and the cure, and a status that is not 0.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { testSettings, dataFolder, Program } from './support/program.ts';

/** Lines for the user; the JSON lines of the log are for machines. */
const lines = (log: string): string[] => log.split('\n').filter((line) => line !== '' && !line.startsWith('{'));

async function fails(env: Record<string, string>): Promise<string> {
  const { status, log } = await Program.run('appliance', { ...testSettings, MILEPOST_DATA_DIR: dataFolder(), ...env });
  expect(status).toBe(1);
  const said = lines(log);
  expect(said).toHaveLength(1);
  expect(log).not.toMatch(/\n\s+at /);
  return said[0] as string;
}

async function taken(): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as { port: number }).port, server };
}

test.each(['KAFKA', 'MQTT', 'MQTT_WS', 'HTTP'])('the port %s is in use', async (which) => {
  const { port, server } = await taken();
  expect(await fails({ [`MILEPOST_${which}_PORT`]: String(port) })).toContain(String(port));
  server.close();
});

test('a setting is out of range', async () => {
  expect(await fails({ MILEPOST_KAFKA_PORT: '70000' })).toContain('MILEPOST_KAFKA_PORT: expected a port');
});

test('the data folder belongs to a running Milepost', async () => {
  const data = dataFolder();
  const first = await Program.start('appliance', { ...testSettings, MILEPOST_DATA_DIR: data });
  expect(await fails({ MILEPOST_DATA_DIR: data })).toMatch(/another|in use|held/);
  expect(await first.stop()).toBe(0);
});

test('the data folder cannot be written', async () => {
  const data = join(dataFolder(), 'file');
  writeFileSync(data, 'not a folder');
  expect(await fails({ MILEPOST_DATA_DIR: data })).toContain(data);
  if (process.getuid?.() === 0) return; // root may write anywhere
  const closed = join(dataFolder(), 'closed');
  mkdirSync(closed);
  chmodSync(closed, 0o500);
  expect(await fails({ MILEPOST_DATA_DIR: closed })).toContain(closed);
});

test('the log belongs to another cluster than the database', async () => {
  const data = dataFolder();
  const first = await Program.start('appliance', { ...testSettings, MILEPOST_DATA_DIR: data });
  await first.stop();
  const properties = join(data, 'log', 'meta.properties');
  writeFileSync(properties, 'version=1\ncluster.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=1\n');
  expect(await fails({ MILEPOST_DATA_DIR: data })).toContain('AAAAAAAAAAAAAAAAAAAAAA');
});

const nowhere = 'postgres://me:secret@127.0.0.1:1/x';

test('PostgreSQL cannot be reached', async () => {
  const said = await fails({ DATABASE_URL: nowhere, MILEPOST_DATABASE_WAIT_SECONDS: '1' });
  expect(said).toContain('correct DATABASE_URL');
});

test('Ctrl-C ends the wait for PostgreSQL, and no password is printed', async () => {
  const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder(), DATABASE_URL: nowhere };
  const waiting = Program.launch('appliance', env);
  await waiting.says(/cannot be reached/);
  expect(waiting.log).not.toContain('secret');
  expect(await waiting.stop()).toBe(0);
});

test('a migration gives up on a database that cannot be reached, after the wait that is set', async () => {
  const { port, server } = await taken();
  await new Promise((resolve) => server.close(resolve)); // nothing listens there now
  const settings = { DATABASE_URL: `postgres://me@127.0.0.1:${port}/m`, MILEPOST_DATABASE_WAIT_SECONDS: '1' };
  const { status, log } = await Program.run('cli', settings, ['migrate']);
  expect(status).toBe(1);
  expect(lines(log)).toEqual([
    expect.stringMatching(/could not be reached within 1 s.*MILEPOST_DATABASE_WAIT_SECONDS/),
  ]);
});
