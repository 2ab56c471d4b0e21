// What went wrong with the chart on a real API server, each a rendering that failed then; and what a cluster of brokers renders.
import { check, type Report } from '../support/run.ts';
import { Chart, documents, type Values } from './chart.ts';
import { LiveCluster, type LiveObject } from './live-cluster.ts';

const external = { allowAnonymous: true, postgres: { external: { existingSecret: 'db' } } };
const split = { ...external, mode: 'split' };
const bundled = { mode: 'split', allowAnonymous: true, postgres: { kind: 'bundled', bundled: { password: 'x' } } };
const three = { ...split, broker: { replicas: 3 } };

export async function faultCases(report: Report, helm: string): Promise<void> {
  const chart = new Chart(helm);
  const live = await LiveCluster.start();
  await doors(report, chart);
  await jobs(report, chart);
  await environments(report, chart);
  await upgrades(report, chart, live);
  await cluster(report, chart);
  live.close();
  chart.close();
}

async function doors(report: Report, chart: Chart): Promise<void> {
  await report.run('the map is open to dashboardFrom only: metrics have a port of their own', async () => {
    const policy = await one(chart, split, 'NetworkPolicy', 'depot-milepost-dashboard');
    const doors = [...policy.matchAll(/ {4}- from: (\[.*\])\n {6}ports:\n {8}- port: (\d+)/g)];
    const seen = doors.map(([, from, port]) => `${port} ${from}`);
    check(seen.join('; ') === '8080 [{"podSelector":{}}]; 9464 [{"namespaceSelector":{}}]', 'two doors', policy);
    const dashboard = await one(chart, split, 'Deployment', 'depot-milepost-dashboard');
    check(/MILEPOST_METRICS_PORT\n\s+value: "9464"/.test(dashboard), 'the program opens it', dashboard);
    check(/name: metrics\n\s+containerPort: 9464/.test(dashboard), 'the pod has it', dashboard);
    const service = await one(chart, split, 'Service', 'depot-milepost-metrics');
    check(service.includes('targetPort: metrics'), 'it is what is scraped', service);
  });
  const exposed = (mqtt: Values, mqttFrom?: unknown): Values => ({
    ...split,
    services: { mqtt: { type: 'LoadBalancer', ...mqtt } },
    ...(mqttFrom ? { networkPolicy: { mqttFrom } } : {}),
  });
  await report.run('the policy of the gateway admits what comes in by its load balancer', async () => {
    const gateway = (values: Values): Promise<string> => one(chart, values, 'NetworkPolicy', 'depot-milepost-gateway');
    const anyone = await gateway(exposed({ loadBalancerSourceRanges: ['10.0.0.0/8'] }));
    check(anyone.includes('0.0.0.0/0') && anyone.includes('::/0'), 'nodes pass it on under their addresses', anyone);
    const local = { externalTrafficPolicy: 'Local', loadBalancerSourceRanges: ['10.0.0.0/8'] };
    const ranges = await gateway(exposed(local));
    check(ranges.includes('10.0.0.0/8') && !ranges.includes('0.0.0.0/0'), 'the source ranges', ranges);
    const own = await gateway(exposed({}, [{ ipBlock: { cidr: '192.168.0.0/16' } }]));
    check(own.includes('192.168.0.0/16') && !own.includes('0.0.0.0/0'), 'addresses that are set count', own);
    const inside = await gateway(split);
    check(!inside.includes('ipBlock'), 'nothing from outside without it', inside);
  });
  await report.run('an ingress whose controller the policy keeps out is refused in one line', async () => {
    await refused(
      chart,
      { ...split, ingress: { enabled: true, host: 'a' } },
      /networkPolicy\.dashboardFrom: expected a peer in/,
    );
    const overWebSocket = { ...split, mqttIngress: { enabled: true, host: 'a' } };
    await refused(chart, overWebSocket, /networkPolicy\.mqttFrom: expected a peer in another namespace/);
    await refused(
      chart,
      { ...split, networkPolicy: { metricsFrom: [] }, monitoring: { serviceMonitor: { enabled: true } } },
      /networkPolicy\.metricsFrom: expected/,
    );
  });
  await report.run('an ingress brings MQTT over WebSocket to the gateway', async () => {
    const networkPolicy = { mqttFrom: [{ namespaceSelector: {} }] };
    const values = { ...split, networkPolicy, mqttIngress: { enabled: true, host: 'mqtt.example', path: '/mqtt' } };
    const ingress = await one(chart, values, 'Ingress', 'depot-milepost-mqtt');
    check(
      /path: \/mqtt\n[^]*name: depot-milepost-mqtt\n\s+port:\n\s+name: mqtt-ws\n/.test(ingress),
      'its port',
      ingress,
    );
  });
  await report.run(
    'a browser that comes by the name of an ingress is known to the page and to the gateway',
    async () => {
      const networkPolicy = { enabled: false };
      const ingress = { enabled: true, host: 'map.example' };
      const mqttIngress = { enabled: true, host: 'mqtt.example' };
      for (const name of ['depot-milepost-dashboard', 'depot-milepost-gateway']) {
        const text = await one(chart, { ...split, networkPolicy, ingress, mqttIngress }, 'Deployment', name);
        const origins = /MILEPOST_ALLOWED_ORIGINS\n\s+value: (\S+)/.exec(text)?.[1];
        const expected = 'https://map.example,https://mqtt.example,http://map.example,http://mqtt.example';
        check(origins === expected, `${name} knows both`, origins);
      }
    },
  );
}

