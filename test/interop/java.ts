// Apache Kafka's own tools: VerifiableProducer and VerifiableConsumer, every codec, in both directions with kcat.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codecs } from './kcat.ts';
import { check, command, type Finished, missing, type Report } from '../support/run.ts';

const RECORDS = 5_000;

export async function javaCases(report: Report, broker: string): Promise<void> {
  const absent = (await missing('java', '-version')) ?? (await missing('mvn', '-version'));
  if (absent) return report.skip('the Java clients', `${absent} (a JDK of 17 or newer, and Maven)`);
  const folder = mkdtempSync(join(tmpdir(), 'milepost-java-'));
  try {
    const fetched = await jars(folder);
    if (fetched) return report.skip('the Java clients', fetched);
    await cases(report, broker, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function jars(folder: string): Promise<string | undefined> {
  const goal = [
    '-q',
    '-B',
    '-f',
    'test/interop/java/pom.xml',
    'dependency:copy-dependencies',
    `-DoutputDirectory=${folder}/jars`,
  ];
  const { status, stdout } = await command('mvn', goal);
  return status === 0 ? undefined : `Maven could not bring Apache Kafka's tools: ${stdout.trim().split('\n')[0]}`;
}

async function cases(report: Report, broker: string, folder: string): Promise<void> {
  const tool = (name: string, ...args: string[]): Promise<Finished> =>
    command('java', [
      '-Xmx256m',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      `${folder}/jars/*`,
      `org.apache.kafka.tools.${name}`,
      ...args,
    ]);

  for (const codec of codecs)
    await report.run(`VerifiableProducer and VerifiableConsumer with ${codec}`, async () => {
      const topic = `java-${codec}`;
      const config = join(folder, `${codec}.properties`);
      writeFileSync(config, `compression.type=${codec}\nbatch.size=65536\nlinger.ms=5\n`);
      const produced = await tool(
        'VerifiableProducer',
        '--bootstrap-server',
        broker,
        '--topic',
        topic,
        '--max-messages',
        String(RECORDS),
        '--acks',
        '-1',
        '--command-config',
        config,
      );
      const summary = events(produced, 'tool_data')[0];
      check(summary?.['acked'] === RECORDS, `${RECORDS} records are acknowledged`, produced.stdout + produced.stderr);
      const consumed = await tool(
        'VerifiableConsumer',
        '--bootstrap-server',
        broker,
        '--topic',
        topic,
        '--group-id',
        `group-${codec}`,
        '--max-messages',
        String(RECORDS),
        '--reset-policy',
        'earliest',
        '--verbose',
      );
      const values = events(consumed, 'record_data')
        .map(({ value }) => Number(value))
        .sort((a, b) => a - b);
      check(
        values.length === RECORDS && values.every((value, index) => value === index),
        'each record is consumed once',
        consumed.stderr,
      );
      const commits = events(consumed, 'offsets_committed');
      check(
        commits.length > 0 && commits.every(({ success }) => success === true),
        'the offsets are committed',
        commits.slice(-1),
      );
    });

  const noKcat = await missing('kcat', '-V');
  if (noKcat) return report.skip('kcat reads what Java wrote', noKcat);
  for (const codec of codecs)
    await report.run(`kcat reads what Java wrote with ${codec}, and Java what kcat wrote`, async () => {
      const read = await command('kcat', [
        '-b',
        broker,
        '-C',
        '-t',
        `java-${codec}`,
        '-o',
        'beginning',
        '-e',
        '-q',
        '-X',
        'check.crcs=true',
      ]);
      check(read.stdout.trim().split('\n').length === RECORDS, 'kcat reads all', read.stderr);
      const consumed = await tool(
        'VerifiableConsumer',
        '--bootstrap-server',
        broker,
        '--topic',
        `kcat-${codec}`,
        '--group-id',
        `cross-${codec}`,
        '--max-messages',
        '2000',
        '--reset-policy',
        'earliest',
      );
      const counts = events(consumed, 'records_consumed').map(({ count }) => Number(count));
      check(counts.reduce((sum, count) => sum + count, 0) === 2_000, 'Java reads all', consumed.stderr);
    });
}

/** The tools print one JSON document a line. */
function events({ stdout }: Finished, name: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((event) => event['name'] === name);
}
