// The chart with TLS and authentication, as it is by default: what it renders; the Job that makes the Secrets, run as a process against
// an API that allows what its Role allows and no more; and the programs, started with the environment of their pods.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, command, type Finished, type Report } from '../support/run.ts';
import { Chart, documents, type Values } from './chart.ts';
import { LiveCluster } from './live-cluster.ts';
import { LockedRelease } from './locked-release.ts';
import { SecretsApi } from './secrets-api.ts';

const external = { postgres: { external: { existingSecret: 'db' } } };
const split = { ...external, mode: 'split' };
const three = { ...split, broker: { replicas: 3 } };
const certManager = { certManager: { enabled: true, issuer: { name: 'fleet-ca', kind: 'ClusterIssuer' } } };

export async function lockCases(report: Report, helm: string): Promise<void> {
  const chart = new Chart(helm);
  await certificates(report, chart);
  await listeners(report, chart);
  await notes(report, chart);
  await job(report, chart);
  await release(report, chart);
  chart.close();
}

async function certificates(report: Report, chart: Chart): Promise<void> {
  const kinds = async (values: Values): Promise<string[]> =>
    documents(await chart.manifests([], values))
      .filter(({ kind }) => /^(Job|CronJob|Role|RoleBinding|ServiceAccount|Certificate|Secret)$/.test(kind))
      .map(({ kind, name }) => `${kind} ${name.replace('depot-milepost', '')}`.trim())
      .filter((name) => !/^(Job -migrate|ServiceAccount)$/.test(name))
      .sort();
  await report.run(
    'no template makes a Secret: a Job before install and upgrade does, and a CronJob renews',
    async () => {
      const seen = (await kinds(split)).join(', ');
      const expected =
        'CronJob -renewal, Job -secrets, Role -renewal, Role -secrets, RoleBinding -renewal, RoleBinding -secrets, ' +
        'ServiceAccount -renewal, ServiceAccount -secrets';
      check(seen === expected, 'these and no Secret', seen);
      const made = await one(chart, split, 'Job', 'depot-milepost-secrets');
      check(/helm\.sh\/hook: pre-install,pre-upgrade/.test(made), 'a hook', made);
    },
  );
  await report.run('Secrets of your own, or of cert-manager, need no Job and no account', async () => {
    const own = { ...split, tls: { existingSecret: 'mine' }, admin: { existingSecret: 'boss' } };
    check((await kinds(own)).length === 0, 'nothing', await kinds(own));
    const broker = await one(chart, own, 'StatefulSet', 'depot-milepost-broker');
    check(/secretName: mine\n/.test(broker) && /secretName: boss\n/.test(broker), 'they are mounted', broker);
    const managed = (await kinds({ ...split, tls: certManager, admin: { existingSecret: 'boss' } })).join(', ');
    check(managed === 'Certificate -tls', "cert-manager's own object alone", managed);
    const half = await one(chart, { ...split, tls: certManager }, 'Job', 'depot-milepost-secrets');
    check(/--admin=/.test(half) && !/--certificate=/.test(half), 'the Job makes what is left', half);
  });
  await report.run('the Job may create Secrets, and read and update none but its own', async () => {
    const role = await one(chart, split, 'Role', 'depot-milepost-secrets');
    const rules = rulesIn(role).map(({ names, verb }) => `${verb} ${names?.join() ?? 'any'}`);
    const all = 'depot-milepost-authority,depot-milepost-tls,depot-milepost-admin';
    check(rules.join('; ') === `create any; get ${all}; update depot-milepost-tls`, 'three rules', rules);
    const later = rulesIn(await one(chart, split, 'Role', 'depot-milepost-renewal'));
    check(!later.some(({ verb }) => verb === 'create'), 'the CronJob creates nothing', later);
  });
  await report.run('the certificate names every service, every pod and every address outside', async () => {
    const values = {
      ...three,
      tls: { ...certManager, names: ['mqtt.example', '192.0.2.7'] },
      kafka: { advertised: { host: '$(POD_NAME).kafka.example' } },
    };
    const certificate = await one(chart, values, 'Certificate', 'depot-milepost-tls');
    for (const name of [
      '*.depot-milepost-broker.fleet.svc.cluster.local',
      'depot-milepost-kafka.fleet.svc',
      'depot-milepost-mqtt',
      'depot-milepost-dashboard.fleet',
      'depot-milepost-broker-2.kafka.example',
      'mqtt.example',
      '192.0.2.7',
    ])
      check(certificate.includes(`    - "${name}"\n`), name, certificate);
    check(
      /ipAddresses:\n {4}- "127\.0\.0\.1"\n {4}- "192\.0\.2\.7"\n/.test(certificate),
      'addresses apart',
      certificate,
    );
  });
  await report.run('the private key of the authority is in no pod', async () => {
    const text = await chart.manifests([], split);
    check(!/secretName: \S*authority/.test(text), 'not mounted', text);
  });
}