async function jobs(report: Report, chart: Chart): Promise<void> {
  await report.run('no migration waits for a database or a Secret that the same upgrade creates', async () => {
    const text = await chart.manifests([], bundled);
    check(!documents(text).some(({ kind }) => kind === 'Job'), 'the programs migrate a bundled database', text);
  });
  await report.run('a failed migration does not outlive its release, and logs why it gave up', async () => {
    const job = await one(chart, external, 'Job', 'depot-milepost-migrate');
    check(/ttlSecondsAfterFinished: \d+/.test(job), 'Kubernetes removes it', job);
    check(/MILEPOST_DATABASE_WAIT_SECONDS\n\s+value: "300"/.test(job), 'it gives up by itself', job);
    check(job.includes('activeDeadlineSeconds: 360'), 'before its deadline', job);
  });
  await report.run(
    'the migration and `helm test` run where every pod of the release does, with its environment',
    async () => {
      const pods = {
        nodeSelector: { disk: 'fast' },
        tolerations: [{ key: 'edge', operator: 'Exists' }],
        priorityClassName: 'high',
        affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } },
        extraEnv: [{ name: 'HTTPS_PROXY', value: 'http://proxy' }],
      };
      for (const [kind, name] of [
        ['Job', 'depot-milepost-migrate'],
        ['Pod', 'depot-milepost-test-reaches'],
        ['Deployment', 'depot-milepost-gateway'],
      ] as const) {
        const text = await one(chart, { ...split, pods }, kind, name);
        for (const expected of [
          'disk: fast',
          'key: edge',
          'priorityClassName: high',
          'nodeAffinity:',
          'name: HTTPS_PROXY',
        ])
          check(text.includes(expected), `${name} has ${expected}`, text);
      }
    },
  );
}

async function environments(report: Report, chart: Chart): Promise<void> {
  await report.run('extraEnv takes the place of a variable of the chart, which is there once', async () => {
    const extraEnv = [
      { name: 'MILEPOST_LOG_LEVEL', value: 'debug' },
      { name: 'MILEPOST_DATABASE_WAIT_SECONDS', value: '7' },
    ];
    for (const { kind, name, text } of documents(await chart.manifests([], { ...split, pods: { extraEnv } }))) {
      if (!/^(StatefulSet|Deployment|Job)$/.test(kind)) continue;
      const names = [...text.matchAll(/^ +- name: ([A-Z_]+)$/gm)].map(([, variable]) => variable);
      check(names.length > 5 && new Set(names).size === names.length, `${name} has each variable once`, names);
      check(/MILEPOST_LOG_LEVEL\n\s+value: debug/.test(text), `${name} has the extra one`, text);
      check(/MILEPOST_DATABASE_WAIT_SECONDS\n\s+value: "7"/.test(text), `${name} has the other extra one`, text);
    }
  });
  const rendered = async (value: unknown): Promise<string | undefined> => {
    const broker = await one(
      chart,
      { ...split, kafka: { properties: { p: value } } },
      'StatefulSet',
      'depot-milepost-broker',
    );
    return /name: KAFKA_P\n\s+value: "(.*)"/.exec(broker)?.[1] ?? /name: KAFKA_P\n\s+value: (.*)/.exec(broker)?.[1];
  };
  await report.run('numbers of 64 bits keep their digits, or are refused', async () => {
    const [largest, quoted, exact] = [RAW('9223372036854775807'), '9223372036854775806', 9_007_199_254_740_991];
    check((await rendered(largest)) === '9223372036854775807', "Kafka's own default", await rendered(largest));
    check((await rendered(quoted)) === quoted, 'a text', await rendered(quoted));
    check((await rendered(exact)) === String(exact), 'an exact number', await rendered(exact));
    check((await rendered(10_485_760)) === '10485760', 'no exponent', await rendered(10_485_760));
    const beyond = { ...split, kafka: { properties: { p: RAW('9007199254740993') } } };
    await refused(chart, beyond, /kafka\.properties\.p: expected a number beyond 2\^53 in quotes/);
  });
}

