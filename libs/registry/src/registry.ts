// The schema registry: which schemas a subject's values may have, by the rules of Confluent's Schema Registry. A schema has
// one id for ever, whatever subjects it belongs to; a subject's next version is compatible with its earlier ones. So the type
// of a topic does not change under its readers.
//
// Not here: contexts, rule sets and metadata (each a clear refusal), normalization of schemas.
import {
  parseAvro,
  parseProtobuf,
  type ResolvedReference,
  type ResolvedSchema,
  RESOLVED_BYTES_LIMIT,
  SCHEMA_TYPES,
  SchemaInvalid,
  type SchemaSource,
  type SchemaType,
} from '@milepost/serdes';
import { compared, type Earlier, incompatibilities } from './compatibility/index.ts';
import { parseJsonSchema } from './compatibility/json.ts';
import { canonicalText } from './fingerprint.ts';
import { refusal } from './refusal.ts';
import { isReadOnly, levelOf, modeOf } from './scopes.ts';
import {
  type RegistryReader,
  type RegistryStore,
  type RegistryWriter,
  type Schema,
  type StoredSchema,
  type SubjectVersion,
} from './store.ts';
import { checkSubject } from './subject.ts';

/** A schema that somebody wants to register, look up or compare. */
export interface Candidate extends Schema {
  /** Only where schemas are imported. */
  readonly id?: number | undefined;
  readonly version?: number | undefined;
}

export interface VersionedSchema extends StoredSchema {
  readonly subject: string;
  readonly version: number;
}

export type Version = number | 'latest';

const REFERENCES_LIMIT = 1_000;

