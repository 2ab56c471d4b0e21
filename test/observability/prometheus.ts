// A real Prometheus and a real Alertmanager on ports of this machine, with the shipped rules: only the time for which a
// condition must hold is removed, so that a test need not wait for it.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../support/free-port.ts';
import { eventually, type Program, start } from './stack.ts';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}
export interface Rule {
  readonly name: string;
  readonly health: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly alerts: readonly { readonly state: string; readonly labels: Readonly<Record<string, string>> }[];
}

export interface Prometheus {
  /** Instant query, now. */
  query(expr: string): Promise<readonly Sample[]>;
  rules(): Promise<readonly Rule[]>;
  stop(): Promise<void>;
}

export interface PrometheusPlan {
  readonly folder: string;
  /** Port by job. */
  readonly targets: Readonly<Record<string, number>>;
  /** Receives every alert. */
  readonly webhook: string;
}

export async function startPrometheus({ folder, targets, webhook }: PrometheusPlan): Promise<Prometheus> {
  const [port, alertmanagerPort] = [await freePort(), await freePort()];
  mkdirSync(join(folder, 'alertmanager'), { recursive: true });
  const rules = readFileSync('grafana/alerts/milepost.rules.yaml', 'utf8').replaceAll(/^( +for:) .*$/gm, '$1 0s');
  writeFileSync(join(folder, 'milepost.rules.yaml'), rules);
  const jobs = Object.entries(targets).map(
    ([job, target]) => `  - {job_name: ${job}, static_configs: [{targets: ['127.0.0.1:${target}']}]}`,
  );
  const config = `
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [milepost.rules.yaml]
alerting: {alertmanagers: [{static_configs: [{targets: ['127.0.0.1:${alertmanagerPort}']}]}]}
scrape_configs:
${jobs.join('\n')}
`;
  writeFileSync(join(folder, 'prometheus.yaml'), config);
  const routes = `
route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: hook, webhook_configs: [{url: '${webhook}'}]}]
`;
  writeFileSync(join(folder, 'alertmanager.yaml'), routes);
  const programs: Program[] = [
    start('prometheus-alertmanager', [
      `--config.file=${join(folder, 'alertmanager.yaml')}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${alertmanagerPort}`,
      '--cluster.listen-address=',
    ]),
    start('prometheus', [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]),
  ];
  const api = `http://127.0.0.1:${port}`;
  const ready = async (url: string): Promise<true | undefined> =>
    (await fetch(`${url}/-/ready`)).ok ? true : undefined;
  try {
    await eventually('Prometheus is ready', () => ready(api));
    await eventually('Alertmanager is ready', () => ready(`http://127.0.0.1:${alertmanagerPort}`));
  } catch (error) {
    const logs = programs.map((program) => program.log().slice(-1_000));
    await Promise.all(programs.map((program) => program.stop()));
    throw new Error(`${String(error)}\n${logs.join('\n')}`);
  }
  return {
    async query(expr) {
      const response = await fetch(`${api}/api/v1/query`, {
        method: 'POST',
        body: new URLSearchParams({ query: expr }),
      });
      const answer = (await response.json()) as { status: string; error?: string; data?: { result: Sample[] } };
      if (answer.status !== 'success' || !answer.data) throw new Error(`${expr}: ${answer.error}`);
      return answer.data.result;
    },
    async rules() {
      const response = await fetch(`${api}/api/v1/rules`);
      const answer = (await response.json()) as { data: { groups: { rules: Rule[] }[] } };
      return answer.data.groups.flatMap((group) => group.rules);
    },
    async stop() {
      await Promise.all(programs.map((program) => program.stop()));
    },
  };
}
