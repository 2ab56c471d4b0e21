// A compacted topic, as foreign programs see it: kcat reads the last value of each key across the holes, and Apache
// Kafka's DumpLogSegments finds no error in the cleaner's files.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { check, command, type Report } from '../support/run.ts';
import { codecs } from './codecs.ts';
import type { Jvm } from './jvm.ts';

const KEYS = 500;
const ROUNDS = 40;
const MOST_TRIES = 600;

/** `logFolder`: that of the broker; undefined if it is not ours. */
export const compactionCases =
  (logFolder: () => string | undefined) =>
  async (report: Report, broker: string, jvm: Jvm): Promise<void> => {
    const folder = logFolder();
    if (folder === undefined) return report.skip('compacted files', 'the files of that broker are not here');
    for (const codec of codecs)
      await report.run(
        `a topic in ${codec} is compacted, kcat reads it, DumpLogSegments finds its files in order`,
        () => compactedAndDumped(codec, broker, jvm, folder),
      );
  };

async function compactedAndDumped(codec: string, broker: string, jvm: Jvm, folder: string): Promise<void> {
  const topic = `compacted-${codec}`;
  const configs = [
    'cleanup.policy=compact',
    'segment.bytes=1048576',
    'min.cleanable.dirty.ratio=0.01',
    'delete.retention.ms=86400000',
  ];
  const create = ['--bootstrap-server', broker, '--create', '--topic', topic, '--partitions', '1'];
  const named = configs.flatMap((config) => ['--config', config]);
  const created = await jvm.run('org.apache.kafka.tools.TopicCommand', [...create, ...named]);
  check(created.status === 0, 'the topic is there', created.stdout + created.stderr);
  const noise = () => Array.from({ length: 12 }, () => Math.random().toString(36).slice(2)).join('');
  const lines: string[] = [];
  for (let round = 0; round < ROUNDS; round++)
    for (let key = 0; key < KEYS; key++)
      lines.push(key % 50 === 49 && round >= ROUNDS / 2 ? `key-${key}:` : `key-${key}:${round} ${noise()}`);
  const produce = ['-b', broker, '-P', '-t', topic, '-K', ':', '-Z', '-z', codec, '-X', 'batch.size=20000'];
  const produced = await command('kcat', [...produce, '-X', 'enable.idempotence=true'], `${lines.join('\n')}\n`);
  check(produced.status === 0, 'all is produced', produced.stderr);

  const consume = [
    '-b',
    broker,
    '-C',
    '-t',
    topic,
    '-o',
    'beginning',
    '-e',
    '-q',
    '-Z',
    '-X',
    'check.crcs=true',
    '-f',
    '%o %k %s\n',
  ];
  const partition = join(folder, `${topic}-0`);
  // The dumped files must not be replaced meanwhile.
  for (let tries = 0; !isAllClean(folder, topic) && tries < MOST_TRIES; tries++) await delay(500);
  check(isAllClean(folder, topic), 'the cleaner has been everywhere', readdirSync(partition));
  const read = (await command('kcat', consume)).stdout.split('\n').filter((line) => line !== '');
  check(read.length < lines.length * 0.9, 'the log is cleaned', `${read.length} of ${lines.length} records are left`);
  const last = new Map(read.map((line) => [line.split(' ')[1], line.split(' ')[2]]));
  check(last.size === KEYS, 'each key is there', last.size);
  for (const [key, value] of last) {
    const isDeleted = Number(key?.slice(4)) % 50 === 49;
    check(value === (isDeleted ? 'NULL' : String(ROUNDS - 1)), `${key} has its last value`, value);
  }

  const files = readdirSync(partition).map((name) => join(partition, name));
  const dump = async (extension: string, ...options: string[]): Promise<string> => {
    const list = files.filter((file) => file.endsWith(extension)).join(',');
    const dumped = await jvm.run('org.apache.kafka.tools.DumpLogSegments', ['--files', list, ...options]);
    check(dumped.status === 0, `${extension} files are dumped`, dumped.stdout.slice(-500) + dumped.stderr);
    // It reports nonconsecutive offsets for every compacted file.
    const wrong = /^.*(mismatch|not found|isvalid: false|out of order|invalid bytes|corrupt|exception).*$/im.exec(
      dumped.stdout + dumped.stderr,
    );
    check(wrong === null, `nothing is wrong in the ${extension} files`, wrong?.[0] ?? '');
    return dumped.stdout;
  };
  const deep = await dump('.log', '--deep-iteration');
  check((deep.match(/\| offset: \d+/g) ?? []).length < lines.length * 0.9, 'the files hold what is left', deep);
  await dump('.index');
  await dump('.timeindex');
  await dump('.index', '--index-sanity-check');
  await dump('.timeindex', '--index-sanity-check');
}

/** Up to the active segment: the checkpoint, a line for each partition, has the cleaner's progress. */
function isAllClean(folder: string, topic: string): boolean {
  const checkpoint = join(folder, 'cleaner-offset-checkpoint');
  if (!existsSync(checkpoint)) return false;
  const cleanUpTo = new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(readFileSync(checkpoint, 'utf8'))?.[1];
  const bases = readdirSync(join(folder, `${topic}-0`)).flatMap((name) => /^(\d{20})\.log$/.exec(name)?.[1] ?? []);
  return cleanUpTo !== undefined && bases.length > 1 && Number(cleanUpTo) >= Math.max(...bases.map(Number));
}