/** A number with digits that JavaScript's own numbers do not have. */
const RAW = (digits: string): unknown => (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);

async function upgrades(report: Report, chart: Chart, live: LiveCluster): Promise<void> {
  const appliance = stateful('depot-milepost-appliance', '20Gi');
  await report.run('an autoscaler that is switched on finds the gateways that run', async () => {
    const gateway: LiveObject = {
      kind: 'Deployment',
      metadata: { name: 'depot-milepost-gateway' },
      spec: { replicas: 6 },
    };
    const values = { ...split, gateway: { replicas: 6, autoscaling: { enabled: true } } };
    const text = await one(chart, values, 'Deployment', 'depot-milepost-gateway', live.with(gateway));
    check(text.includes('replicas: 6'), 'six', text);
    const first = await one(chart, values, 'Deployment', 'depot-milepost-gateway');
    check(!first.includes('replicas:'), 'the autoscaler alone decides at an install', first);
  });
  for (const [what, persistence] of [
    ['size is 20Gi, values say 40Gi', { size: '40Gi' }],
    ['storageClass is "", values say "fast"', { storageClass: 'fast' }],
    ['accessModes is', { accessModes: ['ReadWriteMany'] }],
    ['annotations differ', { annotations: { a: 'b' } }],
  ] as const)
    await report.run(`a claim that an upgrade cannot change is named with the way to change it: ${what}`, async () => {
      const values = { ...external, appliance: { persistence } };
      await refused(
        chart,
        values,
        new RegExp(`appliance cannot be changed by an upgrade \\(${what}.*cascade=orphan`),
        live.with(appliance),
      );
    });
  await report.run('an upgrade that changes no claim passes, however Kubernetes writes its size', async () => {
    await chart.manifests([], external, ...live.with(stateful('depot-milepost-appliance', '20480Mi')));
    const database = stateful('depot-milepost-postgres', '8Gi');
    await chart.manifests([], bundled, ...live.with(stateful('depot-milepost-broker', '20Gi'), database));
  });
  await report.run('another kind of Kafka under an appliance names the claim that it cannot drop', async () => {
    const foreign = { ...external, kafka: { external: { bootstrapServers: 'kafka:9092' } } };
    await refused(chart, foreign, /kind of Kafka or of PostgreSQL.*cascade=orphan/, live.with(appliance));
  });
  await report.run('an appliance that is split does not start with an empty log, unless it is told to', async () => {
    await refused(
      chart,
      split,
      /start with empty ones \(depot-milepost-broker\): set persistence\.existingClaim/,
      live.with(appliance),
    );
    const existingClaim = 'data-depot-milepost-appliance-0';
    const values = { ...split, broker: { persistence: { existingClaim } } };
    const broker = await one(chart, values, 'StatefulSet', 'depot-milepost-broker', live.with(appliance));
    check(broker.includes(`claimName: ${existingClaim}`), 'the claim of the appliance', broker);
    check(!broker.includes('volumeClaimTemplates'), 'and no other', broker);
    const others = {
      ...appliance,
      metadata: { ...appliance.metadata, labels: { 'app.kubernetes.io/instance': 'other' } },
    };
    await chart.manifests([], split, ...live.with(others));
  });
  await report.run(
    'another name leaves no data behind, and changes neither selectors nor the job of the alerts',
    async () => {
      const renamed = { ...external, nameOverride: 'tracker' };
      await refused(chart, renamed, /correct mode, nameOverride or fullnameOverride/, live.with(appliance));
      const fixed = { ...external, fullnameOverride: 'depot-milepost' };
      const selectors = async (values: Values): Promise<string> => {
        const text = await chart.manifests([], values);
        return JSON.stringify(text.match(/(selector|matchLabels):\n( +\S+: \S+\n)+/g));
      };
      check((await selectors(fixed)) === (await selectors({ ...fixed, nameOverride: 'tracker' })), 'selectors', fixed);
      const metrics = await one(chart, renamed, 'Service', 'depot-tracker-metrics');
      check(metrics.includes('app.kubernetes.io/name: milepost\n'), 'the job', metrics);
    },
  );
}

