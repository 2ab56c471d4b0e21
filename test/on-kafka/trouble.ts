// Failures of a foreign Kafka, as a user meets them: one line with the cure and status 1, or a wait.
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { start } from '../observability/stack.ts';
import { check, command, type Report } from '../support/run.ts';
import { type ApacheKafka, strangeCa } from './apache-kafka.ts';
import { type Settings, settingsFor } from './settings.ts';

const sources = ['--enable-source-maps', '--import', './tools/swc-hook.mjs'];
const anyPort = { MILEPOST_MQTT_PORT: '0', MILEPOST_MQTT_WS_PORT: 'off', MILEPOST_HTTP_PORT: '0' };

interface Mistake {
  readonly name: string;
  readonly settings: Settings;
  readonly said: RegExp;
  /** Kafka responds, and refuses. */
  readonly isRefused?: true;
}

export async function troubleCases(report: Report, kafka: ApacheKafka, folder: string): Promise<void> {
  for (const { name, settings, said, isRefused } of mistakes(kafka, await strangeCa(folder)))
    await report.run(`${name} is answered by one line with the cure`, async () => {
      const wait = isRefused ? '60' : '2'; // a refusal is reported immediately; the others are waited for
      const env = { ...anyPort, MILEPOST_LOG_LEVEL: 'error', MILEPOST_KAFKA_WAIT_SECONDS: wait, ...settings };
      const { status, stderr } = await command(process.execPath, [...sources, 'apps/gateway/src/main.ts'], undefined, {
        env,
      });
      const lines = stderr.trim().split('\n');
      check(status === 1 && lines.length === 1 && said.test(lines[0] ?? ''), `one line: ${said.source}`, stderr);
      check(!stderr.includes('three'), 'without the password', stderr);
    });
  await report.run('a Kafka that goes away and comes back loses nothing that was acknowledged', () =>
    outage(kafka, folder),
  );
}

const mistakes = (kafka: ApacheKafka, ca: string): Mistake[] => [
  {
    name: 'a wrong password (PLAIN)',
    settings: { ...settingsFor(kafka, 'SASL_SSL', 'PLAIN'), MILEPOST_KAFKA_SASL_PASSWORD: 'no' },
    said: /MILEPOST_KAFKA_SASL_USERNAME and its password right/,
    isRefused: true,
  },
  {
    name: 'a wrong password (SCRAM)',
    settings: { ...settingsFor(kafka, 'SASL_PLAINTEXT', 'SCRAM-SHA-256'), MILEPOST_KAFKA_SASL_PASSWORD: 'no' },
    said: /MILEPOST_KAFKA_SASL_USERNAME and its password right/,
    isRefused: true,
  },
  {
    name: 'the wrong authority',
    settings: { ...settingsFor(kafka, 'SASL_SSL'), MILEPOST_KAFKA_SSL_CA_FILE: ca },
    said: /MILEPOST_KAFKA_SSL_CA_FILE hold the authority/,
    isRefused: true,
  },
  {
    name: 'TLS where there is none',
    settings: { ...settingsFor(kafka, 'SSL'), MILEPOST_BOOTSTRAP_SERVERS: kafka.bootstrap('PLAINTEXT') },
    said: /MILEPOST_KAFKA_SECURITY_PROTOCOL/,
  },
  {
    name: 'no TLS where there is some',
    settings: { MILEPOST_BOOTSTRAP_SERVERS: kafka.bootstrap('SSL') },
    said: /MILEPOST_KAFKA_SECURITY_PROTOCOL/,
  },
  {
    name: 'no SASL where there is some',
    settings: { MILEPOST_BOOTSTRAP_SERVERS: kafka.bootstrap('SASL_PLAINTEXT') },
    said: /MILEPOST_KAFKA_SECURITY_PROTOCOL/,
  },
  {
    name: 'a Kafka that is not there',
    settings: { MILEPOST_BOOTSTRAP_SERVERS: '127.0.0.1:1' },
    said: /127\.0\.0\.1:1: .*is it running/,
  },
  {
    name: 'a file that is not there',
    settings: { ...settingsFor(kafka, 'SSL'), MILEPOST_KAFKA_SSL_CA_FILE: '/nowhere/ca.pem' },
    said: /MILEPOST_KAFKA_SSL_CA_FILE: expected a file .*ENOENT/,
  },
];

/** Publishes during an outage wait for it, and are acknowledged when Kafka has them. */
async function outage(kafka: ApacheKafka, folder: string): Promise<void> {
  const settings = { ...anyPort, ...settingsFor(kafka, 'SASL_SSL', 'SCRAM-SHA-256'), MILEPOST_LOG_LEVEL: 'warn' };
  const env = { ...settings, MILEPOST_DATA_DIR: join(folder, 'data') };
  const gateway = start(process.execPath, [...sources, 'apps/gateway/src/main.ts'], env);
  try {
    const { mqtt } = await gateway.ports();
    const device = await connectAsync(`mqtt://127.0.0.1:${mqtt}`, { clientId: 'patient', reconnectPeriod: 200 });
    const publish = (n: number) => device.publishAsync('trucks/patient/gps', `{"lat":1,"lon":${n}}`, { qos: 1 });
    await publish(0);
    await kafka.halt();
    let early = 0;
    const waiting = Array.from({ length: 20 }, (_, n) => publish(n + 1).then(() => void (early += 1)));
    await new Promise((resolve) => device.once('packetsend', resolve));
    check(early === 0, 'nothing is acknowledged that is not stored', early);
    await kafka.run();
    await Promise.all(waiting);
    await device.endAsync();
  } finally {
    await gateway.stop();
  }
}