export class SchemaRegistry implements SchemaSource {
  readonly #store: RegistryStore;

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /**
   * Returns the schema's id; a schema that the subject has already is not added again.
   * @throws RegistryRefusal
   */
  register(subject: string, candidate: Candidate): Promise<{ readonly id: number; readonly version: number }> {
    return this.#change(subject, async (writer) => {
      const mode = await modeOf(writer, subject);
      const schema = canonical(candidate);
      const resolved = await resolve(writer, schema);
      check(resolved);
      const versions = await writer.versions(subject);
      const known = await writer.idOf(schema);
      const same = versions.find(({ schemaId, isDeleted }) => schemaId === known && !isDeleted);
      if (same && (candidate.id === undefined || candidate.id === same.schemaId))
        return { id: same.schemaId, version: same.version };
      if (isReadOnly(mode)) throw refusal.notPermitted(`Subject ${subject} is in read-only mode`);
      const next = (versions.at(-1)?.version ?? 0) + 1;
      if (mode === 'IMPORT') return addImported(writer, subject, { ...candidate, ...schema }, known, next);
      if (candidate.id !== undefined)
        throw refusal.notPermitted(`Subject ${subject} is not in import mode: expected a schema without an id`);
      if (candidate.version !== undefined && candidate.version !== next)
        throw refusal.invalidSchema(`the next version of subject ${subject} is ${next}, got ${candidate.version}`);
      await this.#compare(writer, subject, resolved, versions);
      const id = known ?? (await writer.addSchema(schema));
      await writer.addVersion({ subject, version: next, schemaId: id });
      return { id, version: next };
    });
  }

  async #read<T>(subject: string, work: (reader: RegistryReader) => Promise<T>): Promise<T> {
    checkSubject(subject);
    return this.#store.read(work);
  }

  async #change<T>(subject: string, work: (writer: RegistryWriter) => Promise<T>): Promise<T> {
    checkSubject(subject);
    return this.#store.change(work);
  }

  async #compare(
    reader: RegistryReader,
    subject: string,
    schema: ResolvedSchema,
    versions: readonly SubjectVersion[],
  ): Promise<void> {
    const problems = await problemsOf(reader, subject, schema, live(versions));
    if (problems.length > 0) throw refusal.incompatible(subject, problems);
  }

  /** The subject's version of an equal schema. @throws RegistryRefusal */
  lookUp(subject: string, candidate: Candidate, includesDeleted: boolean): Promise<VersionedSchema> {
    return this.#read(subject, async (reader) => {
      const versions = await versionsOf(reader, subject, includesDeleted);
      const schema = canonical(candidate);
      check(await resolve(reader, schema));
      const id = await reader.idOf(schema);
      const found = versions.findLast(({ schemaId }) => schemaId === id);
      if (!found) throw refusal.schemaNotFound();
      return versioned(reader, found);
    });
  }

  /** Why the schema may not follow those of the subject; empty: it may. Of one version, or all that the level is about. */
  problems(subject: string, candidate: Candidate, version: Version | 'all'): Promise<readonly string[]> {
    return this.#read(subject, async (reader) => {
      const resolved = await resolve(reader, canonical(candidate));
      check(resolved);
      const versions = live(await reader.versions(subject));
      if (version === 'all') return problemsOf(reader, subject, resolved, versions);
      const found = version === 'latest' ? versions.at(-1) : versions.find((one) => one.version === version);
      if (!found && version !== 'latest')
        throw versions.length === 0 ? refusal.subjectNotFound(subject) : refusal.versionNotFound(version);
      return problemsOf(reader, subject, resolved, found ? [found] : []);
    });
  }

  subjects({ prefix = '', deleted = false }: { prefix?: string; deleted?: boolean }): Promise<readonly string[]> {
    return this.#store.read(async (reader) =>
      (await reader.subjects())
        .filter(({ subject, hasLive }) => subject.startsWith(prefix) && (hasLive || deleted))
        .map(({ subject }) => subject),
    );
  }

  versions(subject: string, includesDeleted: boolean): Promise<readonly number[]> {
    return this.#read(subject, async (reader) =>
      (await versionsOf(reader, subject, includesDeleted)).map(({ version }) => version),
    );
  }

  version(subject: string, version: Version, includesDeleted = false): Promise<VersionedSchema> {
    return this.#read(subject, async (reader) =>
      versioned(reader, find(await versionsOf(reader, subject, includesDeleted), version)),
    );
  }

  referencedBy(subject: string, version: Version): Promise<readonly number[]> {
    return this.#store.read(async (reader) => {
      const found = find(await versionsOf(reader, subject, true), version);
      return reader.referencedBy(subject, found.version);
    });
  }

  byId(id: number): Promise<StoredSchema> {
    return this.#store.read(async (reader) => {
      const found = await reader.schema(id);
      if (!found) throw refusal.schemaNotFound(id);
      return found;
    });
  }

  /** Of values with this id; also of versions that are soft deleted. */
  schema(id: number): Promise<ResolvedSchema | undefined> {
    return this.#store.read(async (reader) => {
      const found = await reader.schema(id);
      return found && resolve(reader, found);
    });
  }

  usesOf(id: number, includesDeleted: boolean): Promise<readonly SubjectVersion[]> {
    return this.#store.read(async (reader) => {
      if (!(await reader.schema(id))) throw refusal.schemaNotFound(id);
      return (await reader.versionsOf(id)).filter(({ isDeleted }) => includesDeleted || !isDeleted);
    });
  }

  all({ prefix = '', deleted = false, latestOnly = false } = {}): Promise<readonly VersionedSchema[]> {
    return this.#store.read(async (reader) => {
      const found: VersionedSchema[] = [];
      for (const { subject } of await reader.subjects()) {
        if (!subject.startsWith(prefix)) continue;
        const versions = (await reader.versions(subject)).filter(({ isDeleted }) => deleted || !isDeleted);
        for (const one of latestOnly ? versions.slice(-1) : versions) found.push(await versioned(reader, one));
      }
      return found;
    });
  }

  maxId(): Promise<number> {
    return this.#store.read((reader) => reader.maxId());
  }

  /** Returns the versions that were deleted. @throws RegistryRefusal */
  deleteSubject(subject: string, isPermanent: boolean): Promise<readonly number[]> {
    return this.#change(subject, async (writer) => {
      await refuseReadOnly(writer, subject);
      const all = await versionsOf(writer, subject, true);
      const remaining = live(all);
      if (!isPermanent && remaining.length === 0) throw refusal.subjectSoftDeleted(subject);
      if (isPermanent && remaining.length > 0) throw refusal.subjectNotSoftDeleted(subject);
      const versions = (isPermanent ? all : remaining).map(({ version }) => version);
      for (const version of versions) await refuseReferenced(writer, subject, version);
      if (isPermanent) await writer.hardDelete(subject, versions);
      else await writer.softDelete(subject, versions);
      await writer.setScope(subject, {});
      return versions;
    });
  }

  /** Returns its number. @throws RegistryRefusal */
  deleteVersion(subject: string, wanted: Version, isPermanent: boolean): Promise<number> {
    return this.#change(subject, async (writer) => {
      await refuseReadOnly(writer, subject);
      const all = await versionsOf(writer, subject, true);
      const { version, isDeleted } = find(wanted === 'latest' && !isPermanent ? live(all) : all, wanted);
      if (!isPermanent && isDeleted) throw refusal.versionSoftDeleted(subject, version);
      if (isPermanent && !isDeleted) throw refusal.versionNotSoftDeleted(subject, version);
      await refuseReferenced(writer, subject, version);
      if (isPermanent) await writer.hardDelete(subject, [version]);
      else await writer.softDelete(subject, [version]);
      return version;
    });
  }
}

const live = (versions: readonly SubjectVersion[]): readonly SubjectVersion[] =>
  versions.filter(({ isDeleted }) => !isDeleted);

