// The part of Kubernetes' API that the chart's Job uses, over TLS: Secrets of one namespace, under the rules of a Role. It is no
// Kubernetes: it compares resource versions, and stores nothing else.
import { writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Authority } from '../support/certificates.ts';

interface Rule {
  readonly verb: string;
  readonly names: readonly string[] | undefined;
}

interface Stored {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string };
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

const TOKEN = 'the token of the account';
const PATH = /^\/api\/v1\/namespaces\/fleet\/secrets(?:\/([-a-z0-9.]+))?$/;

export class SecretsApi {
  readonly #server: Server;
  readonly #secrets = new Map<string, Stored>();
  #rules: readonly Rule[] = [];
  #version = 0;

  private constructor(authority: Authority) {
    const own = authority.issue({ subject: [['CN', 'kubernetes']], names: ['127.0.0.1'] });
    this.#server = createServer(own, (request, response) => {
      void bodyOf(request).then((body) => {
        const [status, content] = this.#respond(request, body);
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content));
      });
    });
  }

  /** Writes the account of a pod into the folder. */
  static async start(folder: string): Promise<SecretsApi> {
    const authority = new Authority('Kubernetes');
    const api = new SecretsApi(authority);
    await new Promise<void>((resolve) => api.#server.listen(0, '127.0.0.1', resolve));
    writeFileSync(join(folder, 'token'), TOKEN);
    writeFileSync(join(folder, 'namespace'), 'fleet');
    writeFileSync(join(folder, 'ca.crt'), authority.cert);
    return api;
  }

  /** Of a pod. */
  get env(): Readonly<Record<string, string>> {
    const { port } = this.#server.address() as AddressInfo;
    return { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) };
  }

  allow(rules: readonly Rule[]): void {
    this.#rules = rules;
  }

  /** The data of each, decoded. */
  copy(): Map<string, Record<string, string>> {
    const decoded = (data: Stored['data']): Record<string, string> =>
      Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]));
    return new Map([...this.#secrets].map(([name, { data }]) => [name, decoded(data)]));
  }

  secretValues(): string[] {
    return [...this.copy().values()]
      .flatMap((data) => [data['password'], data['ca.key'], data['tls.key']])
      .filter((text) => text !== undefined);
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #respond({ headers, method = '', url = '' }: IncomingMessage, body: string): [number, object] {
    if (headers.authorization !== `Bearer ${TOKEN}`) return status(401, 'Unauthorized');
    const path = PATH.exec(url);
    const verb = { GET: 'get', POST: 'create', PUT: 'update' }[method];
    if (!path || verb === undefined) return status(404, 'no such path');
    const sent = body === '' ? undefined : (JSON.parse(body) as Stored);
    const name = path[1] ?? sent?.metadata.name ?? '';
    // The API knows no name when something is created, so a rule with names never allows it.
    const isAllowed = this.#rules.some(
      (rule) => rule.verb === verb && (rule.names === undefined || (verb !== 'create' && rule.names.includes(name))),
    );
    if (!isAllowed) return status(403, `secrets "${name}" is forbidden: cannot ${verb}`);
    const known = this.#secrets.get(name);
    if (verb === 'get') return known ? [200, known] : status(404, `secrets "${name}" not found`);
    if (!sent) return status(400, 'a Secret is expected');
    if (verb === 'create' && known) return status(409, 'AlreadyExists');
    if (verb === 'update' && known?.metadata.resourceVersion !== sent.metadata.resourceVersion)
      return status(409, 'Conflict');
    const resourceVersion = String(++this.#version);
    const stored = { ...sent, metadata: { ...sent.metadata, resourceVersion } };
    this.#secrets.set(name, stored);
    return [verb === 'create' ? 201 : 200, stored];
  }
}

const status = (code: number, message: string): [number, object] => [code, { kind: 'Status', code, message }];

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
