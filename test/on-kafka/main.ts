// `npm run test:kafka`: Milepost without its broker, on a real Apache Kafka 4.3.1: the main job's end-to-end test
// unchanged, in plaintext and over TLS with SASL; the messages for wrong settings; nothing acknowledged is lost when
// Kafka goes away. Needs Java and Maven.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafkaJars } from '../compat/kafka-jars.ts';
import { check, command, missing, Report } from '../support/run.ts';
import { ApacheKafka } from './apache-kafka.ts';
import { settingsFor } from './settings.ts';
import { troubleCases } from './trouble.ts';

const JEST_LIMIT_MS = 1_200_000;

const report = new Report();
const absent = (await missing('java', '-version')) ?? (await missing('mvn', '-version'));
const jars = absent ? undefined : await kafkaJars().catch((error: Error) => error);
if (typeof jars !== 'string')
  report.skip('Milepost on Apache Kafka', `${absent ?? jars?.message} (a JDK of 17 or newer, and Maven)`);
else {
  const kafka = await ApacheKafka.start(jars);
  const folder = mkdtempSync(join(tmpdir(), 'milepost-on-kafka-'));
  try {
    await report.run('the main job, end to end, in the clear', () => mainJob(settingsFor(kafka, 'PLAINTEXT')));
    await kafka.empty();
    await report.run('the main job, end to end, with SASL_SSL and SCRAM-SHA-512', () =>
      mainJob(settingsFor(kafka, 'SASL_SSL', 'SCRAM-SHA-512')),
    );
    await troubleCases(report, kafka, folder);
  } finally {
    await kafka.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
report.close();
process.exit();

/** The same file that `npm test` runs on our own broker. */
async function mainJob(settings: Readonly<Record<string, string>>): Promise<void> {
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const { status, stderr } = await command(process.execPath, [...jest, 'test/e2e/slice.test.ts'], undefined, {
    env: { TEST_KAFKA: JSON.stringify(settings), NODE_OPTIONS: '' },
    limitMs: JEST_LIMIT_MS,
  });
  check(status === 0, 'every test passes', stderr);
  const counts = /^Tests: .*$/m.exec(stderr)?.[0];
  process.stdout.write(`        ${counts}\n`);
}
