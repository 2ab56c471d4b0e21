// An API server that knows a few objects, for what helm looks up before it renders an upgrade. It is no Kubernetes: it lists and
// returns StatefulSets and Deployments, and stores nothing.
import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LiveObject {
  readonly kind: 'StatefulSet' | 'Deployment';
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: object;
}

/** What this server is asked about, of what the chart renders: by group and version, kinds and their plurals. */
const apis: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  v1: {
    Service: 'services',
    ServiceAccount: 'serviceaccounts',
    Secret: 'secrets',
    ConfigMap: 'configmaps',
    Pod: 'pods',
  },
  'apps/v1': { StatefulSet: 'statefulsets', Deployment: 'deployments' },
  'autoscaling/v2': { HorizontalPodAutoscaler: 'horizontalpodautoscalers' },
  'batch/v1': { Job: 'jobs', CronJob: 'cronjobs' },
  'networking.k8s.io/v1': { Ingress: 'ingresses', NetworkPolicy: 'networkpolicies' },
  'rbac.authorization.k8s.io/v1': { Role: 'roles', RoleBinding: 'rolebindings' },
  'policy/v1': { PodDisruptionBudget: 'poddisruptionbudgets' },
};

const verbs = ['get', 'list'];
const resourcesOf = (groupVersion: string): object => ({
  kind: 'APIResourceList',
  groupVersion,
  resources: Object.entries(apis[groupVersion] ?? {}).map(([kind, name]) => ({
    name,
    singularName: '',
    namespaced: true,
    kind,
    verbs,
  })),
});
const groups = Object.keys(apis).flatMap((groupVersion) => {
  const [name, version] = groupVersion.split('/');
  const preferredVersion = { groupVersion, version };
  return version === undefined ? [] : [{ name, versions: [preferredVersion], preferredVersion }];
});

export class LiveCluster {
  readonly #server: Server;
  readonly #folder = mkdtempSync(join(tmpdir(), 'milepost-live-'));
  #objects: readonly LiveObject[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://here');
      const found = this.#respond(pathname);
      const body = found ?? { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  }

  static async start(): Promise<LiveCluster> {
    const cluster = new LiveCluster();
    await new Promise<void>((resolve) => cluster.#server.listen(0, '127.0.0.1', resolve));
    const { port } = cluster.#server.address() as { port: number };
    const named = (name: string, key: string, of: object): object => ({ name, [key]: of });
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [named('here', 'cluster', { server: `http://127.0.0.1:${port}` })],
      users: [named('me', 'user', {})],
      contexts: [named('here', 'context', { cluster: 'here', user: 'me' })],
      'current-context': 'here',
    };
    writeFileSync(cluster.#config, JSON.stringify(config));
    return cluster;
  }

  get #config(): string {
    return join(this.#folder, 'config');
  }

  /** For helm: an install that it would do here. Helm 3 wants a cluster even for a dry run. */
  get install(): string[] {
    return ['--kubeconfig', this.#config, '--dry-run=client', '--disable-openapi-validation'];
  }

  /** For helm: an upgrade that looks these objects up. */
  with(...objects: readonly LiveObject[]): string[] {
    this.#objects = objects;
    return ['--kubeconfig', this.#config, '--dry-run=server', '--is-upgrade', '--disable-openapi-validation'];
  }

  #respond(path: string): object | undefined {
    if (path === '/version') return { major: '1', minor: '35', gitVersion: 'v1.35.0' };
    if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
    if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups };
    const groupVersion = path.replace(/^\/apis?\//, '');
    if (apis[groupVersion]) return resourcesOf(groupVersion);
    const [, plural, name] = /^\/apis\/apps\/v1\/namespaces\/fleet\/(\w+)(?:\/([-\w]+))?$/.exec(path) ?? [];
    const found = this.#objects.filter(({ kind }) => apis['apps/v1']?.[kind] === plural);
    const shown = found.map((object) => ({ apiVersion: 'apps/v1', ...object }));
    if (name !== undefined) return shown.find(({ metadata }) => metadata.name === name);
    return plural === undefined ? undefined : { kind: 'List', apiVersion: 'apps/v1', metadata: {}, items: shown };
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
    rmSync(this.#folder, { recursive: true });
  }
}
