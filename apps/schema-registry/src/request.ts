// What a request of Confluent's clients says. A wrong one is a refusal that names what was expected.
import { type Candidate, isSchemaType, refusal, type SchemaReference, type Version } from '@milepost/registry';
import type { SchemaType } from '@milepost/serdes';

/** Of a body such as {"schema": "…", "schemaType": "PROTOBUF", "references": […]}. @throws RegistryRefusal */
export function candidateIn(body: unknown): Candidate {
  const fields = objectIn(body);
  const { schema, schemaType, references, ruleSet, metadata } = fields;
  if (ruleSet !== undefined && ruleSet !== null) throw refusal.invalidRuleSet();
  if (metadata !== undefined && metadata !== null) throw refusal.invalidRuleSet();
  if (typeof schema !== 'string') throw refusal.invalidSchema('expected schema, a text, in a JSON object');
  return {
    type: typeIn(schemaType),
    text: schema,
    references: referencesIn(references ?? []),
    id: numberIn(fields['id'], 'id'),
    version: numberIn(fields['version'], 'version'),
  };
}

export const objectIn = (body: unknown): Readonly<Record<string, unknown>> =>
  typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : {};

function typeIn(type: unknown): SchemaType {
  if (type === undefined || type === null || type === '') return 'AVRO';
  if (isSchemaType(type)) return type;
  throw refusal.invalidSchema(`expected the schemaType AVRO, PROTOBUF or JSON, got ${JSON.stringify(type)}`);
}

function referencesIn(references: unknown): SchemaReference[] {
  if (!Array.isArray(references)) throw refusal.invalidSchema('expected references, a list');
  return (references as unknown[]).map((one) => {
    const { name, subject, version } = objectIn(one);
    if (typeof name !== 'string' || typeof subject !== 'string' || !isVersion(version))
      throw refusal.invalidSchema('expected a reference with name, subject and version');
    return { name, subject, version };
  });
}

/** Clients write -1 or 0 for none. */
function numberIn(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null || value === -1 || value === 0) return undefined;
  if (isVersion(value)) return value;
  throw refusal.invalidSchema(`expected ${what}, a whole number from 1, got ${JSON.stringify(value)}`);
}

const LARGEST = 2 ** 31 - 1;
const isVersion = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= LARGEST;

/** A version in a path; -1 is the latest one. @throws RegistryRefusal */
export function versionIn(text: string): Version {
  if (text === 'latest' || text === '-1') return 'latest';
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (!isVersion(version)) throw refusal.invalidVersion(text);
  return version;
}

/** @throws RegistryRefusal */
export function idIn(text: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (!isVersion(id)) throw refusal.schemaNotFound();
  return id;
}

export const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === 'true';

/** `?offset=` and `?limit=`; a negative limit is none. */
export function page<Item>(items: readonly Item[], offset = '0', limit = '-1'): readonly Item[] {
  const [from, count] = [Math.max(0, Number(offset) || 0), Number(limit)];
  return items.slice(from, Number.isInteger(count) && count >= 0 ? from + count : undefined);
}
