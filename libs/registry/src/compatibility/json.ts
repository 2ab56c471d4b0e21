// Whether data of one JSON Schema can be read by another: valid before, valid afterwards. The rules are those of Confluent's
// registry for type, enum, const, numbers, strings, objects, arrays, oneOf, anyOf and $ref. Other keywords are not compared:
// where they differ, the schema is refused, which is strict and never wrong.
import { checkSize, jsonOf, type ResolvedSchema, SCHEMA_DEPTH_LIMIT, SchemaInvalid } from '@milepost/serdes';
import { Budget } from './budget.ts';

type Node = boolean | Keywords;
type Keywords = Readonly<Record<string, unknown>>;

export interface JsonSchema {
  readonly root: Node;
  /** The referenced schemas by the names that the schema has for them. */
  readonly documents: ReadonlyMap<string, Node>;
}

/** @throws SchemaInvalid */
export function parseJsonSchema(schema: ResolvedSchema): JsonSchema {
  checkSize(schema);
  const documents = new Map(schema.references.map(({ name, text }) => [name, nodeOf(text)]));
  const parsed = { root: nodeOf(schema.text), documents };
  checkReferences(parsed, parsed.root, 0);
  return parsed;
}

function nodeOf(text: string): Node {
  const json = jsonOf(text);
  if (!isNode(json)) throw new SchemaInvalid('expected a JSON Schema: an object, true or false');
  return json;
}

function checkReferences(schema: JsonSchema, value: unknown, depth: number): void {
  if (depth > SCHEMA_DEPTH_LIMIT) throw new SchemaInvalid(`expected at most ${SCHEMA_DEPTH_LIMIT} nested values`);
  if (typeof value !== 'object' || value === null) return;
  const reference = (value as Keywords)['$ref'];
  if (typeof reference === 'string') lookUp(schema, reference);
  for (const member of Object.values(value)) checkReferences(schema, member, depth + 1);
}

/** @throws SchemaInvalid */
function lookUp({ root, documents }: JsonSchema, reference: string): Node {
  const [name = '', pointer = ''] = reference.split('#');
  let found: unknown = name === '' || name === idOf(root) ? root : documents.get(name);
  if (found === undefined) throw new SchemaInvalid(`$ref ${reference}: expected a reference of this name`);
  for (const part of pointer.split('/').slice(1)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    found = typeof found === 'object' && found !== null ? (found as Keywords)[key] : undefined;
  }
  if (!isNode(found)) throw new SchemaInvalid(`$ref ${reference}: there is no schema`);
  return found;
}

const idOf = (node: Node): unknown => (typeof node === 'object' ? node['$id'] : undefined);
const isNode = (value: unknown): value is Node =>
  typeof value === 'boolean' || (typeof value === 'object' && value !== null && !Array.isArray(value));

/** Why `reader` may refuse what `writer` accepts; empty: it does not. */
export const jsonProblems = (reader: JsonSchema, writer: JsonSchema): string[] =>
  new Comparison(reader, writer).compare(reader.root, writer.root, '#');

const NO_CONSTRAINT = new Set(
  '$schema $id $comment $anchor title description default examples format readOnly writeOnly deprecated definitions $defs contentEncoding contentMediaType'.split(
    ' ',
  ),
);
const COMPARED = new Set(
  (
    '$ref type enum const maximum minimum exclusiveMaximum exclusiveMinimum multipleOf maxLength minLength pattern items maxItems ' +
    'minItems uniqueItems properties required additionalProperties maxProperties minProperties oneOf anyOf'
  ).split(' '),
);
const ALL_TYPES = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer'];

class Comparison {
  readonly #reader: JsonSchema;
  readonly #writer: JsonSchema;
  readonly #budget = new Budget();
  /** Pairs under comparison or compared: a recursive schema is read if everything around it is. */
  readonly #pairs = new Map<Node, Map<Node, string[]>>();

  constructor(reader: JsonSchema, writer: JsonSchema) {
    this.#reader = reader;
    this.#writer = writer;
  }

