// A registry's rows in memory, for tests.
import { fingerprintOf } from './fingerprint.ts';
import type {
  RegistryReader,
  RegistryStore,
  RegistryWriter,
  Schema,
  Scope,
  StoredSchema,
  SubjectVersion,
} from './store.ts';

interface Rows {
  lastId: number;
  readonly schemas: Map<number, StoredSchema>;
  versions: SubjectVersion[];
  readonly scopes: Map<string, Scope>;
}

const byVersion = (a: SubjectVersion, b: SubjectVersion): number => a.version - b.version;

export class MemoryRegistryStore implements RegistryStore {
  #rows: Rows = { lastId: 0, schemas: new Map(), versions: [], scopes: new Map() };
  #last: Promise<unknown> = Promise.resolve();

  read<T>(work: (reader: RegistryReader) => Promise<T>): Promise<T> {
    return work(new MemoryWriter(structuredClone(this.#rows)));
  }

  change<T>(work: (writer: RegistryWriter) => Promise<T>): Promise<T> {
    const next = this.#last.then(async () => {
      const rows = structuredClone(this.#rows);
      const result = await work(new MemoryWriter(rows));
      this.#rows = rows;
      return result;
    });
    this.#last = next.catch(() => {});
    return next;
  }
}

class MemoryWriter implements RegistryWriter {
  readonly #rows: Rows;

  constructor(rows: Rows) {
    this.#rows = rows;
  }

  schema = async (id: number) => this.#rows.schemas.get(id);
  versions = async (name: string) => this.#rows.versions.filter(({ subject }) => subject === name).sort(byVersion);
  versionsOf = async (id: number) => this.#rows.versions.filter(({ schemaId }) => schemaId === id);
  scope = async (name: string) => this.#rows.scopes.get(name) ?? {};
  maxId = async () => this.#rows.lastId;

  async idOf(schema: Schema): Promise<number | undefined> {
    const wanted = fingerprintOf(schema);
    return [...this.#rows.schemas.values()].find((one) => fingerprintOf(one) === wanted)?.id;
  }

  async subjects(): Promise<readonly { subject: string; hasLive: boolean }[]> {
    const found = new Map<string, boolean>();
    for (const { subject, isDeleted } of this.#rows.versions)
      found.set(subject, (found.get(subject) ?? false) || !isDeleted);
    return [...found]
      .map(([subject, hasLive]) => ({ subject, hasLive }))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1));
  }

  async referencedBy(subject: string, version: number): Promise<readonly number[]> {
    const refers = ({ references }: Schema): boolean =>
      references.some((reference) => reference.subject === subject && reference.version === version);
    return [...this.#rows.schemas.values()].filter(refers).map(({ id }) => id);
  }

  async addSchema(schema: Schema, id = this.#rows.lastId + 1): Promise<number> {
    this.#rows.lastId = Math.max(this.#rows.lastId, id);
    this.#rows.schemas.set(id, { ...schema, id });
    return id;
  }

  async addVersion(version: Omit<SubjectVersion, 'isDeleted'>): Promise<void> {
    this.#rows.versions.push({ ...version, isDeleted: false });
  }

  async softDelete(name: string, versions: readonly number[]): Promise<void> {
    this.#rows.versions = this.#rows.versions.map((one) =>
      one.subject === name && versions.includes(one.version) ? { ...one, isDeleted: true } : one,
    );
  }

  async hardDelete(name: string, versions: readonly number[]): Promise<void> {
    this.#rows.versions = this.#rows.versions.filter(
      ({ subject, version }) => subject !== name || !versions.includes(version),
    );
    const used = new Set(this.#rows.versions.map(({ schemaId }) => schemaId));
    for (const id of this.#rows.schemas.keys()) if (!used.has(id)) this.#rows.schemas.delete(id);
  }

  async setScope(name: string, scope: Scope): Promise<void> {
    this.#rows.scopes.set(name, scope);
  }
}
