// Makes responses of two brokers comparable. Every normalization has its reason here; any other difference is reported.
import { errorName } from '@milepost/core';
import { RecordBatch } from '@milepost/records';

type Rule = (value: any, normal: Normal) => unknown;

const HOUR_MS = 3_600_000;
const NO_ID = '00000000-0000-0000-0000-000000000000';
const isRecent = (time: number): boolean => Math.abs(time - Date.now()) < HOUR_MS;
const text: Rule = (value) => (value === null || value === '' ? value : '<text>');
const time: Rule = (value) => (typeof value === 'number' && isRecent(value) ? '<now>' : value);
const size: Rule = (value) => (value >= 0 ? '<bytes>' : value);
const code: Rule = (value) => errorName(value);

const rules: Readonly<Record<string, Rule>> = {
  // The address of the broker.
  host: (value) => (value === '' ? '' : '<host>'),
  port: (value) => (value > 0 ? '<port>' : value),
  clusterId: (value) => (value === null ? null : '<cluster>'),
  logDir: () => '<dir>',
  totalBytes: size,
  usableBytes: size,
  // The time that a quota throttles a client.
  throttleTimeMs: (value) => (value > 0 ? '<throttled>' : 0),
  // Ids that a broker generates: the same one gets the same number, in the order of appearance.
  topicId: (value, normal) => (value === NO_ID ? 'none' : normal.topicId(value)),
  memberId: (value, normal) => (value === '' || value === null ? value : normal.numbered('member', value)),
  leader: (value, normal) => (value === '' ? '' : normal.numbered('member', value)),
  producerId: (value, normal) => (value < 0 ? String(value) : normal.numbered('producer', String(value))),
  // The broker's clock. Timestamps of scenarios are years old.
  logAppendTimeMs: time,
  timestamp: time,
  // Wording. The presence of a text is compared, and so are the codes.
  errorMessage: text,
  batchIndexErrorMessage: text,
  documentation: text,
  // The number of changes that a cluster has seen.
  finalizedFeaturesEpoch: (value) => (value >= 0 ? '<epoch>' : value),
  // For the reader.
  errorCode: code,
  partitionErrorCode: code,
};

const PLACE = '<place>';

/** Properties with the addresses and folders of the broker. */
const PLACES = new Set(['listeners', 'advertised.listeners', 'log.dirs', 'log.dir', 'controller.quorum.voters']);

/**
 * The fields that identify an item of a list; the first existing one counts. Kafka returns many lists in the order of a
 * hash map.
 */
const IDENTITIES: readonly (readonly string[])[] = [
  ['resourceType', 'resourceName'],
  ['name'],
  ['topic'],
  ['topicName'],
  ['groupId'],
  ['partitionIndex'],
  ['index'],
  ['partition'],
  ['partitionId'],
  ['apiKey'],
  ['brokerId'],
  ['nodeId'],
  ['key'],
  ['entityType', 'entityName'],
  ['topicId'],
  ['memberId'],
];

export class Normal {
  readonly #prefix: string;
  readonly #numbers = new Map<string, Map<string, number>>();
  /** By the topic's name, which a response usually has beside its id; several if it was recreated. */
  readonly #topics = new Map<string, string[]>();

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  of(value: unknown): unknown {
    if (typeof value === 'bigint') return String(value);
    if (typeof value === 'string') return value.replaceAll(this.#prefix, '');
    if (typeof value !== 'object' || value === null) return value;
    if (value instanceof Uint8Array) return Buffer.from(value).toString('hex').replaceAll(this.#prefixHex, '');
    // Sorted before ids get their numbers, so that those follow the names.
    if (Array.isArray(value)) return sorted(value).map((item) => this.of(item));
    const place = value as { name?: unknown; value?: unknown };
    if (PLACES.has(String(place.name)) && typeof place.value === 'string' && place.value !== PLACE)
      return this.of({ ...value, value: PLACE });
    this.#learnTopic(value as Record<string, unknown>);
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.#field(name, inner)]));
  }

  topicId(id: string): string {
    for (const [name, ids] of this.#topics) {
      const at = ids.indexOf(id);
      if (at >= 0) return `<id of ${name.replaceAll(this.#prefix, '')}${at > 0 ? `, ${at + 1}` : ''}>`;
    }
    return this.numbered('topic', id);
  }

  #learnTopic({ topicId, name, topic, topicName }: Record<string, unknown>): void {
    const called = name || topic || topicName;
    if (typeof topicId !== 'string' || topicId === NO_ID || typeof called !== 'string') return;
    const ids = this.#topics.get(called) ?? [];
    if (!ids.includes(topicId)) this.#topics.set(called, [...ids, topicId]);
  }

  /** The scenario's own ids keep their names. */
  numbered(kind: string, id: string): string {
    if (id.startsWith(this.#prefix)) return id.slice(this.#prefix.length);
    let numbers = this.#numbers.get(kind);
    if (numbers === undefined) this.#numbers.set(kind, (numbers = new Map()));
    const number = numbers.get(id) ?? numbers.size + 1;
    numbers.set(id, number);
    return `<${kind} ${number}>`;
  }

  #field(name: string, value: unknown): unknown {
    if (name === 'records' && value instanceof Uint8Array) return batchesOf(Buffer.from(value));
    const rule = rules[name];
    return rule && typeof value !== 'object' ? rule(value, this) : this.of(value);
  }

  get #prefixHex(): string {
    return Buffer.from(this.#prefix).toString('hex');
  }
}

function sorted(items: readonly unknown[]): readonly unknown[] {
  const keyed = items.map((item) => ({ item, key: identityOf(item) }));
  // Without an identity the order is kept: the order of a fetch's batches, for one, matters.
  if (keyed.some(({ key }) => key === undefined)) return items;
  return keyed.sort((a, b) => before(a.key as string, b.key as string)).map(({ item }) => item);
}

const before = (a: string, b: string): number => Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0);

export function identityOf(item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null) return undefined;
  const fields = item as Record<string, unknown>;
  const isSaid = (name: string): boolean =>
    fields[name] !== undefined && fields[name] !== null && (fields[name] !== '' || name === 'groupId');
  const names = IDENTITIES.find((one) => one.every(isSaid));
  return names?.map((name) => String(fields[name])).join(' ');
}

/** Batches field by field, so that a difference has a name; the records themselves are those that were produced. */
function batchesOf(records: Buffer): unknown[] {
  const batches: unknown[] = [];
  let at = 0;
  for (let batch = RecordBatch.at(records, at); batch; batch = RecordBatch.at(records, at)) {
    batches.push({
      baseOffset: batch.baseOffset,
      lastOffsetDelta: batch.lastOffsetDelta,
      leaderEpoch: batch.leaderEpoch,
      attributes: batch.attributes,
      maxTimestamp: isRecent(batch.maxTimestamp) ? '<now>' : batch.maxTimestamp,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      recordCount: batch.recordCount,
      isIntact: batch.isIntact(),
      sizeBytes: batch.sizeBytes,
    });
    at += batch.sizeBytes;
  }
  if (at < records.length) batches.push({ restBytes: records.length - at });
  return batches;
}