  compare(unresolvedReader: Node, unresolvedWriter: Node, place: string): string[] {
    this.#budget.spend();
    const reader = resolved(this.#reader, unresolvedReader);
    const writer = resolved(this.#writer, unresolvedWriter);
    if (reader === true || writer === false) return [];
    if (reader === false) return [`${place}: the reader accepts nothing`];
    const known = this.#pairs.get(reader)?.get(writer);
    if (known) return known;
    const pairs = this.#pairs.get(reader) ?? new Map<Node, string[]>();
    this.#pairs.set(reader, pairs);
    pairs.set(writer, []);
    const problems = this.#keywords(reader, writer === true ? {} : writer, place);
    pairs.set(writer, problems);
    return problems;
  }

  #keywords(reader: Keywords, writer: Keywords, place: string): string[] {
    const choices = (writer['oneOf'] ?? writer['anyOf']) as readonly Node[] | undefined;
    if (choices && !('oneOf' in reader) && !('anyOf' in reader) && !('type' in writer))
      return choices.flatMap((choice, index) => this.compare(reader, choice, `${place}/${index}`));
    return [
      ...typeProblems(reader, writer),
      ...valueProblems(reader, writer),
      ...LIMITS.flatMap((limit) => limitProblems(limit, reader, writer)),
      ...otherProblems(this.#reader, this.#writer, reader, writer),
    ]
      .map((problem) => `${place}: ${problem}`)
      .concat(
        this.#alternatives(reader, writer, place),
        this.#items(reader, writer, place),
        this.#object(reader, writer, place),
      );
  }

  #alternatives(reader: Keywords, writer: Keywords, place: string): string[] {
    for (const keyword of ['oneOf', 'anyOf'] as const) {
      const choices = reader[keyword] as readonly Node[] | undefined;
      if (!choices) continue;
      const written = (writer['oneOf'] ?? writer['anyOf'] ?? [writer]) as readonly Node[];
      const isRead = (one: Node): boolean =>
        choices.some((choice) => this.compare(choice, one, `${place}/${keyword}`).length === 0);
      if (!written.every(isRead)) return [`${place}/${keyword}: SUM_TYPE_NARROWED`];
    }
    return [];
  }

  #items(reader: Keywords, writer: Keywords, place: string): string[] {
    if (!canBe(writer, 'array')) return [];
    return this.compare(nodeIn(reader, 'items'), nodeIn(writer, 'items'), `${place}/items`);
  }

