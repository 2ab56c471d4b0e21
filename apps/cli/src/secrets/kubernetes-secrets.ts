// Secrets of a namespace by the API of Kubernetes, as the account of this pod.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { Secret, SecretStore } from './release-secrets.ts';

/** A request that Kubernetes did not fulfill. */
export class KubernetesFailed extends Error {
  override readonly name = 'KubernetesFailed';
}

const REQUEST_LIMIT_MS = 30_000;

interface Wire {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly type: Secret['type'];
  readonly data?: Readonly<Record<string, string>>;
}

interface Account {
  readonly token: string;
  readonly ca: string;
  readonly namespace: string;
  readonly host: string;
  readonly port: string;
}

export class KubernetesSecrets implements SecretStore {
  readonly #account: Account;

  /** `folder`: with token, ca.crt and namespace of the pod's account. @throws Error naming what is missing. */
  constructor(folder: string, env: Readonly<Record<string, string | undefined>>) {
    const text = (name: string): string => textOf(join(folder, name)).trim();
    const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = '443' } = env;
    if (!host) throw new Error('KUBERNETES_SERVICE_HOST: expected the address of the API, got none: this is for a pod');
    this.#account = { token: text('token'), ca: text('ca.crt'), namespace: text('namespace'), host, port };
  }

  get namespace(): string {
    return this.#account.namespace;
  }

  async read(name: string): Promise<Secret | undefined> {
    const { status, body } = await this.#send('GET', name);
    if (status === 404) return undefined;
    const { metadata, type, data = {} } = this.#expected(200, { status, body }, `read Secret ${name}`) as Wire;
    const { resourceVersion } = metadata;
    return { name, type, data: mapped(data, decoded), ...(resourceVersion !== undefined && { resourceVersion }) };
  }

  async create(secret: Secret): Promise<boolean> {
    const response = await this.#send('POST', undefined, secret);
    if (response.status === 409) return false;
    this.#expected(201, response, `create Secret ${secret.name}`);
    return true;
  }

  async replace(secret: Secret): Promise<boolean> {
    const response = await this.#send('PUT', secret.name, secret);
    if (response.status === 409) return false;
    this.#expected(200, response, `update Secret ${secret.name}`);
    return true;
  }

  #send(method: string, name: string | undefined, secret?: Secret): Promise<Response> {
    const { ca, host, namespace, port, token } = this.#account;
    const path = `/api/v1/namespaces/${namespace}/secrets${name === undefined ? '' : `/${name}`}`;
    const headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    };
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void =>
        reject(new KubernetesFailed(`the API of Kubernetes at ${host}:${port}: ${error.message}`));
      const sent = request({ host, port, path, method, headers, ca, timeout: REQUEST_LIMIT_MS }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('error', failed).on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      sent.on('timeout', () => sent.destroy(new Error(`no response in ${REQUEST_LIMIT_MS / 1_000} s`)));
      sent.on('error', failed).end(secret && JSON.stringify(wireOf(secret)));
    });
  }

  #expected(wanted: number, { status, body }: Response, what: string): unknown {
    const content = parsed(body);
    if (status === wanted) return content;
    const reason = (content as { message?: string } | undefined)?.message ?? 'no reason given';
    const cure = status === 403 ? ': give that right to the account of this pod' : '';
    throw new KubernetesFailed(`Kubernetes would not ${what} in ${this.namespace}: ${status}, ${reason}${cure}`);
  }
}

interface Response {
  readonly status: number;
  readonly body: string;
}

const wireOf = ({ data, name, resourceVersion, type }: Secret): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name,
    ...(resourceVersion !== undefined && { resourceVersion }),
    labels: { 'app.kubernetes.io/part-of': 'milepost', 'app.kubernetes.io/managed-by': 'milepost' },
  },
  type,
  data: mapped(data, (text) => Buffer.from(text).toString('base64')),
});

const decoded = (text: string): string => Buffer.from(text, 'base64').toString();
const mapped = (data: Readonly<Record<string, string>>, change: (text: string) => string): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, text]) => [key, change(text)]));

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `--account: expected a readable file of the pod's account, got ${path} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
