// Apache Kafka's own programs: VerifiableProducer and VerifiableConsumer, every codec, in both directions with kcat.
import { join } from 'node:path';
import { check, command, type Finished, missing, type Report } from '../support/run.ts';
import { codecs } from './codecs.ts';
import { type Jvm, propertiesFile } from './jvm.ts';

const RECORDS = 5_000;

export async function verifiableCases(report: Report, broker: string, jvm: Jvm, folder: string): Promise<void> {
  const tool = (name: string, args: readonly string[]): Promise<Finished> =>
    jvm.run(`org.apache.kafka.tools.${name}`, ['--bootstrap-server', broker, ...args]);
  const consume = (topic: string, group: string, count: number, ...more: string[]): Promise<Finished> => {
    const args = ['--topic', topic, '--group-id', group, '--max-messages', String(count), '--reset-policy', 'earliest'];
    return tool('VerifiableConsumer', [...args, ...more]);
  };

  for (const codec of codecs)
    await report.run(`VerifiableProducer and VerifiableConsumer with ${codec}`, async () => {
      const topic = `java-${codec}`;
      const settings = { 'compression.type': codec, 'batch.size': 65_536, 'linger.ms': 5 };
      const config = propertiesFile(join(folder, codec), settings);
      const most = ['--max-messages', String(RECORDS), '--acks', '-1', '--command-config', config];
      const produced = await tool('VerifiableProducer', ['--topic', topic, ...most]);
      const summary = events(produced, 'tool_data')[0];
      check(summary?.['acked'] === RECORDS, `${RECORDS} records are acknowledged`, produced.stdout + produced.stderr);
      await readsAll(await consume(topic, `group-${codec}`, RECORDS, '--verbose'));
    });

  await report.run('VerifiableConsumer in a group of the new protocol', async () => {
    await readsAll(await consume('java-none', 'group-modern', RECORDS, '--verbose', '--group-protocol', 'consumer'));
  });

  const noKcat = await missing('kcat', '-V');
  if (noKcat) return report.skip('kcat reads what Java wrote', noKcat);
  for (const codec of codecs)
    await report.run(`kcat reads what Java wrote with ${codec}, and Java what kcat wrote`, async () => {
      const from = ['-t', `java-${codec}`, '-o', 'beginning', '-e', '-q', '-X', 'check.crcs=true'];
      const read = await command('kcat', ['-b', broker, '-C', ...from]);
      check(read.stdout.trim().split('\n').length === RECORDS, 'kcat reads all', read.stderr);
      const topic = `to-java-${codec}`;
      const lines = Array.from({ length: 2_000 }, (_, n) => `${n}\n`).join('');
      await command('kcat', ['-b', broker, '-P', '-t', topic, '-z', codec], lines);
      const consumed = await consume(topic, `cross-${codec}`, 2_000);
      const counts = events(consumed, 'records_consumed').map(({ count }) => Number(count));
      check(counts.reduce((sum, count) => sum + count, 0) === 2_000, 'Java reads all', consumed.stderr);
    });
}

async function readsAll(consumed: Finished): Promise<void> {
  const values = events(consumed, 'record_data')
    .map(({ value }) => Number(value))
    .sort((a, b) => a - b);
  const isWhole = values.length === RECORDS && values.every((value, index) => value === index);
  check(isWhole, 'each record is consumed once', consumed.stderr);
  const commits = events(consumed, 'offsets_committed');
  const isCommitted = commits.length > 0 && commits.every(({ success }) => success === true);
  check(isCommitted, 'the offsets are committed', commits.slice(-1));
}

/** The tools print one JSON document a line. */
function events({ stdout }: Finished, name: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((event) => event['name'] === name);
}
