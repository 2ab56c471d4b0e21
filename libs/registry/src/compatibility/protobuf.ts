// Whether data of one Protobuf schema can be read by another, by the rules that Confluent's registry has for it: fields are
// known by their numbers, may come and go and change their names, and a type may change within its kind of encoding.
import type { ProtobufSchema } from '@milepost/serdes';
import protobuf from 'protobufjs';

/** Why `reader` cannot read what `writer` wrote; empty: it can. */
export function protobufProblems(reader: ProtobufSchema, writer: ProtobufSchema): string[] {
  const packages =
    reader.packageName === writer.packageName
      ? []
      : [`/: PACKAGE_CHANGED: expected "${writer.packageName}", got "${reader.packageName}"`];
  return [...packages, ...new Comparison(reader, writer).messages(reader.messages, writer.messages, '')];
}

class Comparison {
  readonly #packages: readonly [reader: string, writer: string];
  readonly #compared = new Set<string>();

  constructor(reader: ProtobufSchema, writer: ProtobufSchema) {
    this.#packages = [reader.packageName, writer.packageName];
  }

  messages(readers: readonly protobuf.Type[], writers: readonly protobuf.Type[], place: string): string[] {
    return writers.flatMap((writer) => {
      const reader = readers.find(({ name }) => name === writer.name);
      if (!reader) return [`${place}/${writer.name}: MESSAGE_REMOVED`];
      return this.#message(reader, writer, `${place}/${writer.name}`);
    });
  }

  #message(reader: protobuf.Type, writer: protobuf.Type, place: string): string[] {
    const pair = `${reader.fullName} ${writer.fullName}`;
    if (this.#compared.has(pair)) return [];
    this.#compared.add(pair);
    const numbers = new Set([...reader.fieldsArray, ...writer.fieldsArray].map(({ id }) => id));
    const fields = [...numbers]
      .sort((a, b) => a - b)
      .flatMap((id) => this.#field(reader, writer, id).map((problem) => `${place}/${id}: ${problem}`));
    return [...oneofProblems(reader, writer, place), ...fields, ...this.messages(inner(reader), inner(writer), place)];
  }

  #field(reader: protobuf.Type, writer: protobuf.Type, id: number): string[] {
    const [read, written] = [fieldOf(reader, id), fieldOf(writer, id)];
    if (!read) return written?.required ? ['REQUIRED_FIELD_REMOVED'] : removedFromOneof(reader, written);
    if (!written) return read.required ? ['REQUIRED_FIELD_ADDED'] : [];
    return this.#types(read, written);
  }

  #types(reader: protobuf.Field, writer: protobuf.Field): string[] {
    if (kindOf(reader) !== kindOf(writer))
      return [`FIELD_KIND_CHANGED: expected ${kindOf(writer)}, got ${kindOf(reader)}`];
    if (reader instanceof protobuf.MapField && writer instanceof protobuf.MapField) {
      const keys =
        ENCODINGS[reader.keyType] === ENCODINGS[writer.keyType] ? [] : ['FIELD_SCALAR_KIND_CHANGED: of a map’s keys'];
      return [...keys, ...this.#values(reader, writer)];
    }
    return this.#values(reader, writer);
  }

  #values(read: protobuf.Field, written: protobuf.Field): string[] {
    const [reader, writer] = [read.resolvedType, written.resolvedType];
    if (reader instanceof protobuf.Type && writer instanceof protobuf.Type) {
      if (this.#local(reader, 0) !== this.#local(writer, 1))
        return [`FIELD_NAMED_TYPE_CHANGED: expected ${writer.fullName}, got ${reader.fullName}`];
      return this.#message(reader, writer, `/${writer.name}`);
    }
    if (reader instanceof protobuf.Type || writer instanceof protobuf.Type)
      return ['FIELD_KIND_CHANGED: of a map’s values'];
    const [wanted, got] = [encodingOf(written), encodingOf(read)];
    if (wanted !== got) return [`FIELD_SCALAR_KIND_CHANGED: expected ${written.type}, got ${read.type}`];
    const isLabelChanged = read.repeated !== written.repeated && wanted !== 'text';
    return isLabelChanged ? ['FIELD_NUMERIC_LABEL_CHANGED: repeated, and not'] : [];
  }

  /** Without the file's package, which is compared as such. */
  #local({ fullName }: protobuf.Type, side: 0 | 1): string {
    const prefix = `.${this.#packages[side]}.`;
    return fullName.startsWith(prefix) ? fullName.slice(prefix.length) : fullName.slice(1);
  }
}

const inner = (type: protobuf.Type): protobuf.Type[] =>
  type.nestedArray.filter((member) => member instanceof protobuf.Type);
const fieldOf = (type: protobuf.Type, id: number): protobuf.Field | undefined => type.fieldsById[id];
/** The oneof that the author wrote: that of a proto3 `optional` field is not one. */
const oneofOf = (field: protobuf.Field): protobuf.OneOf | undefined =>
  field.partOf && !field.partOf.isProto3Optional ? field.partOf : undefined;
const oneofsOf = (type: protobuf.Type): protobuf.OneOf[] => type.oneofsArray.filter((one) => !one.isProto3Optional);

/** A member that is gone, while others of its oneof are not: a reader would take it for unset. */
function removedFromOneof(reader: protobuf.Type, written: protobuf.Field | undefined): string[] {
  const oneof = written && oneofOf(written);
  const survives =
    oneof?.fieldsArray.some(({ id }) => fieldOf(reader, id)) ||
    (oneof && oneofsOf(reader).some(({ name }) => name === oneof.name));
  return survives ? [`ONEOF_FIELD_REMOVED: of ${oneof?.name ?? ''}`] : [];
}

/** Fields that could be set together, and now exclude each other. */
function oneofProblems(reader: protobuf.Type, writer: protobuf.Type, place: string): string[] {
  return oneofsOf(reader).flatMap((oneof) => {
    const known = oneof.fieldsArray.flatMap(({ id }) => fieldOf(writer, id) ?? []);
    const origins = new Set(known.map((field) => oneofOf(field)?.name ?? field.id));
    if (origins.size < 2) return [];
    const alone = known.filter((field) => !oneofOf(field)).length;
    const problem = alone > 1 ? 'MULTIPLE_FIELDS_MOVED_TO_ONEOF' : 'FIELD_MOVED_TO_EXISTING_ONEOF';
    return [`${place}/${oneof.name}: ${problem}`];
  });
}

function kindOf(field: protobuf.Field): 'map' | 'message' | 'scalar' {
  if (field.map) return 'map';
  return field.resolvedType instanceof protobuf.Type ? 'message' : 'scalar';
}

/** Types with one value may be exchanged (https://protobuf.dev/programming-guides/proto3/#updating). */
const ENCODINGS: Readonly<Record<string, string>> = {
  int32: 'varint',
  int64: 'varint',
  uint32: 'varint',
  uint64: 'varint',
  bool: 'varint',
  sint32: 'zigzag',
  sint64: 'zigzag',
  string: 'text',
  bytes: 'text',
  fixed32: 'fixed32',
  sfixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
};

const encodingOf = ({ type, resolvedType }: protobuf.Field): string =>
  resolvedType instanceof protobuf.Enum ? 'varint' : (ENCODINGS[type] ?? type);
