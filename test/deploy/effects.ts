// No dead values: each leaf of values.yaml, changed alone, changes the rendered output. They are changed in settings
// where they apply: split into workloads with everything enabled, and the appliance on an external database.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, command, type Report } from '../support/run.ts';
import { Chart, CHART, type Values } from './chart.ts';

const everything: Values = {
  mode: 'split',
  postgres: { kind: 'bundled', bundled: { password: 'x' } },
  services: {
    mqtt: { type: 'LoadBalancer' },
    kafka: { type: 'LoadBalancer' },
    dashboard: { type: 'LoadBalancer' },
  },
  ingress: { enabled: true, host: 'map.example' },
  mqttIngress: { enabled: true, host: 'mqtt.example' },
  networkPolicy: {
    mqttFrom: [{ namespaceSelector: {} }],
    dashboardFrom: [{ namespaceSelector: {} }],
  },
  gateway: { autoscaling: { enabled: true } },
  extraCaCerts: { existingSecret: 'ca' },
  webhook: { existingSecret: 'hook' },
  monitoring: { serviceMonitor: { enabled: true }, prometheusRule: { enabled: true }, dashboards: { enabled: true } },
};
const surroundings: readonly Values[] = [
  everything,
  {
    mode: 'split',
    allowAnonymous: true,
    postgres: { external: { existingSecret: 'db', host: 'db' } },
    kafka: {
      external: {
        bootstrapServers: 'fleet:9093',
        securityProtocol: 'SASL_SSL',
        sasl: { username: 'me', existingSecret: 'me' },
        tls: { caSecret: 'ca', clientSecret: 'client' },
      },
    },
  },
  { postgres: { external: { existingSecret: 'db' } } },
  { allowAnonymous: true, postgres: { external: { existingSecret: 'db' } } },
  {
    postgres: { external: { existingSecret: 'db' } },
    tls: { certManager: { enabled: true, issuer: { name: 'ca' } } },
    mqtt: { clientCa: { existingSecret: 'devices' } },
  },
  { mode: 'split', postgres: { external: { existingSecret: 'db' } }, broker: { replicas: 3 } },
  {
    postgres: { external: { existingSecret: 'db' } },
    kafka: { external: { bootstrapServers: 'fleet:9092' } },
  },
];

/** Another value, if the type of the current one does not suggest one. */
const others: Readonly<Record<string, unknown>> = {
  mode: 'appliance',
  logLevel: 'debug',
  logFormat: 'pretty',
  'image.digest': `sha256:${'0'.repeat(64)}`,
  'postgres.bundled.image.digest': `sha256:${'0'.repeat(64)}`,
  'image.pullPolicy': 'Always',
  'postgres.bundled.image.pullPolicy': 'Always',
  imagePullSecrets: [{ name: 'registry' }],
  'kafka.external.bootstrapServers': 'kafka:9092',
  'kafka.external.securityProtocol': 'SSL',
  'kafka.external.sasl.mechanism': 'PLAIN',
  'kafka.flush': 'os',
  'kafka.properties': { 'num.partitions': 4 },
  'mqtt.clientCa.certificate': 'required',
  'mqtt.clientCa.name': 'dns',
  'tls.names': ['fleet.example'],
  'tls.renewal.schedule': '0 0 * * *',
  'services.mqtt.port': 8_884,
  'services.mqtt.webSocketPort': 8_885,
  'mqtt.routes': [{ filter: 'a/+', decoder: 'milepost' }],
  'kafka.rackTopologyKey': 'topology.kubernetes.io/zone',
  'services.ipFamilyPolicy': 'PreferDualStack',
  'services.ipFamilies': ['IPv6'],
  'mqttIngress.path': '/mqtt',
  'webhook.url': 'https://hook.example/',
  'postgres.kind': 'embedded',
  'postgres.external.sslMode': 'verify-full',
  'monitoring.serviceMonitor.interval': '1m',
  'monitoring.serviceMonitor.scrapeTimeout': '7s',
};
const byLastName: Readonly<Record<string, unknown>> = {
  type: 'NodePort',
  externalTrafficPolicy: 'Local',
  loadBalancerSourceRanges: ['10.0.0.0/8'],
  whenDeleted: 'Delete',
  accessModes: ['ReadWriteOncePod'],
  size: '7Gi',
  extraEnv: [{ name: 'TZ', value: 'UTC' }],
  tolerations: [{ operator: 'Exists' }],
  affinity: { nodeAffinity: { flipped: [] } },
  topologySpreadConstraints: [{ maxSkew: 7, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }],
  cpu: '7',
  memory: '7Gi',
  mqttFrom: [],
  kafkaFrom: [],
  dashboardFrom: [],
  metricsFrom: [{ podSelector: {} }],
  nodePort: 31_234,
  webSocketNodePort: 31_235,
  envFrom: [{ secretRef: { name: 'more' } }],
  extraVolumes: [{ name: 'more', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'more', mountPath: '/more' }],
  initContainers: [{ name: 'first', image: 'first' }],
  sidecars: [{ name: 'beside', image: 'beside' }],
};