async function listeners(report: Report, chart: Chart): Promise<void> {
  await report.run('brokers and programs have a Kafka listener of their own: SASL_SSL between pods', async () => {
    const values = { ...three, kafka: { advertised: { host: '$(POD_NAME).example' } } };
    const broker = await one(chart, values, 'StatefulSet', 'depot-milepost-broker');
    const pod = '$(POD_NAME).depot-milepost-broker.fleet.svc.cluster.local';
    for (const expected of [
      'value: APPS://127.0.0.1:9091,CLIENTS://0.0.0.0:9092,INTERNAL://0.0.0.0:9094\n',
      'value: APPS:SASL_PLAINTEXT,CLIENTS:SASL_SSL,INTERNAL:SASL_SSL\n',
      `value: CLIENTS://$(POD_NAME).example:9092,INTERNAL://${pod}:9094\n`,
      'name: KAFKA_INTER_BROKER_LISTENER_NAME\n              value: INTERNAL\n',
      'value: /etc/milepost/tls/ca.crt\n',
      'value: org.apache.kafka.metadata.authorizer.StandardAuthorizer\n',
    ])
      check(broker.includes(expected), expected.trim(), broker);
    check(!/ALLOW_ANONYMOUS|PLAINTEXT:\/\//.test(broker), 'nothing is open', broker);
    for (const name of ['gateway', 'dashboard', 'notifications']) {
      const text = await one(chart, values, 'Deployment', `depot-milepost-${name}`);
      for (const expected of [
        'value: depot-milepost-broker:9094\n',
        'value: SASL_SSL\n',
        'value: /etc/milepost/admin/password\n',
      ])
        check(text.includes(expected), `${name}: ${expected.trim()}`, text);
      check(text.includes('port: http, scheme: HTTPS'), `${name} is probed over TLS`, text);
    }
    const headless = await one(chart, values, 'Service', 'depot-milepost-broker');
    check(/name: internal\n\s+port: 9094\n/.test(headless), 'the service has it', headless);
    const outside = await one(chart, values, 'Service', 'depot-milepost-kafka');
    check(!outside.includes('9094'), 'clients outside do not', outside);
  });
  await report.run('IPv6 pods listen in brackets', async () => {
    const broker = await one(chart, { ...split, listen: '::' }, 'StatefulSet', 'depot-milepost-broker');
    check(broker.includes('CLIENTS://[::]:9092,INTERNAL://[::]:9094'), 'brackets', broker);
  });
  await report.run(
    'devices come by TLS on 8883 and 8084, with a certificate where their authority is given',
    async () => {
      const clientCa = { existingSecret: 'depot-ca', certificate: 'required', name: 'dns', mappingRules: 'DEFAULT' };
      const gateway = await one(chart, { ...split, mqtt: { clientCa } }, 'Deployment', 'depot-milepost-gateway');
      for (const [name, value] of [
        ['MILEPOST_MQTT_AUTHENTICATION', 'required'],
        ['MILEPOST_MQTTS_PORT', '"8883"'],
        ['MILEPOST_MQTT_WSS_PORT', '"8084"'],
        ['MILEPOST_MQTT_PORT', '"off"'],
        ['MILEPOST_MQTT_WS_PORT', '"off"'],
        ['MILEPOST_MQTT_CLIENT_CA_FILE', '/etc/milepost/device-ca/ca.crt'],
        ['MILEPOST_MQTT_CLIENT_CERTIFICATE', 'required'],
        ['MILEPOST_MQTT_CERTIFICATE_NAME', 'dns'],
        ['MILEPOST_MQTT_PRINCIPAL_MAPPING_RULES', 'DEFAULT'],
      ])
        check(gateway.includes(`name: ${name}\n              value: ${value}\n`), `${name}=${value}`, gateway);
      const service = await one(chart, split, 'Service', 'depot-milepost-mqtt');
      check(/port: 8883\n[^]*port: 8084\n/.test(service), 'the ports of the service', service);
      const policy = await one(chart, split, 'NetworkPolicy', 'depot-milepost-gateway');
      check(policy.includes('- port: 8883\n        - port: 8084\n'), 'and of the policy', policy);
    },
  );
  await report.run('behind an ingress that ends TLS, users and devices authenticate all the same', async () => {
    const appliance = await one(chart, { ...external, tls: { web: false } }, 'StatefulSet', 'depot-milepost-appliance');
    for (const [name, value] of [
      ['MILEPOST_HTTP_TLS', '"false"'],
      ['MILEPOST_HTTP_AUTHENTICATION', 'required'],
      ['MILEPOST_MQTT_AUTHENTICATION', 'required'],
      ['MILEPOST_MQTT_WS_PORT', '"8083"'],
      ['MILEPOST_MQTTS_PORT', '"8883"'],
    ])
      check(appliance.includes(`name: ${name}\n              value: ${value}\n`), `${name}=${value}`, appliance);
    check(!appliance.includes('scheme: HTTPS'), 'probed in the clear', appliance);
  });
  await report.run('allowAnonymous opens everything again, for a try', async () => {
    const text = await chart.manifests([], { ...split, allowAnonymous: true });
    check(!/TLS|SASL|PASSWORD_FILE|CronJob/.test(text.replace(/PGSSLMODE/g, '')), 'nothing is locked', text);
    check(/MILEPOST_ALLOW_ANONYMOUS\n\s+value: "true"/.test(text), 'it says so to the programs', text);
  });
}

async function notes(report: Report, chart: Chart): Promise<void> {
  await report.run('NOTES say how to get the CA and the password of the admin', async () => {
    const live = await LiveCluster.start();
    const { status, stdout, stderr } = await chart.install(split, live.install);
    check(status === 0, 'helm says what it would install', stderr);
    for (const expected of [
      "get secret depot-milepost-tls -o jsonpath='{.data.ca\\.crt}' | base64 -d > ca.crt",
      "get secret depot-milepost-admin -o jsonpath='{.data.password}' | base64 -d",
      'devices add t-1',
      'https://localhost:8080/',
      ':8883 (TLS',
    ])
      check(stdout.includes(expected), expected, stdout);
    const open = await chart.install({ ...split, allowAnonymous: true }, live.install);
    live.close();
    check(open.stdout.includes('THERE IS NO TLS AND NO AUTHENTICATION'), 'and when there is none', open.stdout);
  });
}

interface Rule {
  readonly verb: string;
  readonly names: readonly string[] | undefined;
}

const rulesIn = (role: string): Rule[] =>
  [...role.matchAll(/resources: \[secrets\]\n\s+verbs: \[(\w+)\]\n(?:\s+resourceNames: (\[.*\])\n)?/g)].map(
    ([, verb = '', names]) => ({ verb, names: names === undefined ? undefined : (JSON.parse(names) as string[]) }),
  );

const argsIn = (pod: string): string[] => [...pod.matchAll(/^ +- (secrets|--\S+)$/gm)].map(([, arg]) => arg ?? '');

async function job(report: Report, chart: Chart): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-account-'));
  const api = await SecretsApi.start(folder);
  const jobArgs = argsIn(await one(chart, split, 'Job', 'depot-milepost-secrets'));
  const renewalArgs = argsIn(await one(chart, split, 'CronJob', 'depot-milepost-renewal'));
  const run = (args: readonly string[]): Promise<Finished> => {
    const own = args.map((arg) => (arg.startsWith('--account=') ? `--account=${folder}` : arg));
    return command(process.execPath, ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', ...own], undefined, {
      env: api.env,
    });
  };
  await report.run(
    'the Job makes its three Secrets with the rights that it has, and an upgrade keeps them',
    async () => {
      api.allow(rulesIn(await one(chart, split, 'Role', 'depot-milepost-secrets')));
      const first = await run(jobArgs);
      check(
        first.status === 0 && (first.stdout.match(/: made$/gm) ?? []).length === 3,
        'made',
        first.stdout + first.stderr,
      );
      const kept = api.copy();
      check(kept.size === 3, 'three', [...kept.keys()]);
      const again = await run(jobArgs);
      check((again.stdout.match(/: unchanged$/gm) ?? []).length === 3, 'unchanged', again.stdout + again.stderr);
      check(JSON.stringify([...api.copy()]) === JSON.stringify([...kept]), 'byte for byte', [...kept.keys()]);
      for (const secret of api.secretValues())
        check(!(first.stdout + first.stderr).includes(secret), 'no secret is printed', first.stdout);
    },
  );
  await report.run('the CronJob renews the certificate with the rights that it has', async () => {
    api.allow(rulesIn(await one(chart, split, 'Role', 'depot-milepost-renewal')));
    const idle = await run(renewalArgs);
    check((idle.stdout.match(/: unchanged$/gm) ?? []).length === 2, 'nothing to do yet', idle.stdout + idle.stderr);
    const renewed = await run([...renewalArgs, '--name=another.example']);
    check(/depot-milepost-tls: renewed/.test(renewed.stdout), 'for another name', renewed.stdout + renewed.stderr);
  });
  await report.run('a right that is missing, an API that is away and a wrong wish are one line each', async () => {
    api.allow([]);
    const line = async (said: RegExp, args = jobArgs, env = api.env): Promise<void> => {
      const { status, stderr } = await command(
        process.execPath,
        [
          '--import',
          './tools/swc-hook.mjs',
          'apps/cli/src/main.ts',
          ...args.map((arg) => arg.replace(/^--account=.*/, `--account=${folder}`)),
        ],
        undefined,
        { env },
      );
      check(status === 1 && said.test(stderr) && stderr.trim().split('\n').length === 1, String(said), stderr);
    };
    await line(/would not read Secret depot-milepost-authority in fleet: 403, .*give that right to the account/);
    await line(/the API of Kubernetes at 127\.0\.0\.1:1: .*ECONNREFUSED/, jobArgs, {
      ...api.env,
      KUBERNETES_SERVICE_PORT: '1',
    });
    await line(/--name: expected a DNS name or an address, got "a b"/, [...jobArgs, '--name=a b']);
    await line(/expected --authority, --certificate and --name together/, ['secrets', '--certificate=x']);
    await line(/--admin: expected the name of a Secret, got "Admin"/, ['secrets', '--admin=Admin']);
  });
  api.close();
  rmSync(folder, { recursive: true });
}