async function cluster(report: Report, chart: Chart): Promise<void> {
  const broker = (values: Values): Promise<string> => one(chart, values, 'StatefulSet', 'depot-milepost-broker');
  await report.run('three brokers have an id, an address and a rack each, and topics with three replicas', async () => {
    const text = await broker({ ...three, kafka: { rackTopologyKey: 'topology.kubernetes.io/zone' } });
    for (const expected of [
      /^ {2}replicas: 3$/m,
      /MILEPOST_BROKER_ID\n[^]*?fieldPath: metadata\.labels\['apps\.kubernetes\.io\/pod-index'\]/,
      /value: PLAINTEXT:\/\/\$\(POD_NAME\)\.depot-milepost-broker\.fleet\.svc\.cluster\.local:9092/,
      /MILEPOST_RACK\n[^]*?fieldPath: metadata\.labels\['topology\.kubernetes\.io\/zone'\]/,
      /KAFKA_DEFAULT_REPLICATION_FACTOR\n\s+value: "3"/,
      /KAFKA_MIN_INSYNC_REPLICAS\n\s+value: "2"/,
      /updateStrategy:\n\s+type: RollingUpdate/,
      /topologySpreadConstraints:/,
    ])
      check(expected.test(text), String(expected), text);
    const budget = await one(chart, three, 'PodDisruptionBudget', 'depot-milepost-broker');
    check(budget.includes('maxUnavailable: 1'), 'one at a time', budget);
  });
  await report.run('clients outside find each of three brokers by a service of its own', async () => {
    const annotations = { 'external-dns.alpha.kubernetes.io/hostname': '$(POD_NAME).example' };
    const values = {
      ...three,
      services: { kafka: { type: 'LoadBalancer', annotations } },
      kafka: { advertised: { host: '$(POD_NAME).example' } },
    };
    for (const name of ['depot-milepost-broker-0', 'depot-milepost-broker-1', 'depot-milepost-broker-2']) {
      const service = await one(chart, values, 'Service', name);
      check(service.includes(`statefulset.kubernetes.io/pod-name: ${name}\n`), 'its pod', service);
      check(
        service.includes(`hostname: ${name}.example\n`) && service.includes('type: LoadBalancer'),
        'its name',
        service,
      );
    }
    const bootstrap = await one(chart, values, 'Service', 'depot-milepost-kafka');
    check(bootstrap.includes('hostname: depot-milepost-kafka.example\n'), 'and one for all', bootstrap);
    const text = await broker(values);
    check(text.includes('value: PLAINTEXT://$(POD_NAME).example:9092'), 'what clients are told', text);
  });
  await report.run('a broker of several drains before it is stopped, and has the time for both', async () => {
    const text = await broker({ ...three, broker: { replicas: 3, drainSeconds: 77 } });
    check(text.includes('command: [node, apps/cli/src/main.js, drain, --seconds, "77"]'), 'its preStop', text);
    check(text.includes('terminationGracePeriodSeconds: 207'), 'and 130 s to stop', text);
    const alone = await broker(split);
    check(!alone.includes('drain') && !alone.includes('REPLICATION'), 'one broker has nobody to wait for', alone);
  });
  await report.run('replicas that are set count, also for two brokers', async () => {
    const properties = { 'default.replication.factor': 2 };
    const text = await broker({ ...three, kafka: { properties } });
    check(/KAFKA_DEFAULT_REPLICATION_FACTOR\n\s+value: "2"/.test(text), 'two', text);
    const two = await broker({ ...split, broker: { replicas: 2 } });
    check(/KAFKA_MIN_INSYNC_REPLICAS\n\s+value: "1"/.test(two), 'one of two is enough', two);
  });
  await report.run('three brokers with one address or one claim are refused in one line', async () => {
    const oneAddress = { ...three, kafka: { advertised: { host: 'kafka.example' } } };
    await refused(chart, oneAddress, /kafka\.advertised\.host: expected \$\(POD_NAME\) in it/);
    const oneClaim = { ...split, broker: { replicas: 3, persistence: { existingClaim: 'mine' } } };
    await refused(chart, oneClaim, /broker\.persistence\.existingClaim: expected broker\.replicas to be 1/);
  });
}

/** As the API server returns one of this release. */
const stateful = (name: string, storage: string): LiveObject => ({
  kind: 'StatefulSet',
  metadata: { name, labels: { 'app.kubernetes.io/instance': 'depot' } },
  spec: {
    volumeClaimTemplates: [
      { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } },
    ],
  },
});

/** The text of one rendered object. */
async function one(chart: Chart, values: Values, kind: string, name: string, options: string[] = []): Promise<string> {
  const all = documents(await chart.manifests([], values, ...options));
  const found = all.find((document) => document.kind === kind && document.name === name);
  check(
    found !== undefined,
    `there is a ${kind} ${name}`,
    all.map((document) => `${document.kind} ${document.name}`),
  );
  return found.text;
}

async function refused(chart: Chart, values: Values, said: RegExp, options: string[] = []): Promise<void> {
  const { status, stdout, stderr } = await chart.render([], values, ...options);
  check(status !== 0 && stdout === '', 'nothing is rendered', stdout);
  const lines = stderr.split('\n').filter((line) => said.test(line) && !line.startsWith('level='));
  check(lines.length === 1, `one line says ${said.source}`, stderr);
}