  #object(reader: Keywords, writer: Keywords, place: string): string[] {
    if (!canBe(writer, 'object')) return [];
    const [read, written] = [propertiesOf(reader), propertiesOf(writer)];
    const [readRest, writtenRest] = [nodeIn(reader, 'additionalProperties'), nodeIn(writer, 'additionalProperties')];
    const problems: string[] = [];
    if (!isOpen(readRest) && writtenRest !== false)
      problems.push(...this.compare(readRest, writtenRest, `${place}/additionalProperties`));
    for (const [name, property] of Object.entries(read)) {
      const at = `${place}/properties/${name}`;
      if (name in written) problems.push(...this.compare(property, written[name] as Node, at));
      else if (writtenRest !== false || 'patternProperties' in writer)
        problems.push(...this.compare(property, 'patternProperties' in writer ? true : writtenRest, at));
    }
    for (const [name, property] of Object.entries(written)) {
      if (name in read) continue;
      problems.push(...this.compare(readRest, property, `${place}/properties/${name}`));
    }
    const required = requiredOf(writer);
    for (const name of requiredOf(reader)) {
      if (required.has(name) || hasDefault(resolved(this.#reader, read[name] ?? true))) continue;
      problems.push(`${place}/required/${name}: REQUIRED_ATTRIBUTE_ADDED`);
    }
    return problems;
  }
}

/** @throws SchemaInvalid for a $ref that leads to itself. */
function resolved(schema: JsonSchema, node: Node): Node {
  let found = node;
  for (let hops = 0; typeof found === 'object' && typeof found['$ref'] === 'string'; hops++) {
    if (hops > SCHEMA_DEPTH_LIMIT) throw new SchemaInvalid(`$ref ${found['$ref']}: it leads to itself`);
    found = lookUp(schema, found['$ref']);
  }
  return found;
}

const typesOf = ({ type }: Keywords): readonly string[] =>
  Array.isArray(type) ? (type as readonly string[]) : typeof type === 'string' ? [type] : ALL_TYPES;
const canBe = (node: Keywords, type: string): boolean => typesOf(node).includes(type);
const nodeIn = (node: Keywords, name: string): Node => (isNode(node[name]) ? node[name] : true);
const propertiesOf = (node: Keywords) => (node['properties'] ?? {}) as Readonly<Record<string, Node>>;
const requiredOf = ({ required }: Keywords): ReadonlySet<string> =>
  new Set(Array.isArray(required) ? (required as string[]) : []);
const hasDefault = (node: Node): boolean => typeof node === 'object' && 'default' in node;
const isOpen = (node: Node): boolean => node === true || (typeof node === 'object' && Object.keys(node).length === 0);

function typeProblems(reader: Keywords, writer: Keywords): string[] {
  const read = typesOf(reader);
  const missing = typesOf(writer).filter(
    (type) => !read.includes(type) && !(type === 'integer' && read.includes('number')),
  );
  return missing.length === 0 ? [] : [`TYPE_NARROWED: the reader does not accept ${missing.join(', ')}`];
}

function valueProblems(reader: Keywords, writer: Keywords): string[] {
  const [read, written] = [valuesOf(reader), valuesOf(writer)];
  if (!read) return [];
  if (!written) return ['ENUM_ARRAY_NARROWED: the reader accepts certain values only'];
  const missing = written.filter((value) => !read.some((one) => isEqual(one, value)));
  return missing.length === 0 ? [] : [`ENUM_ARRAY_NARROWED: the reader lacks ${JSON.stringify(missing)}`];
}

const valuesOf = (node: Keywords): readonly unknown[] | undefined =>
  'const' in node ? [node['const']] : (node['enum'] as readonly unknown[] | undefined);

/** A keyword that limits values of a type, and which other limit includes a given one. */
interface Limit {
  readonly keyword: string;
  readonly of: string;
  readonly includes: (reader: unknown, writer: unknown) => boolean;
}

const atMost = (reader: unknown, writer: unknown): boolean => (writer as number) <= (reader as number);
const atLeast = (reader: unknown, writer: unknown): boolean => (writer as number) >= (reader as number);
const LIMITS: readonly Limit[] = [
  ...['maximum', 'exclusiveMaximum'].map((keyword) => ({ keyword, of: 'number', includes: atMost })),
  ...['minimum', 'exclusiveMinimum'].map((keyword) => ({ keyword, of: 'number', includes: atLeast })),
  {
    keyword: 'multipleOf',
    of: 'number',
    includes: (reader, writer) => Number.isInteger((writer as number) / (reader as number)),
  },
  { keyword: 'maxLength', of: 'string', includes: atMost },
  { keyword: 'minLength', of: 'string', includes: atLeast },
  { keyword: 'pattern', of: 'string', includes: isEqual },
  { keyword: 'maxItems', of: 'array', includes: atMost },
  { keyword: 'minItems', of: 'array', includes: atLeast },
  { keyword: 'uniqueItems', of: 'array', includes: (reader, writer) => reader !== true || writer === true },
  { keyword: 'maxProperties', of: 'object', includes: atMost },
  { keyword: 'minProperties', of: 'object', includes: atLeast },
];

function limitProblems({ keyword, of, includes }: Limit, reader: Keywords, writer: Keywords): string[] {
  if (!(keyword in reader) || reader[keyword] === false) return [];
  if (!canBe(writer, of) && !(of === 'number' && canBe(writer, 'integer'))) return [];
  if (!(keyword in writer)) return [`${keyword}: added`];
  return includes(reader[keyword], writer[keyword]) ? [] : [`${keyword}: narrowed`];
}

/** Keywords that are not compared must be equal, and what they refer to as well. */
function otherProblems(readers: JsonSchema, writers: JsonSchema, reader: Keywords, writer: Keywords): string[] {
  return [...new Set([...Object.keys(reader), ...Object.keys(writer)])]
    .filter((keyword) => !NO_CONSTRAINT.has(keyword) && (!COMPARED.has(keyword) || isTuple(keyword, reader, writer)))
    .filter(
      (keyword) => !isEqual(reader[keyword], writer[keyword]) || refersToChanges(readers, writers, reader[keyword]),
    )
    .map((keyword) => `${keyword}: changes of it are not compared, and are refused`);
}

/** Items by their places (until draft 2019-09). */
const isTuple = (keyword: string, reader: Keywords, writer: Keywords): boolean =>
  keyword === 'items' && (Array.isArray(reader['items']) || Array.isArray(writer['items']));

const refersToChanges = (readers: JsonSchema, writers: JsonSchema, value: unknown): boolean =>
  (JSON.stringify(value) ?? '').includes('"$ref"') &&
  !(isEqual(readers.root, writers.root) && isEqual([...readers.documents], [...writers.documents]));

function isEqual(one: unknown, other: unknown): boolean {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return one === other;
  const [keys, others] = [Object.keys(one), Object.keys(other)];
  return (
    keys.length === others.length &&
    keys.every((key) => Object.hasOwn(other, key) && isEqual((one as Keywords)[key], (other as Keywords)[key]))
  );
}
