// Inputs that a restore refuses, and that it changes nothing then. test/fault (restore-embedded, restore-external)
// shows that a restored appliance has the data of the original.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { restoreBackup } from './restore-backup.ts';

let source: string;
let dataDir: string;

const manifest = {
  format: 1,
  takenAt: '2026-11-30T12:00:00.000Z',
  clusterId: 'cluster',
  migrations: [] as string[],
  tables: [],
  after: { deletedTopicIds: [], nextProducerId: '0' },
  partitions: [
    { topic: 'kept', topicId: 'id', partition: 0, logStartOffset: 3, endOffset: 12, cleanedUpTo: 0 },
    { topic: 'empty', topicId: 'id', partition: 1, logStartOffset: 0, endOffset: 0, cleanedUpTo: 0 },
  ],
};
const files = {
  'manifest.json': JSON.stringify(manifest),
  'log/meta.properties': 'cluster.id=cluster\n',
  'log/kept-0/00000000000000000000.log': 'batches',
  'log/empty-1/00000000000000000000.log': '',
  'log/deleted-0/00000000000000000000.log': 'of a topic that was deleted meanwhile',
};

function write(content: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(content)) {
    mkdirSync(dirname(join(source, name)), { recursive: true });
    writeFileSync(join(source, name), text);
  }
  const sums = Object.entries(content).map(
    ([name, text]) => `${createHash('sha256').update(text).digest('hex')}  ${name}\n`,
  );
  writeFileSync(join(source, 'SHA256SUMS'), sums.join(''));
}

beforeEach(() => {
  source = mkdtempSync(join(tmpdir(), 'backup-'));
  dataDir = join(mkdtempSync(join(tmpdir(), 'restored-')), 'data');
  write(files);
});
afterEach(() => {
  for (const folder of [source, dirname(dataDir)]) rmSync(folder, { recursive: true });
});

const embedded = (folder: string): Promise<void> => {
  mkdirSync(folder);
  return Promise.resolve();
};
const restore = (withEmbedded = embedded, isInUse = false) =>
  restoreBackup({ source, dataDir, databaseUrl: undefined, withEmbedded, isInUse: () => isInUse, say: () => {} });

test('the log is restored as after a clean stop, with its start and end, without deleted records', async () => {
  await restore();
  expect(readdirSync(dataDir).toSorted()).toEqual(['log', 'postgres']);
  const text = (name: string): string => readFileSync(join(dataDir, 'log', name), 'utf8');
  expect(text('kept-0/00000000000000000000.log')).toBe('batches');
  expect(text('recovery-point-offset-checkpoint')).toBe('0\n1\nkept 0 12\n');
  expect(text('log-start-offset-checkpoint')).toBe('0\n1\nkept 0 3\n');
  expect(existsSync(join(dataDir, 'log', '.kafka_cleanshutdown'))).toBe(true);
  expect(existsSync(join(dataDir, 'log', 'deleted-0'))).toBe(false);
});

test.each([
  [
    'a byte that has changed',
    () => writeFileSync(join(source, 'log/kept-0/00000000000000000000.log'), 'Batches'),
    /is damaged: sha256 of log\/kept-0/,
  ],
  [
    'a file that is missing',
    () => rmSync(join(source, 'log/meta.properties')),
    /is damaged: log\/meta.properties is missing/,
  ],
  [
    'a file too many',
    () => writeFileSync(join(source, 'log/more'), ''),
    /is damaged: SHA256SUMS does not list log\/more/,
  ],
  ['no checksums', () => rmSync(join(source, 'SHA256SUMS')), /is not a backup: it has no SHA256SUMS/],
  ['no manifest', () => rmSync(join(source, 'manifest.json')), /is not a backup: manifest.json is missing or damaged/],
  [
    'a later format',
    () => write({ ...files, 'manifest.json': '{"format":2}' }),
    /of format 2, this milepost reads up to 1: use a newer one/,
  ],
  [
    'a later version of the tables',
    () => write({ ...files, 'manifest.json': JSON.stringify({ ...manifest, migrations: ['Later1900000000000'] }) }),
    /of a newer version \(Later1900000000000\): restore it with that milepost or a newer one/,
  ],
])('%s is found before anything is changed', async (_, spoil, message) => {
  spoil();
  await expect(restore()).rejects.toThrow(message);
  expect(existsSync(dataDir)).toBe(false);
});

test('a data folder that is not empty is refused, and one in use has its own error', async () => {
  mkdirSync(join(dataDir, 'log'), { recursive: true });
  await expect(restore()).rejects.toThrow(/is not empty \(log\): move what is there away, or set MILEPOST_DATA_DIR/);
  await expect(restore(embedded, true)).rejects.toThrow(/is in use by a running appliance: stop it/);
  expect(readdirSync(dataDir)).toEqual(['log']);
});

test('a restore that was interrupted restarts', async () => {
  const interrupted = (): Promise<void> => Promise.reject(new Error('no room'));
  await expect(restore(interrupted)).rejects.toThrow('no room');
  expect(readdirSync(dataDir)).toEqual(['restoring']);
  mkdirSync(join(dataDir, 'postgres')); // already moved into place when the machine went down
  await restore();
  expect(readdirSync(dataDir).toSorted()).toEqual(['log', 'postgres']);
});
