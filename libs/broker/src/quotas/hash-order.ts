// The order in which Apache Kafka lists quotas in a response: that of Java's HashMap, which some tools show as it comes
// (ClientQuotasImage, ClientQuotaImage and ClientQuotaEntity of Kafka 4.3 hold hash maps).
//
// A HashMap of n entries has the least power of two of buckets that they fill to at most three quarters, and lists bucket by
// bucket. Within a bucket it lists what was put there first; here that is the order of the items given. So among two or three
// quotas of an entity request_percentage may come before producer_byte_rate in Kafka, depending on how they were set; the
// database does not store that, and here it comes behind.
import type { QuotaEntity } from '@milepost/metadata';

/** Kafka's map of an entity's parts starts with this many, enough for all of them. */
const BUCKETS_OF_PARTS = 16;

/** The parts of one entity. */
export function partsInOrder<Part extends { readonly entityType: string }>(parts: readonly Part[]): Part[] {
  return ordered(parts, ({ entityType }) => hashOf(entityType), BUCKETS_OF_PARTS);
}

/** A quota's name and value, for each of an entity's quotas. */
export function valuesOf(quotas: Readonly<Record<string, number>>): [key: string, value: number][] {
  return inHashOrder(Object.entries(quotas), ([key]) => hashOf(key));
}

/** `Objects.hash(entries)`, where a map's hash is the sum over its entries of the key's hash xor the value's. */
export function hashOfEntity(entity: QuotaEntity): number {
  let sum = 0;
  for (const [type, name] of Object.entries(entity)) sum += hashOf(type) ^ (name === null ? 0 : hashOf(name));
  return (31 + sum) | 0;
}

export function inHashOrder<Item>(items: readonly Item[], hash: (item: Item) => number): Item[] {
  let buckets = 2;
  while (items.length > buckets * 0.75) buckets *= 2;
  return ordered(items, hash, buckets);
}

function ordered<Item>(items: readonly Item[], hash: (item: Item) => number, buckets: number): Item[] {
  const bucketOf = (item: Item): number => {
    const code = hash(item);
    return (code ^ (code >>> 16)) & (buckets - 1);
  };
  return items.toSorted((one, other) => bucketOf(one) - bucketOf(other));
}

/** Java's `String.hashCode`. */
function hashOf(text: string): number {
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0;
  return hash;
}
