// MirrorMaker 2 reads topics and groups from the broker under test and writes them to a real Apache Kafka.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startBroker } from '../compat/brokers.ts';
import { check, command, type Report } from '../support/run.ts';
import { type Jvm, propertiesFile } from './jvm.ts';

const RECORDS = 1_000;
const LIMIT_MS = 600_000;
const MOST_LOG_KEPT = 20_000;

export async function mirrorCases(report: Report, broker: string, jvm: Jvm, folder: string): Promise<void> {
  await report.run('MirrorMaker 2 copies a topic with its configs to Apache Kafka, and what comes later', async () => {
    const kafka = await startBroker('kafka', 'mirror');
    try {
      await write(broker, RECORDS);
      const settings = propertiesFile(join(folder, 'mirror'), {
        clusters: 'here,there',
        'here.bootstrap.servers': broker,
        'there.bootstrap.servers': kafka.bootstrap,
        'here->there.enabled': 'true',
        'here->there.topics': 'mirrored',
        'there->here.enabled': 'false',
        'replication.factor': 1,
        'checkpoints.topic.replication.factor': 1,
        'heartbeats.topic.replication.factor': 1,
        'offset-syncs.topic.replication.factor': 1,
        'offset.storage.replication.factor': 1,
        'status.storage.replication.factor': 1,
        'config.storage.replication.factor': 1,
        'dedicated.mode.enable.internal.rest': 'false',
      });
      let log = '';
      const stop = jvm.start('org.apache.kafka.connect.mirror.MirrorMaker', [settings], (text) => {
        log = (log + text).slice(-MOST_LOG_KEPT);
      });
      try {
        await copied(kafka.bootstrap, RECORDS, () => log);
        await write(broker, RECORDS);
        await copied(kafka.bootstrap, 2 * RECORDS, () => log);
      } finally {
        await stop();
      }
    } finally {
      await kafka.stop();
    }
  });
}

async function write(broker: string, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, n) => `k${n % 20}:v${n}\n`).join('');
  const { status, stderr } = await command(
    'kcat',
    ['-b', broker, '-P', '-t', 'mirrored', '-K', ':', '-z', 'zstd'],
    lines,
  );
  check(status === 0, 'kcat writes', stderr);
}

async function copied(kafka: string, count: number, log: () => string): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  for (;;) {
    const args = ['-b', kafka, '-C', '-t', 'here.mirrored', '-o', 'beginning', '-e', '-q', '-f', '%k:%s\\n'];
    const { stdout } = await command('kcat', args);
    const lines = stdout.trim().split('\n').length;
    if (lines === count) return;
    check(performance.now() < end, `${count} records are copied`, `${lines} are; ${log()}`);
    await delay(1_000);
  }
}