export async function effectCases(report: Report, helm: string): Promise<void> {
  const chart = new Chart(helm);
  const leaves = leavesOf(await defaults(helm), []);
  await report.run(`each of ${leaves.length} values has an effect`, async () => {
    check(leaves.length > 100, 'values.yaml was read', leaves.length);
    const before = await Promise.all(surroundings.map((values) => chart.manifests([], values)));
    const dead: string[] = [];
    for (const leaf of leaves) if (!(await hasEffect(chart, leaf, before))) dead.push(leaf.path.join('.'));
    check(dead.length === 0, 'none is dead', dead);
  });
  chart.close();
}

interface Leaf {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** Checked where the other value makes sense. */
async function hasEffect(chart: Chart, { path, value }: Leaf, before: readonly string[]): Promise<boolean> {
  for (const [index, values] of surroundings.entries()) {
    const flipped = placed(values, path, another({ path, value: at(values, path) ?? value }));
    const { status, stdout } = await chart.render([], flipped);
    if (status === 0 && stdout !== before[index]) return true;
  }
  return false;
}

function another({ path, value }: Leaf): unknown {
  const given = others[path.join('.')] ?? byLastName[path.at(-1) ?? ''];
  if (given !== undefined && JSON.stringify(given) !== JSON.stringify(value)) return given;
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return 'flipped';
  return { flipped: 'yes' };
}

const at = (values: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((node, key) => (node as Values | undefined)?.[key], values);

function placed(values: unknown, [key, ...rest]: readonly string[], value: unknown): Values {
  const node = (values ?? {}) as Values;
  return { ...node, [key ?? '']: rest.length === 0 ? value : placed(node[key ?? ''], rest, value) };
}

/** Lists and empty objects are leaves: a user replaces them as a whole. */
function leavesOf(value: unknown, path: readonly string[]): Leaf[] {
  const isTree = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
  if (!isTree) return [{ path, value }];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** values.yaml read by helm itself: a chart of one line that prints its values. */
async function defaults(helm: string): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-values-'));
  mkdirSync(join(folder, 'templates'));
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: values\nversion: 0.0.0\n');
  writeFileSync(join(folder, 'values.yaml'), readFileSync(join(CHART, 'values.yaml')));
  writeFileSync(join(folder, 'templates', 'values.yaml'), 'values: {{ .Values | toJson | b64enc }}\n');
  const { stdout, stderr } = await command(helm, ['template', folder]);
  rmSync(folder, { recursive: true });
  const encoded = /^values: (\S+)$/m.exec(stdout)?.[1];
  check(encoded !== undefined, 'helm reads values.yaml', stderr);
  const { global: _, ...values } = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as Values;
  return values;
}
