// A real Prometheus runs the queries of the dashboards and the alerts against a running appliance.
import { existsSync, readFileSync } from 'node:fs';
import { connectAsync } from 'mqtt';
import { dashboardFiles } from '../../grafana/source/pages.ts';
import { check, command, missing, type Report } from '../support/run.ts';
import type { Prometheus } from './prometheus.ts';
import { eventually, type Listener } from './stack.ts';

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Grafana's variables with their defaults. */
const asSeen = (expr: string): string =>
  expr.replaceAll(/\$(namespace|cluster|job|instance)\b/g, '.*').replaceAll('$__rate_interval', '10s');

/** Without a request under way, SASL, TLS or users they have no series. */
const ABSENT = [
  /^nodejs_active_requests$/,
  /authentication_total$|_expired_connections_killed_total$/,
  /_certificate_expiry_seconds$|_tls_handshakes_failed_total$/,
  /^milepost_http_sign_ins_total$/,
];
const isAbsentHere = (name: string): boolean => ABSENT.some((one) => one.test(name));

export async function ruleCases(report: Report): Promise<void> {
  const away = await missing('promtool', '--version');
  for (const what of ['check', 'test']) {
    const file = `grafana/alerts/milepost.${what === 'check' ? 'rules' : 'test'}.yaml`;
    const name = `promtool ${what} rules ${file}`;
    if (away) report.skip(name, away);
    else
      await report.run(name, async () => {
        const { status, stdout, stderr } = await command('promtool', [what, 'rules', file]);
        check(status === 0, 'promtool is content', stdout + stderr);
      });
  }
}

export async function metricCases(
  report: Report,
  prometheus: Prometheus,
  told: Listener,
  ports: { readonly mqtt: number; readonly lossy: number },
): Promise<void> {
  for (const [file, text] of Object.entries(dashboardFiles())) {
    const { title, panels } = JSON.parse(text) as { title: string; panels: Panel[] };
    await report.run(`${title}: every query of its ${panels.length} panels has series (${file})`, async () => {
      for (const { title: panel, targets = [] } of panels)
        for (const { expr } of targets)
          await eventually(`${panel}: ${expr}`, async () =>
            (await prometheus.query(asSeen(expr))).length > 0 ? true : undefined,
          );
    });
  }

  await report.run('every metric of docs/METRICS.md has series', async () => {
    const documented = readFileSync('docs/METRICS.md', 'utf8').matchAll(/^\| `([a-z0-9_]+)` \| (\w+)/gm);
    for (const [, name = '', type] of documented)
      if (!isAbsentHere(name))
        await eventually(name, async () =>
          (await prometheus.query(type === 'histogram' ? `${name}_count` : name)).length > 0 ? true : undefined,
        );
  });

  await report.run('Grafana dashboard 7589: its queries are answered, for topics and for both groups', async () => {
    const queries = [
      'sum(kafka_topic_partition_current_offset{topic="truck_gps"}) by (topic)',
      'sum(kafka_consumergroup_lag{topic="truck_gps"}) by (consumergroup, topic)',
      'sum(delta(kafka_consumergroup_current_offset{topic="truck_gps"}[1m])/1) by (consumergroup, topic)',
      'sum by (topic) (kafka_topic_partitions{topic="truck_gps"})',
    ];
    for (const query of queries) {
      const expected = query.includes('consumergroup') ? 2 : 1;
      await eventually(`${expected} series of ${query}`, async () =>
        (await prometheus.query(query)).length === expected ? true : undefined,
      );
    }
  });

  await report.run('every alert is understood, and has a summary, a description and a runbook', async () => {
    const rules = await eventually('the rules are evaluated', async () => {
      const all = await prometheus.rules();
      return all.length > 0 && all.every(({ health }) => health !== 'unknown') ? all : undefined;
    });
    check(rules.length === 15, 'there are fifteen', rules.length);
    for (const { annotations, health, labels, name } of rules) {
      const { description, runbook_url: runbook = '', summary } = annotations;
      check(
        health === 'ok' && Boolean(summary && description && labels['severity']),
        `${name} is complete`,
        annotations,
      );
      check(runbook === `docs/runbooks/${name}.md` && existsSync(runbook), `${name} has its page`, runbook);
    }
  });

  await report.run(
    'a gateway that loses publishes raises MilepostAccountingGap, and the appliance does not',
    async () => {
      check((await firing(prometheus, 'MilepostAccountingGap')).length === 0, 'nothing was wrong before', '');
      const device = await connectAsync(`mqtt://127.0.0.1:${ports.lossy}`);
      for (let n = 0; n < 10; n++) await device.publishAsync('trucks/lost/gps', `{"lat":1,"lon":${n}}`, { qos: 1 });
      await device.endAsync();
      const gap = () => firing(prometheus, 'MilepostAccountingGap');
      const jobs = await eventually('the alert of the broken one', async () => {
        const seen = await gap();
        return seen.length > 0 ? seen.map(({ job }) => job) : undefined;
      });
      check(jobs.join() === 'milepost-lossy', 'only the lossy one', jobs);
    },
  );

  await report.run('a fleet of bad payloads raises MilepostDeadLetters, all the way to a webhook', async () => {
    const before = await firing(prometheus, 'MilepostDeadLetters');
    check(before.length === 0, 'nothing was wrong before', before);
    const device = await connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, { clientId: 'poison' });
    try {
      await eventually('the alert is told', async () => {
        await device.publishAsync('trucks/poison/gps', 'not a position', { qos: 1 });
        return told.heard.find(({ body }) => body.includes('"alertname":"MilepostDeadLetters"'));
      });
    } finally {
      await device.endAsync();
    }
    const call = told.heard.find(({ body }) => body.includes('"alertname":"MilepostDeadLetters"'));
    check(call?.body.includes('docs/runbooks/MilepostDeadLetters.md') === true, 'with its runbook', call?.body);
  });
}

async function firing(prometheus: Prometheus, alert: string): Promise<Readonly<Record<string, string>>[]> {
  const rule = (await prometheus.rules()).find(({ name }) => name === alert);
  return (rule?.alerts ?? []).filter(({ state }) => state === 'firing').map(({ labels }) => labels);
}
