// Validates changes of quotas and finds the quotas that a filter matches: pure functions, by Kafka's rules (KIP-546).
import { ErrorCode } from '@milepost/core';
import {
  type ClientQuota,
  type MetadataChange,
  QUOTA_ENTITY_TYPES,
  type QuotaEntity,
  type QuotaEntityType,
  quotaKey,
} from '@milepost/metadata';
import { QuotaMatch } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';

type NamedEntity = readonly { readonly entityType: string; readonly entityName: string | null }[];

export interface QuotaWish {
  readonly entity: NamedEntity;
  readonly ops: readonly { readonly key: string; readonly value: number; readonly remove: boolean }[];
}

export interface QuotaFilter {
  readonly entityType: string;
  readonly matchType: number;
  readonly match: string | null;
}

const OF_CLIENTS: Readonly<Record<string, 'whole' | 'any'>> = {
  producer_byte_rate: 'whole',
  consumer_byte_rate: 'whole',
  request_percentage: 'any',
  controller_mutation_rate: 'any',
};
const OF_ADDRESSES: typeof OF_CLIENTS = { connection_creation_rate: 'whole' };
const MOST_LONG = 2 ** 63;
/** The database's limit for a key of an index. */
const MOST_KEY_BYTES = 2_000;
const MOST_INT = 2_147_483_647;

/** In the order of the requests; each is decided on the image and the requests before it. */
export function decideQuotas(
  quotas: ReadonlyMap<string, ClientQuota>,
  wishes: readonly QuotaWish[],
): (MetadataChange | Refusal)[] {
  const seen = new Set<string>();
  return wishes.map(({ entity: named, ops }) => {
    const entity = entityOf(named);
    if ('error' in entity) return entity as Refusal;
    const key = quotaKey(entity);
    if (Buffer.byteLength(key) > MOST_KEY_BYTES) return invalid(`an entity has at most ${MOST_KEY_BYTES} bytes`);
    if (seen.has(key)) return invalid('an entity is named twice');
    seen.add(key);
    if (new Set(ops.map((op) => op.key)).size < ops.length) return invalid('a quota is named twice');
    const allowed = entity.ip === undefined ? OF_CLIENTS : OF_ADDRESSES;
    const values: Record<string, number> = { ...quotas.get(key)?.quotas };
    for (const op of ops) {
      const problem = op.remove ? undefined : valueProblem(op.key, op.value, allowed);
      if (problem) return invalid(problem);
      if (op.remove) delete values[op.key];
      else values[op.key] = op.value;
    }
    return { type: 'client-quota-set', quota: { entity, quotas: values } };
  });
}

/** The quotas that match all of the filters; strict: that have no other component. */
export function matchingQuotas(
  quotas: readonly ClientQuota[],
  filters: readonly QuotaFilter[],
  strict: boolean,
): ClientQuota[] | Refusal {
  const types = filters.map(({ entityType }) => entityType);
  for (const filter of filters) {
    const problem = filterProblem(filter);
    if (problem) return problem;
  }
  if (new Set(types).size < types.length) return invalid('an entity type is named twice');
  if (types.includes('ip') && types.length > 1) return invalid('ip goes with no other entity type');
  return quotas.filter(
    ({ entity }) =>
      (!strict || Object.keys(entity).length === filters.length) && filters.every((filter) => matches(entity, filter)),
  );
}

function matches(entity: QuotaEntity, { entityType, matchType, match }: QuotaFilter): boolean {
  const name = entity[entityType as QuotaEntityType];
  if (name === undefined) return false;
  return matchType === QuotaMatch.ANY || name === match;
}

function filterProblem({ entityType, matchType, match }: QuotaFilter): Refusal | undefined {
  if (entityType === '') return invalid('an entity type is empty');
  if (!isEntityType(entityType))
    return refusal(ErrorCode.UNSUPPORTED_VERSION, `entity type ${entityType}: expected user, client-id or ip`);
  if (matchType === QuotaMatch.EXACT) return match === null ? invalid('an exact match needs a name') : undefined;
  if (matchType !== QuotaMatch.DEFAULT && matchType !== QuotaMatch.ANY) return invalid(`match type ${matchType}`);
  return match === null ? undefined : invalid(`a match of type ${matchType} has no name`);
}

function entityOf(named: NamedEntity): QuotaEntity | Refusal {
  const entity: Partial<Record<QuotaEntityType, string | null>> = {};
  for (const { entityType, entityName } of named) {
    if (!isEntityType(entityType)) return invalid(`entity type ${entityType}: expected user, client-id or ip`);
    if (entity[entityType] !== undefined) return invalid(`${entityType} is named twice`);
    if (entityName === '') return invalid(`${entityType} has no name`);
    entity[entityType] = entityName;
  }
  if (named.length === 0) return invalid('no entity is named');
  if (entity.ip === undefined) return entity;
  if (named.length > 1) return invalid('ip goes with no other entity type');
  return entity.ip === null || isAddress(entity.ip) ? entity : invalid(`${entity.ip} is not an IP address`);
}

function valueProblem(key: string, value: number, allowed: typeof OF_CLIENTS): string | undefined {
  const kind = allowed[key];
  if (!kind) return `${key}: expected one of ${Object.keys(allowed).join(', ')}`;
  if (!(value > 0)) return `${key}: expected more than 0, seen ${value}`;
  if (kind === 'any') return undefined;
  if (value > (allowed === OF_ADDRESSES ? MOST_INT : MOST_LONG)) return `${key}: ${value} is too much`;
  return Math.abs(value % 1) > 1e-6 ? `${key}: expected a whole number, seen ${value}` : undefined;
}

const isEntityType = (type: string): type is QuotaEntityType => QUOTA_ENTITY_TYPES.includes(type as QuotaEntityType);

const isAddress = (text: string): boolean =>
  /^(\d{1,3}\.){3}\d{1,3}$/.test(text)
    ? text.split('.').every((part) => Number(part) < 256)
    : /^[\da-f:.]*:[\da-f:.]*$/i.test(text);

const invalid = (message: string): Refusal => refusal(ErrorCode.INVALID_REQUEST, message);
