// From a record's bytes to a value. A value's own schema id decides; without one, the topic's setting for keys or values. A
// string, int or float carries no id, so that for a topic of those the setting alone decides.
//
// Schemas are read ahead of the values (`prepare`), so that reading itself is synchronous and the order of records remains.
// What cannot be read is a refusal with its reason, never an exception: one bad record does not stop a topic. A registry that
// does not respond is no property of a record: there `prepare` rejects, and the caller retries.
import { type AvroType, parseAvro } from './avro-schema.ts';
import { readAvro } from './avro.ts';
import { isPrimitive, type PrimitiveFormat, readJson, readPrimitive } from './primitives.ts';
import { messageAt, parseProtobuf, type ProtobufSchema } from './protobuf-schema.ts';
import { readProtobuf } from './protobuf.ts';
import { type ResolvedSchema, SchemaInvalid } from './schema.ts';
import { checkValueSize, WrongType } from './value.ts';
import { payloadOf, readMessageIndexes, schemaIdOf } from './wire-format.ts';

export type Format = PrimitiveFormat | 'json' | 'avro' | 'protobuf';

/** Where schemas come from: a registry. Rejects if it cannot say; undefined: there is no such id. */
export interface SchemaSource {
  schema(id: number): Promise<ResolvedSchema | undefined>;
}

export type Deserialized =
  | { readonly value: unknown; readonly refusal?: undefined }
  | { readonly refusal: string; readonly value?: undefined };

/** The number of schemas that are retained; the one that was read first is forgotten. */
const SCHEMAS_LIMIT = 1_000;
/** An id that the registry does not know is looked up again after this many values that carry it. */
const UNKNOWN_USES = 10_000;

type Decoder = (payload: Buffer) => unknown;

interface Known {
  readonly decode: Decoder | undefined;
  readonly refusal: string | undefined;
  usesLeft: number;
}

export class Deserializer {
  readonly #source: SchemaSource;
  readonly #known = new Map<number, Known>();

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  /** Undefined if nothing is to be read ahead: the caller need not wait. Rejects as `SchemaSource.schema`. */
  prepare(values: Iterable<Buffer | null>): Promise<void> | undefined {
    let missing: Set<number> | undefined;
    for (const value of values) {
      const id = value === null ? undefined : schemaIdOf(value);
      if (id === undefined) continue;
      const known = this.#known.get(id);
      if (!known || known.usesLeft-- <= 0) (missing ??= new Set()).add(id);
    }
    return missing && this.#load(missing);
  }

  /** `setting`: what the topic is set to, for its keys or its values. */
  read(value: Buffer, setting: Format): Deserialized {
    try {
      checkValueSize(value);
      if (isPrimitive(setting)) return { value: readPrimitive(setting, value) };
      const id = schemaIdOf(value);
      if (id !== undefined) return this.#readBySchema(id, payloadOf(value));
      if (setting === 'json') return { value: readJson(value) };
      return { refusal: `expected ${setting} with a schema id, got a value without one` };
    } catch (failure) {
      if (failure instanceof WrongType) return { refusal: failure.message };
      throw failure;
    }
  }

  #readBySchema(id: number, payload: Buffer): Deserialized {
    const known = this.#known.get(id);
    if (!known) return { refusal: `schema ${id} was not read ahead` };
    if (!known.decode) return { refusal: known.refusal ?? '' };
    return { value: known.decode(payload) };
  }

  async #load(ids: ReadonlySet<number>): Promise<void> {
    for (const id of ids) {
      const schema = await this.#source.schema(id);
      this.#known.delete(id);
      this.#known.set(id, schema ? knownOf(id, schema) : unknownOf(id));
      // Those of `ids` are the youngest: a batch with more of them than the limit has refusals, not a growing map.
      if (this.#known.size > SCHEMAS_LIMIT) this.#known.delete(this.#known.keys().next().value as number);
    }
  }
}

const unknownOf = (id: number): Known => ({
  decode: undefined,
  refusal: `schema ${id} is not in the registry`,
  usesLeft: UNKNOWN_USES,
});

function knownOf(id: number, schema: ResolvedSchema): Known {
  try {
    return { decode: decoderOf(schema), refusal: undefined, usesLeft: Number.POSITIVE_INFINITY };
  } catch (failure) {
    if (!(failure instanceof SchemaInvalid)) throw failure;
    return { decode: undefined, refusal: `schema ${id}: ${failure.message}`, usesLeft: Number.POSITIVE_INFINITY };
  }
}

/** @throws SchemaInvalid */
function decoderOf(schema: ResolvedSchema): Decoder {
  switch (schema.type) {
    case 'AVRO':
      return avroDecoder(parseAvro(schema));
    case 'PROTOBUF':
      return protobufDecoder(parseProtobuf(schema));
    case 'JSON':
      return readJson;
  }
}

/** Confluent's serializers write a schema of bytes alone without Avro's length (AbstractKafkaAvroSerializer). */
const avroDecoder = (type: AvroType): Decoder =>
  type.kind === 'bytes' ? (payload) => payload : (payload) => readAvro(type, payload);

function protobufDecoder(schema: ProtobufSchema): Decoder {
  return (payload) => {
    const { indexes, message } = readMessageIndexes(payload);
    const type = messageAt(schema, indexes);
    if (!type) throw new WrongType(`expected a message of the schema, got index ${indexes.join('.')}`);
    return readProtobuf(type, message);
  };
}
