// Whether data of one Avro schema can be read by another: the specification's schema resolution, as Avro's own
// SchemaCompatibility decides it (names without their namespaces, a field's default, an enum's default).
import { Budget } from './budget.ts';
import type { AvroEnum, AvroField, AvroNamed, AvroRecord, AvroType } from '@milepost/serdes';

/** Why `reader` cannot read what `writer` wrote; empty: it can. Each is a place in the reader's schema and the reason. */
export function avroProblems(reader: AvroType, writer: AvroType): string[] {
  return new Resolution().compare(reader, writer, '');
}

/** What a writer's primitive may be read as, besides itself. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

class Resolution {
  /** Pairs of records under comparison or compared: a recursive type is read if everything around it is. */
  readonly #pairs = new Map<AvroRecord, Map<AvroRecord, string[]>>();

  readonly #budget = new Budget();

  compare(reader: AvroType, writer: AvroType, place: string): string[] {
    this.#budget.spend();
    if (writer.kind === 'union') return this.#writerUnion(reader, writer.branches, place);
    if (reader.kind === 'union') return this.#readerUnion(reader.branches, writer, place);
    if (reader.kind === 'record' && writer.kind === 'record') return this.#record(reader, writer, place);
    if (reader.kind === 'array' && writer.kind === 'array')
      return this.compare(reader.items, writer.items, `${place}/items`);
    if (reader.kind === 'map' && writer.kind === 'map')
      return this.compare(reader.values, writer.values, `${place}/values`);
    if (reader.kind === 'enum' && writer.kind === 'enum') return enumProblems(reader, writer, place);
    if (reader.kind === 'fixed' && writer.kind === 'fixed') {
      if (reader.size === writer.size) return nameProblems(reader, writer, place);
      return [
        ...nameProblems(reader, writer, place),
        at(`${place}/size`, `FIXED_SIZE_MISMATCH: expected ${writer.size}, got ${reader.size}`),
      ];
    }
    if (reader.kind === writer.kind || PROMOTIONS[writer.kind]?.includes(reader.kind)) return [];
    return [at(place, `TYPE_MISMATCH: ${shown(reader)} cannot read ${shown(writer)}`)];
  }

  #writerUnion(reader: AvroType, branches: readonly AvroType[], place: string): string[] {
    return branches.flatMap((branch) => this.compare(reader, branch, place));
  }

  #readerUnion(branches: readonly AvroType[], writer: AvroType, place: string): string[] {
    if (branches.some((branch) => this.compare(branch, writer, place).length === 0)) return [];
    return [at(place, `MISSING_UNION_BRANCH: no branch of the reader reads ${shown(writer)}`)];
  }

  #record(reader: AvroRecord, writer: AvroRecord, place: string): string[] {
    const compared = this.#pairs.get(reader) ?? new Map<AvroRecord, string[]>();
    this.#pairs.set(reader, compared);
    const known = compared.get(writer);
    if (known) return known;
    compared.set(writer, []);
    const problems = [
      ...nameProblems(reader, writer, place),
      ...reader.fields.flatMap((field, index) => this.#field(field, writer, `${place}/fields/${index}`)),
    ];
    compared.set(writer, problems);
    return problems;
  }

  #field(field: AvroField, writer: AvroRecord, place: string): string[] {
    const written = writer.fields.find(({ name }) => name === field.name || field.aliases.includes(name));
    if (written) return this.compare(field.type, written.type, `${place}/type`);
    if (field.default) return [];
    return [at(place, `READER_FIELD_MISSING_DEFAULT_VALUE: ${field.name} is new, and has no default`)];
  }
}

function enumProblems(reader: AvroEnum, writer: AvroEnum, place: string): string[] {
  const missing = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol));
  const names = nameProblems(reader, writer, place);
  if (missing.length === 0 || reader.default !== undefined) return names;
  return [...names, at(`${place}/symbols`, `MISSING_ENUM_SYMBOLS: the reader lacks ${missing.join(', ')}`)];
}

function nameProblems(reader: AvroNamed, writer: AvroNamed, place: string): string[] {
  if (lastPart(reader.name) === lastPart(writer.name) || reader.aliases.includes(writer.name)) return [];
  return [at(`${place}/name`, `NAME_MISMATCH: expected ${writer.name}, got ${reader.name}`)];
}

const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1);
const shown = (type: AvroType): string => ('name' in type ? `${type.kind} ${type.name}` : type.kind);
const at = (place: string, problem: string): string => `${place === '' ? '/' : place}: ${problem}`;