/** The programs, with the environment and the Secrets of their pods. */
async function release(report: Report, chart: Chart): Promise<void> {
  const reason = LockedRelease.missing();
  if (reason !== undefined) return report.skip("the chart's programs with their pods' environment", reason);
  await report.run(
    'with the environment of their pods, a truck reaches the map by MQTT over TLS, and nobody else does anything',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'milepost-release-'));
      chmodSync(folder, 0o711); // PostgreSQL runs as another user
      const account = join(folder, 'account');
      mkdirSync(account);
      const api = await SecretsApi.start(account);
      const values = { ...split, gateway: { replicas: 1 } };
      api.allow(rulesIn(await one(chart, values, 'Role', 'depot-milepost-secrets')));
      const args = argsIn(await one(chart, values, 'Job', 'depot-milepost-secrets'));
      const own = args.map((arg) => (arg.startsWith('--account=') ? `--account=${account}` : arg));
      const made = await command(
        process.execPath,
        ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', ...own],
        undefined,
        { env: api.env },
      );
      check(made.status === 0, 'the Secrets are made', made.stderr);
      const secrets = api.copy();
      for (const [mount, secret] of [
        ['tls', 'depot-milepost-tls'],
        ['admin', 'depot-milepost-admin'],
      ] as const) {
        mkdirSync(join(folder, mount));
        for (const [key, text] of Object.entries(secrets.get(secret) ?? {}))
          writeFileSync(join(folder, mount, key), text);
      }
      api.close();
      const pod = (kind: string, name: string): Promise<string> => one(chart, values, kind, `depot-milepost-${name}`);
      try {
        await new LockedRelease(folder).prove({
          broker: await pod('StatefulSet', 'broker'),
          gateway: await pod('Deployment', 'gateway'),
          dashboard: await pod('Deployment', 'dashboard'),
        });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
}

/** The text of one rendered object. */
async function one(chart: Chart, values: Values, kind: string, name: string): Promise<string> {
  const found = documents(await chart.manifests([], values)).find((it) => it.kind === kind && it.name === name);
  check(found !== undefined, `there is a ${kind} ${name}`, values);
  return found.text;
}
