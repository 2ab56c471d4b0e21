// An Avro schema, from its JSON to a graph of types (https://avro.apache.org/docs/1.12.0/specification/). Recursive types are
// cycles in the graph. An own reader, not avsc: decision 73.
import { checkSize, type ResolvedSchema, SCHEMA_DEPTH_LIMIT, SchemaInvalid } from './schema.ts';

export type PrimitiveKind = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

export type AvroType = AvroPrimitive | AvroRecord | AvroEnum | AvroFixed | AvroArray | AvroMap | AvroUnion;
export type AvroNamed = AvroRecord | AvroEnum | AvroFixed;

export interface AvroPrimitive {
  readonly kind: PrimitiveKind;
}
interface Named {
  /** With its namespace. */
  readonly name: string;
  /** Full names as well. */
  readonly aliases: readonly string[];
}
export interface AvroRecord extends Named {
  readonly kind: 'record';
  readonly fields: AvroField[];
}
export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroType;
  readonly default?: { readonly value: unknown };
}
export interface AvroEnum extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly default: string | undefined;
}
export interface AvroFixed extends Named {
  readonly kind: 'fixed';
  readonly size: number;
}
export interface AvroArray {
  readonly kind: 'array';
  readonly items: AvroType;
}
export interface AvroMap {
  readonly kind: 'map';
  readonly values: AvroType;
}
export interface AvroUnion {
  readonly kind: 'union';
  readonly branches: readonly AvroType[];
}

const PRIMITIVES = new Map<string, AvroPrimitive>(
  (['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const).map((kind) => [kind, { kind }]),
);
const NAME = /^[A-Za-z_]\w*$/;
const FULL_NAME = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/;

/** @throws SchemaInvalid */
export function parseAvro(schema: ResolvedSchema): AvroType {
  checkSize(schema);
  const reader = new SchemaReader();
  for (const { text } of schema.references) reader.read(text);
  return reader.read(schema.text);
}

type Json = Readonly<Record<string, unknown>>;

class SchemaReader {
  readonly #named = new Map<string, AvroNamed>();

  read(text: string): AvroType {
    return this.#type(jsonOf(text), '', 0);
  }

  #type(json: unknown, namespace: string, depth: number): AvroType {
    if (depth > SCHEMA_DEPTH_LIMIT) throw new SchemaInvalid(`expected at most ${SCHEMA_DEPTH_LIMIT} nested types`);
    if (typeof json === 'string') return this.#reference(json, namespace);
    if (Array.isArray(json)) return this.#union(json, namespace, depth);
    if (!isObject(json)) throw new SchemaInvalid(`expected a type, got ${shown(json)}`);
    const { type } = json;
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth);
      case 'enum':
        return this.#enum(json, namespace);
      case 'fixed':
        return this.#fixed(json, namespace);
      case 'array':
        return { kind: 'array', items: this.#type(member(json, 'items'), namespace, depth + 1) };
      case 'map':
        return { kind: 'map', values: this.#type(member(json, 'values'), namespace, depth + 1) };
      default:
        return this.#type(member(json, 'type'), namespace, depth + 1);
    }
  }

  #reference(name: string, namespace: string): AvroType {
    const found = PRIMITIVES.get(name) ?? this.#named.get(qualified(name, namespace)) ?? this.#named.get(name);
    if (!found) throw new SchemaInvalid(`undefined type name: ${shown(name)}`);
    return found;
  }

  #union(branches: readonly unknown[], namespace: string, depth: number): AvroUnion {
    const types = branches.map((branch) => this.#type(branch, namespace, depth + 1));
    const seen = new Set<string>();
    for (const type of types) {
      if (type.kind === 'union') throw new SchemaInvalid('a union directly in a union');
      const name = nameOf(type);
      if (seen.has(name)) throw new SchemaInvalid(`${name} twice in a union`);
      seen.add(name);
    }
    return { kind: 'union', branches: types };
  }

  #record(json: Json, namespace: string, depth: number): AvroRecord {
    const names = namesOf(json, namespace);
    const record: AvroRecord = { kind: 'record', ...names, fields: [] };
    this.#define(record);
    const { fields } = json;
    if (!Array.isArray(fields)) throw new SchemaInvalid(`record ${names.name}: expected fields, a list`);
    const inside = namespaceOf(names.name);
    const seen = new Set<string>();
    for (const field of fields as unknown[]) {
      if (!isObject(field)) throw new SchemaInvalid(`record ${names.name}: expected a field, got ${shown(field)}`);
      const name = nameIn(field, NAME);
      if (seen.has(name)) throw new SchemaInvalid(`record ${names.name}: field ${name} twice`);
      seen.add(name);
      const type = this.#type(member(field, 'type'), inside, depth + 1);
      if ('default' in field) checkDefault(type, field['default'], `${names.name}.${name}`);
      const value = 'default' in field ? { default: { value: field['default'] } } : {};
      record.fields.push({ name, aliases: strings(field['aliases'], 'aliases'), type, ...value });
    }
    return record;
  }

  #enum(json: Json, namespace: string): AvroEnum {
    const symbols = strings(json['symbols'], 'symbols');
    const names = namesOf(json, namespace);
    if (symbols.some((symbol) => !NAME.test(symbol)) || new Set(symbols).size !== symbols.length)
      throw new SchemaInvalid(`enum ${names.name}: expected different names as symbols`);
    const fallback = json['default'];
    if (fallback !== undefined && !symbols.includes(fallback as string))
      throw new SchemaInvalid(`enum ${names.name}: the default ${shown(fallback)} is no symbol of it`);
    const type: AvroEnum = { kind: 'enum', ...names, symbols, default: fallback as string | undefined };
    this.#define(type);
    return type;
  }

  #fixed(json: Json, namespace: string): AvroFixed {
    const { size } = json;
    const names = namesOf(json, namespace);
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0)
      throw new SchemaInvalid(`fixed ${names.name}: expected a size, got ${shown(size)}`);
    const type: AvroFixed = { kind: 'fixed', ...names, size };
    this.#define(type);
    return type;
  }

  #define(type: AvroNamed): void {
    if (this.#named.has(type.name)) throw new SchemaInvalid(`can't redefine: ${type.name}`);
    this.#named.set(type.name, type);
  }
}

