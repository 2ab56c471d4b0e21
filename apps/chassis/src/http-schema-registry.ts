// A client of a schema registry with Confluent's REST API, ours or another: reads schemas by id, and registers those of our own
// records.
import type { ResolvedReference, ResolvedSchema, SchemaSource, SchemaType } from '@milepost/serdes';

const TIMEOUT_MS = 5_000;
/** Schemas that refer to each other, deeper or more of them than this, are refused. */
const REFERENCES_LIMIT = 1_000;
/** Confluent's number for an id that does not exist. */
const SCHEMA_NOT_FOUND = 40_403;

interface Body {
  readonly schema?: string;
  readonly schemaType?: SchemaType;
  readonly references?: readonly { readonly name: string; readonly subject: string; readonly version: number }[];
  readonly id?: number;
  readonly error_code?: number;
  readonly message?: string;
}

export class HttpSchemaRegistry implements SchemaSource {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** User and password of the URL are sent as Basic, and appear in no error. */
  constructor(url: string) {
    const { username, password, origin, pathname } = new URL(url);
    this.#base = `${origin}${pathname.replace(/\/$/, '')}`;
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.#headers = {
      accept: 'application/vnd.schemaregistry.v1+json',
      'content-type': 'application/vnd.schemaregistry.v1+json',
      ...(pair !== ':' && { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }),
    };
  }

  /** Rejects if the registry does not respond, or refuses us. */
  async schema(id: number): Promise<ResolvedSchema | undefined> {
    const body = await this.#request(`/schemas/ids/${id}`);
    if (body.error_code === SCHEMA_NOT_FOUND) return undefined;
    return { ...this.#schemaOf(body), references: await this.#referencesOf(body, new Map()) };
  }

  /** Returns the id. Rejects if the registry does not respond, or refuses the schema. */
  async register(subject: string, { type, text }: ResolvedSchema): Promise<number> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`;
    const { id, message } = await this.#request(path, { schema: text, schemaType: type });
    if (id === undefined) throw new Error(`the schema registry refuses the schema of ${subject}: ${message}`);
    return id;
  }

  #schemaOf({ schema, schemaType = 'AVRO', message }: Body): { readonly type: SchemaType; readonly text: string } {
    if (schema === undefined) throw new Error(`the schema registry has no schema for us: ${message}`);
    return { type: schemaType, text: schema };
  }

  async #referencesOf(body: Body, seen: Map<string, ResolvedReference>): Promise<readonly ResolvedReference[]> {
    for (const { name, subject, version } of body.references ?? []) {
      const key = JSON.stringify([name, subject, version]);
      if (seen.has(key)) continue;
      if (seen.size >= REFERENCES_LIMIT) throw new Error(`a schema has more than ${REFERENCES_LIMIT} references`);
      const found = await this.#request(`/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`);
      await this.#referencesOf(found, seen);
      seen.set(key, { name, text: this.#schemaOf(found).text });
    }
    return [...seen.values()];
  }

  async #request(path: string, body?: object): Promise<Body> {
    const response = await fetch(`${this.#base}${path}`, {
      headers: this.#headers,
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = (text.startsWith('{') ? JSON.parse(text) : {}) as Body;
    if (response.ok || parsed.error_code !== undefined) return parsed;
    throw new Error(`the schema registry at ${this.#base} responds with ${response.status}`);
  }
}
