// The chart as its users meet it: the results of lint and Kubernetes' schemas for every ci values file, the messages
// for mistakes, and the pods that a changed value restarts.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { check, command, type Finished, type Report } from '../support/run.ts';
import { type Found, KUBERNETES } from './tools.ts';

export const CHART = 'deploy/helm/milepost';
const ciFiles = readdirSync(join(CHART, 'ci')).map((name) => join(CHART, 'ci', name));
/** Their definitions belong to an operator, not to Kubernetes. */
const FOREIGN_KINDS = 'ServiceMonitor,PrometheusRule,Certificate';

export type Values = { readonly [key: string]: unknown };

export class Chart {
  readonly #helm: string;
  readonly #folder: string;
  readonly #work = mkdtempSync(join(tmpdir(), 'milepost-chart-'));
  constructor(helm: string, folder = CHART) {
    this.#helm = helm;
    this.#folder = folder;
  }

  /** Renders with files of values and then with these values. */
  render(files: readonly string[], values: Values = {}, ...options: string[]): Promise<Finished> {
    const own = join(this.#work, `${process.hrtime.bigint()}.json`);
    writeFileSync(own, JSON.stringify(values));
    const from = [...files, own].flatMap((file) => ['-f', file]);
    // A helm that Go has built knows no newer Kubernetes than 1.20; a later option counts.
    const version = ['--kube-version', KUBERNETES[1]];
    return command(this.#helm, [
      'template',
      'depot',
      this.#folder,
      '--namespace',
      'fleet',
      ...from,
      ...version,
      ...options,
    ]);
  }

  async manifests(files: readonly string[], values: Values = {}, ...options: string[]): Promise<string> {
    const done = await this.render(files, values, ...options);
    check(done.status === 0, 'the chart renders', done.stderr);
    return done.stdout;
  }

