// docs/METRICS.md, from the metrics of a running appliance.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MetricDescription, PrometheusMeter } from '@milepost/telemetry';
import { appliance } from '../../apps/appliance/src/appliance.ts';
import { METER, startProgram } from '../../apps/chassis/src/index.ts';
import { Authority } from '../support/certificates.ts';

/** By the beginning of the name; the first that matches. */
const chapters = [
  [
    'kafka_(brokers|broker_info|topic|consumergroup)',
    'Topics and groups',
    "kafka_exporter's names, and lag in seconds.",
  ],
  ['kafka_', 'Broker', "Kafka's own JMX metrics as Strimzi's exporter spells them."],
  ['milepost_(mqtt|dead_letters)', 'MQTT gateway', ''],
  ['milepost_(log|storage|kafka|group)', 'Log and protocol', ''],
  ['milepost_', 'Consumers, delivery, program', ''],
  ['', 'Process', "prom-client's defaults; gauges that end in `_total` are named so there."],
] as const;

const preface = `# Metrics

Served on \`/metrics\` of each program's HTTP port, as Prometheus text. Written by \`npm run docs\` from a running appliance.

- A scrape is one snapshot: of a partition, end - committed offset = lag, and lag is never negative.
- Series of a topic or a group exist from its beginning until it is deleted; an empty group keeps its lag.
- No label contains a device's id. Every counter ends in \`_total\`.
- \`received = appended + dead-lettered + refused + in flight\`, at every scrape: \`milepost_mqtt_messages_received_total\`,
  \`milepost_mqtt_messages_appended_total\`, \`milepost_dead_letters_total\`, \`milepost_mqtt_messages_refused_total\`,
  \`milepost_mqtt_inflight\`. The alert MilepostAccountingGap watches it.
- With several brokers each partition is exported by its leader and each group by its coordinator, so that sums over brokers are right. The
  lag of a group is unknown, and has no series, for partitions of which its coordinator has no replica. What describes the whole cluster
  (\`kafka_brokers\`, \`kafka_broker_info\`, \`kafka_topic_partitions\`) is exported by every broker: take the maximum.
`;

export async function metricsPage(): Promise<string> {
  const left = new Set(await describedMetrics());
  const sections = chapters.map(([beginning, title, note]) => {
    const rows = [...left].filter(({ name }) => new RegExp(`^${beginning}`).test(name));
    for (const row of rows) left.delete(row);
    const lines = rows.map(
      ({ name, type, labelNames, help }) => `| \`${name}\` | ${type} | ${labelNames.join(', ')} | ${help} |`,
    );
    return [
      `## ${title}`,
      '',
      ...(note ? [note, ''] : []),
      '| name | type | labels | meaning |',
      '|---|---|---|---|',
      ...lines,
      '',
    ];
  });
  return `${preface}\n${sections.flat().join('\n')}`;
}

/** Some metrics are about certificates and users alone. */
function certificateIn(folder: string): string {
  const { cert, key } = new Authority().issue({ subject: [['CN', 'localhost']] });
  const path = join(folder, 'server.pem');
  writeFileSync(path, key + cert);
  return path;
}

async function describedMetrics(): Promise<MetricDescription[]> {
  const data = mkdtempSync(join(tmpdir(), 'milepost-docs-'));
  chmodSync(data, 0o711); // PostgreSQL's own user passes through
  const env = {
    MILEPOST_DATA_DIR: data,
    MILEPOST_KAFKA_PORT: '0',
    MILEPOST_MQTT_PORT: '0',
    MILEPOST_MQTT_WS_PORT: '0',
    MILEPOST_HTTP_PORT: '0',
    MILEPOST_HTTP_AUTHENTICATION: 'required',
    MILEPOST_HTTP_TLS: 'true',
    MILEPOST_MQTTS_PORT: '0',
    MILEPOST_TLS_CERT_FILE: certificateIn(data),
    MILEPOST_LOG_LEVEL: 'error',
  };
  const program = await startProgram({ ...appliance, env });
  try {
    const meter = program.app.get<PrometheusMeter>(METER, { strict: false });
    await meter.text();
    return await meter.describe();
  } finally {
    await program.stop();
    rmSync(data, { recursive: true, force: true });
  }
}