/** Of a type in a union, or in a message. */
export const nameOf = (type: AvroType): string => ('name' in type ? type.name : type.kind);

function namesOf(json: Json, namespace: string): Named {
  const own = json['namespace'];
  if (own !== undefined && own !== null && typeof own !== 'string')
    throw new SchemaInvalid(`expected a namespace, got ${shown(own)}`);
  const written = nameIn(json, FULL_NAME);
  const name = qualified(written, own ?? namespace);
  if (!FULL_NAME.test(name)) throw new SchemaInvalid(`expected a name, got ${shown(name)}`);
  if (PRIMITIVES.has(name)) throw new SchemaInvalid(`schemas may not be named after primitives: ${name}`);
  const aliases = strings(json['aliases'], 'aliases').map((alias) => qualified(alias, namespaceOf(name)));
  return { name, aliases };
}

const qualified = (name: string, namespace: string): string =>
  name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
const namespaceOf = (fullName: string): string => fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));

/** A default must be a value of its type: of a union, of any branch (Avro 1.12). */
function checkDefault(type: AvroType, value: unknown, place: string): void {
  if (!isDefault(type, value, 0))
    throw new SchemaInvalid(`field ${place}: ${shown(value)} is no default of the type ${nameOf(type)}`);
}

function isDefault(type: AvroType, value: unknown, depth: number): boolean {
  if (depth > SCHEMA_DEPTH_LIMIT) return false;
  switch (type.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return typeof value === 'number' && value === (value | 0);
    case 'long':
      return typeof value === 'number' && Number.isInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number';
    case 'string':
    case 'bytes':
    case 'fixed':
      return typeof value === 'string';
    case 'enum':
      return type.symbols.includes(value as string);
    case 'array':
      return Array.isArray(value) && value.every((item) => isDefault(type.items, item, depth + 1));
    case 'map':
      return isObject(value) && Object.values(value).every((item) => isDefault(type.values, item, depth + 1));
    case 'record':
      return (
        isObject(value) &&
        type.fields.every((field) =>
          Object.hasOwn(value, field.name)
            ? isDefault(field.type, value[field.name], depth + 1)
            : field.default !== undefined,
        )
      );
    case 'union':
      return type.branches.some((branch) => isDefault(branch, value, depth + 1));
  }
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (failure) {
    // Avro's own parser accepts the bare name of a primitive type.
    if (PRIMITIVES.has(text.trim())) return text.trim();
    throw new SchemaInvalid(`expected JSON: ${(failure as Error).message}`);
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function member(json: Json, name: string): unknown {
  const value = json[name];
  if (value === undefined) throw new SchemaInvalid(`expected ${name} in ${shown(json)}`);
  return value;
}

function nameIn(json: Json, pattern: RegExp): string {
  const { name } = json;
  if (typeof name !== 'string' || !pattern.test(name)) throw new SchemaInvalid(`expected a name, got ${shown(name)}`);
  return name;
}

function strings(value: unknown, what: string): string[] {
  if (value === undefined && what === 'aliases') return [];
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string'))
    throw new SchemaInvalid(`expected ${what}, a list of names`);
  return value as string[];
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);