  /** What `helm install` would print, NOTES included; nothing is installed. */
  install(values: Values, options: readonly string[]): Promise<Finished> {
    const own = join(this.#work, `${process.hrtime.bigint()}.json`);
    writeFileSync(own, JSON.stringify(values));
    return command(this.#helm, ['install', 'depot', this.#folder, '--namespace', 'fleet', ...options, '-f', own]);
  }

  lint(file: string): Promise<Finished> {
    return command(this.#helm, ['lint', '--strict', this.#folder, '-f', file]);
  }

  close(): void {
    rmSync(this.#work, { recursive: true });
  }
}

export async function chartCases(report: Report, helm: string): Promise<void> {
  const chart = new Chart(helm);
  for (const file of ciFiles) await lintAndRender(report, chart, file);
  await mistakes(report, chart);
  await restarts(report, chart, helm);
  await copies(report, chart);
  chart.close();
}

async function lintAndRender(report: Report, chart: Chart, file: string): Promise<void> {
  await report.run(`${basename(file)}: helm lint --strict has nothing to say`, async () => {
    const { status, stdout, stderr } = await chart.lint(file);
    check(status === 0 && !/\[(WARNING|ERROR)\]/.test(stdout), 'lint is clean', stdout + stderr);
  });
  await report.run(`${basename(file)}: renders, and twice the same`, async () => {
    const [first, again] = [await chart.manifests([file]), await chart.manifests([file])];
    check(first === again, 'nothing is made up while rendering', differing(first, again));
    const ours = documents(first).filter(({ kind }) => kind !== 'PrometheusRule' && kind !== 'ConfigMap');
    const blank = ours.find(({ text }) => /\n[ \t]+\n/.test(text));
    check(ours.length > 5 && blank === undefined, 'no line of ours holds nothing but blanks', blank?.text);
  });
  await report.run(`${basename(file)}: every pod is as restricted as Kubernetes can ask`, async () => {
    for (const { name, text } of documents(await chart.manifests([file])))
      if (text.includes('containers:'))
        for (const demand of [
          'runAsNonRoot: true',
          'type: RuntimeDefault',
          'allowPrivilegeEscalation: false',
          'readOnlyRootFilesystem: true',
          'drop: [ALL]',
          'automountServiceAccountToken: false',
          'enableServiceLinks: false',
          'memory:',
        ])
          check(text.includes(demand), `${name} says ${demand}`, text);
  });
}

export async function schemaCases(report: Report, helm: string, kubeconform: Found, schemas: Found): Promise<void> {
  const chart = new Chart(helm);
  for (const version of KUBERNETES)
    for (const file of ciFiles) {
      const name = `${basename(file)}: valid by the schemas of Kubernetes ${version}`;
      if ('reason' in kubeconform || 'reason' in schemas) {
        report.skip(name, 'reason' in kubeconform ? kubeconform.reason : 'reason' in schemas ? schemas.reason : '');
        continue;
      }
      await report.run(name, async () => {
        const location = join(schemas.path, `v${version}-local-strict`, '{{.ResourceKind}}{{.KindSuffix}}.json');
        const options = ['-strict', '-summary', '-skip', FOREIGN_KINDS, '-schema-location', location];
        const manifests = await chart.manifests([file], {}, '--kube-version', version);
        const { status, stdout, stderr } = await command(kubeconform.path, options, manifests);
        check(status === 0 && /Valid: [1-9]/.test(stdout), 'kubeconform finds nothing', stdout + stderr);
      });
    }
  chart.close();
}

interface Mistake {
  readonly name: string;
  readonly values: Values;
  readonly said: RegExp;
}

const embedded = { postgres: { kind: 'embedded' } };
const foreign = { bootstrapServers: 'kafka:9092' };
const mistaken: readonly Mistake[] = [
  {
    name: 'a certificate for ports without TLS',
    values: { ...embedded, allowAnonymous: true, tls: { existingSecret: 'mine' } },
    said: /allowAnonymous: expected false, as tls, admin and mqtt\.clientCa/,
  },
  {
    name: 'two certificates',
    values: { ...embedded, tls: { existingSecret: 'mine', certManager: { enabled: true, issuer: { name: 'ca' } } } },
    said: /tls: expected existingSecret or certManager\.enabled, got both/,
  },
  {
    name: 'no issuer',
    values: { ...embedded, tls: { certManager: { enabled: true } } },
    said: /tls\.certManager\.issuer\.name: expected the name of an Issuer/,
  },
  {
    name: 'rules for certificates of devices that nobody is asked for',
    values: { ...embedded, mqtt: { clientCa: { mappingRules: 'DEFAULT' } } },
    said: /mqtt\.clientCa\.existingSecret: expected the Secret/,
  },
  {
    name: 'a listener of brokers of its own',
    values: { ...embedded, kafka: { properties: { 'inter.broker.listener.name': 'X' } } },
    said: /inter\.broker\.listener\.name/,
  },
  {
    name: 'no Postgres secret',
    values: {},
    said: /postgres\.external\.existingSecret: expected the name of a Secret/,
  },
  {
    name: 'a bundled PostgreSQL without a password',
    values: { postgres: { kind: 'bundled' } },
    said: /postgres\.bundled: expected existingSecret/,
  },
  {
    name: 'an embedded PostgreSQL for several workloads',
    values: { ...embedded, mode: 'split' },
    said: /postgres\.kind: embedded is for mode appliance only/,
  },
  {
    name: 'an ingress without a host',
    values: { ...embedded, ingress: { enabled: true } },
    said: /ingress\.host: expected a host name/,
  },
  {
    name: 'two webhooks',
    values: { ...embedded, webhook: { url: 'https://a.example', existingSecret: 'b' } },
    said: /webhook: expected url or existingSecret/,
  },
  {
    name: 'a typo at the top',
    values: { ...embedded, gatway: {} },
    said: /additional properties 'gatway' not allowed/,
  },
  {
    name: 'a typo deep inside',
    values: { ...embedded, broker: { persistence: { siez: '1Gi' } } },
    said: /\/broker\/persistence'?: additional properties 'siez' not allowed/,
  },
  { name: 'a mode that is none', values: { ...embedded, mode: 'both' }, said: /\/mode'?: value must be one of/ },
  {
    name: 'a property that the chart sets itself',
    values: { ...embedded, kafka: { properties: { 'advertised.listeners': 'x' } } },
    said: /advertised\.listeners/,
  },
  {
    name: 'TLS for no Kafka',
    values: { ...embedded, kafka: { external: { securityProtocol: 'SSL' } } },
    said: /kafka\.external\.bootstrapServers: expected host:port/,
  },
  {
    name: 'SASL without a Secret',
    values: { ...embedded, kafka: { external: { ...foreign, securityProtocol: 'SASL_SSL' } } },
    said: /kafka\.external\.sasl: expected username and existingSecret/,
  },
  {
    name: 'a user where nobody asks for one',
    values: { ...embedded, kafka: { external: { ...foreign, sasl: { username: 'me', existingSecret: 'me' } } } },
    said: /kafka\.external\.sasl: is for securityProtocol SASL_PLAINTEXT and SASL_SSL/,
  },
  {
    name: 'an authority without TLS',
    values: { ...embedded, kafka: { external: { ...foreign, tls: { caSecret: 'ca' } } } },
    said: /kafka\.external\.tls: is for securityProtocol SSL and SASL_SSL/,
  },
  {
    name: 'a bootstrap server without a port',
    values: { ...embedded, kafka: { external: { bootstrapServers: 'kafka' } } },
    said: /bootstrapServers/,
  },
];

async function mistakes(report: Report, chart: Chart): Promise<void> {
  for (const { name, values, said } of mistaken)
    await report.run(`${name} is answered by one line that names it`, async () => {
      const { status, stdout, stderr } = await chart.render([], values);
      const lines = stderr.split('\n').filter((line) => said.test(line) && !line.startsWith('level='));
      check(status !== 0 && stdout === '', 'nothing is rendered', stdout);
      check(lines.length === 1, `one line says ${said.source}`, stderr);
    });
  await report.run('every object of the values schema is closed, or open on purpose', async () => {
    const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as unknown;
    const open = openObjects(schema, '');
    const passedOn =
      /^\/(properties\/global|definitions\/asKubernetes|definitions\/(affinity|spread|variable|peer)\/properties\/\w*(Affinity|[sS]elector|valueFrom))$/;
    const unexpected = open.filter((path) => !passedOn.test(path));
    check(open.length > 0 && unexpected.length === 0, 'none is open by mistake', unexpected);
  });
}

function openObjects(node: unknown, path: string): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const isOpen = (node as Values)['type'] === 'object' && (node as Values)['additionalProperties'] === undefined;
  const inside = Object.entries(node).flatMap(([key, value]) => openObjects(value, `${path}/${key}`));
  return isOpen ? [path, ...inside] : inside;
}

interface Change {
  readonly name: string;
  readonly values: Values;
  readonly restarted: readonly string[];
}

const programs = [
  'depot-milepost-broker',
  'depot-milepost-dashboard',
  'depot-milepost-gateway',
  'depot-milepost-notifications',
];
const bundled = { mode: 'split', postgres: { kind: 'bundled', bundled: { password: 'first' } } };
const changes: readonly Change[] = [
  {
    name: 'a broker property',
    values: { ...bundled, kafka: { properties: { 'num.partitions': 4 } } },
    restarted: ['depot-milepost-broker'],
  },
  {
    name: 'an MQTT route',
    values: { ...bundled, mqtt: { routes: [{ filter: 'a/+', decoder: 'milepost' }] } },
    restarted: ['depot-milepost-gateway'],
  },
  {
    name: 'a webhook',
    values: { ...bundled, webhook: { url: 'https://a.example/' } },
    restarted: ['depot-milepost-notifications'],
  },
  { name: 'the level of the logs', values: { ...bundled, logLevel: 'debug' }, restarted: programs },
  {
    name: 'the password of the database',
    values: { ...bundled, postgres: { kind: 'bundled', bundled: { password: 'second' } } },
    restarted: programs,
  },
  {
    name: "a workload's own environment",
    values: { ...bundled, dashboard: { extraEnv: [{ name: 'TZ', value: 'UTC' }] } },
    restarted: ['depot-milepost-dashboard'],
  },
  {
    name: 'a certificate for another name, and when it is renewed',
    values: { ...bundled, tls: { names: ['fleet.example'], renewal: { schedule: '0 0 * * *' } } },
    restarted: [],
  },
  { name: 'another Secret of the admin', values: { ...bundled, admin: { existingSecret: 'x' } }, restarted: programs },
  {
    name: 'certificates of devices',
    values: { ...bundled, mqtt: { clientCa: { existingSecret: 'x' } } },
    restarted: ['depot-milepost-gateway'],
  },
  {
    name: 'the number of gateways',
    values: { ...bundled, gateway: { replicas: 5 } },
    restarted: [],
  },
  {
    name: 'who may come in, and who watches',
    values: { ...bundled, networkPolicy: { enabled: false }, monitoring: { serviceMonitor: { enabled: true } } },
    restarted: [],
  },
];

async function restarts(report: Report, chart: Chart, helm: string): Promise<void> {
  const before = pods(await chart.manifests([], bundled));
  for (const { name, values, restarted } of changes)
    await report.run(`${name}: restarts ${restarted.length === 0 ? 'nothing' : restarted.join(', ')}`, async () => {
      const seen = changed(before, pods(await chart.manifests([], values)));
      check(JSON.stringify(seen) === JSON.stringify(restarted), 'exactly these', seen);
    });
  await report.run('a new version of the chart alone restarts nothing and touches no selector', async () => {
    const newer = mkdtempSync(join(tmpdir(), 'milepost-newer-'));
    cpSync(CHART, newer, { recursive: true, dereference: true });
    const about = readFileSync(join(newer, 'Chart.yaml'), 'utf8');
    writeFileSync(join(newer, 'Chart.yaml'), about.replace(/^version: .*$/m, 'version: 99.0.0'));
    const text = await new Chart(helm, newer).manifests([], bundled);
    rmSync(newer, { recursive: true });
    check(text.includes('milepost-99.0.0'), 'it is the newer chart', text);
    check(changed(before, pods(text)).length === 0, 'pods are as they were', changed(before, pods(text)));
    const selectors = (of: string): string => JSON.stringify(of.match(/(selector|matchLabels):\n( +\S+: \S+\n)+/g));
    check(
      selectors(text) === selectors(await chart.manifests([], bundled)),
      'selectors are as they were',
      selectors(text),
    );
  });
  await report.run('OpenShift is left to choose the user and the group', async () => {
    const text = await chart.manifests([], bundled, '--api-versions', 'security.openshift.io/v1');
    check(
      !/fsGroup|runAsUser|runAsGroup/.test(text),
      'no ids are fixed',
      text.match(/.*(fsGroup|runAs(User|Group)).*/)?.[0],
    );
  });
}

/** The pod template of each workload, as text. */
function pods(manifests: string): Map<string, string> {
  const workloads = documents(manifests).filter(({ kind }) => kind === 'StatefulSet' || kind === 'Deployment');
  return new Map(
    workloads.map(({ name, text }) => [name, /^ {2}template:\n(?: {3,}.*\n|\s*\n)*/m.exec(`${text}\n`)?.[0] ?? '']),
  );
}

const changed = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] =>
  [...after].flatMap(([name, text]) => (before.get(name) === text ? [] : [name])).sort();

interface Document {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}

export const documents = (manifests: string): Document[] =>
  manifests.split(/^---$/m).flatMap((text) => {
    const kind = /^kind: (\S+)/m.exec(text)?.[1];
    return kind ? [{ kind, name: /^ {2}name: (\S+)/m.exec(text)?.[1] ?? '', text }] : [];
  });

function differing(a: string, b: string): string | undefined {
  const other = b.split('\n');
  return a.split('\n').find((line, index) => line !== other[index]);
}

/** Dashboards and rules are in the chart as links, which helm follows; their content must be unchanged. */
async function copies(report: Report, chart: Chart): Promise<void> {
  const everything = { ...embedded, monitoring: watched, networkPolicy: { enabled: false } };
  const files = [
    ...readdirSync('grafana/dashboards').flatMap((name) =>
      name.endsWith('.json') ? [`grafana/dashboards/${name}`] : [],
    ),
    'grafana/alerts/milepost.rules.yaml',
  ];
  for (const file of files)
    await report.run(`${file} is in the chart's output, line for line`, async () => {
      const text = await chart.manifests([], everything);
      const indent = file.endsWith('.json') ? '    ' : '  ';
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      const expected = lines.map((line) => `${indent}${line}`.trimEnd()).join('\n');
      const seen = text.replaceAll(/[ \t]+$/gm, '');
      check(
        seen.includes(expected),
        'the same',
        lines.find((line) => !seen.includes(line.trimEnd())),
      );
    });
}

const watched = {
  serviceMonitor: { enabled: true },
  prometheusRule: { enabled: true },
  dashboards: { enabled: true },
};