/** @throws RegistryRefusal for a subject without any. */
async function versionsOf(
  reader: RegistryReader,
  subject: string,
  includesDeleted: boolean,
): Promise<readonly SubjectVersion[]> {
  const versions = await reader.versions(subject);
  const found = includesDeleted ? versions : live(versions);
  if (found.length === 0) throw refusal.subjectNotFound(subject);
  return found;
}

function find(versions: readonly SubjectVersion[], version: Version): SubjectVersion {
  const found = version === 'latest' ? versions.at(-1) : versions.find((one) => one.version === version);
  if (!found) throw refusal.versionNotFound(version);
  return found;
}

async function versioned(
  reader: RegistryReader,
  { subject, version, schemaId }: SubjectVersion,
): Promise<VersionedSchema> {
  return { ...(await stored(reader, schemaId)), subject, version };
}

async function stored(reader: RegistryReader, id: number): Promise<StoredSchema> {
  const found = await reader.schema(id);
  if (!found) throw new Error(`schema ${id} is a version of a subject, and is not stored`);
  return found;
}

async function problemsOf(
  reader: RegistryReader,
  subject: string,
  schema: ResolvedSchema,
  versions: readonly SubjectVersion[],
): Promise<string[]> {
  const level = await levelOf(reader, subject);
  const earlier: Earlier[] = [];
  for (const { version, schemaId } of compared(level, versions))
    earlier.push({ version, schema: await resolve(reader, await stored(reader, schemaId)) });
  return refusingInvalid(() => incompatibilities(level, schema, earlier));
}

function canonical({ type, text, references }: Candidate): Schema {
  return { type, text: canonicalText(type, text), references };
}

/** With all that it references, each before its users. @throws RegistryRefusal */
async function resolve(reader: RegistryReader, { type, text, references }: Schema): Promise<ResolvedSchema> {
  const resolved: ResolvedReference[] = [];
  const seen = new Set<string>();
  let bytes = 0;
  const add = async (schema: Pick<Schema, 'type' | 'references'>): Promise<void> => {
    for (const { name, subject, version } of schema.references) {
      const key = JSON.stringify([name, subject, version]);
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > REFERENCES_LIMIT)
        throw refusal.invalidSchema(`expected at most ${REFERENCES_LIMIT} references, got more`);
      checkSubject(subject);
      const found = (await reader.versions(subject)).find((one) => one.version === version);
      if (!found)
        throw refusal.invalidSchema(`no schema reference found for subject "${subject}" and version ${version}`);
      const referenced = await stored(reader, found.schemaId);
      bytes += referenced.text.length;
      if (bytes > RESOLVED_BYTES_LIMIT)
        throw refusal.invalidSchema(`expected at most ${RESOLVED_BYTES_LIMIT} bytes of references, got more`);
      await add(referenced);
      resolved.push({ name, text: referenced.text });
    }
  };
  await add({ type, references });
  return { type, text, references: resolved };
}

/** @throws RegistryRefusal for a schema that is none. */
function check(schema: ResolvedSchema): void {
  refusingInvalid(() => PARSERS[schema.type](schema));
}

const PARSERS: Readonly<Record<SchemaType, (schema: ResolvedSchema) => unknown>> = {
  AVRO: parseAvro,
  PROTOBUF: parseProtobuf,
  JSON: parseJsonSchema,
};

function refusingInvalid<T>(work: () => T): T {
  try {
    return work();
  } catch (failure) {
    throw failure instanceof SchemaInvalid ? refusal.invalidSchema(failure.message) : failure;
  }
}

async function addImported(
  writer: RegistryWriter,
  subject: string,
  candidate: Candidate,
  known: number | undefined,
  next: number,
): Promise<{ readonly id: number; readonly version: number }> {
  const { type, text, references, id = known, version = next } = candidate;
  if (id !== undefined && id !== known) {
    if (known !== undefined) throw refusal.notPermitted(`The schema has id ${known}: expected no other, got ${id}`);
    if (await writer.schema(id)) throw refusal.notPermitted(`Overwrite new schema with id ${id} is not permitted.`);
  }
  if ((await writer.versions(subject)).some((one) => one.version === version))
    throw refusal.notPermitted(`Overwrite version ${version} of subject ${subject} is not permitted.`);
  const added = known ?? (await writer.addSchema({ type, text, references }, id));
  await writer.addVersion({ subject, version, schemaId: added });
  return { id: added, version };
}

async function refuseReadOnly(reader: RegistryReader, subject: string): Promise<void> {
  if (isReadOnly(await modeOf(reader, subject))) throw refusal.notPermitted(`Subject ${subject} is in read-only mode`);
}

async function refuseReferenced(reader: RegistryReader, subject: string, version: number): Promise<void> {
  const users = await reader.referencedBy(subject, version);
  if (users.length > 0) throw refusal.referenceExists(subject, version, users);
}

export const isSchemaType = (type: unknown): type is SchemaType => SCHEMA_TYPES.includes(type as SchemaType);
