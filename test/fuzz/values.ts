// Plausible values for the fields of a request, by the field's name: existing topics and groups, ids from earlier
// responses, known configs. A request of them passes the first checks and reaches the interesting mistakes. Sometimes a
// field gets the value of another, or an extreme.
import { Timestamp, Uuid, ZERO_UUID } from '@milepost/core';
import { buildBatch, type Codec } from '@milepost/records';
import type { SimRandom } from '@milepost/simulator';

/** Must be unchanged after a round: named only in requests that read. */
export const REFERENCE = { topic: 'reference', group: 'reference-group' };

/** Requests that change or delete what they name, and so never name the reference. (Produce only adds.) */
export const CHANGING =
  /^(Create|Delete|Alter|Incremental|Offset(Commit|Delete)|Txn|JoinGroup|SyncGroup|LeaveGroup|Heartbeat|AddOffsets|.*GroupHeartbeat|Update|Unregister|Elect|Expire|Renew)/;

const MOST_LEARNED = 40;
/** Fields of responses that later requests use. */
const LEARNED = new Set([
  'memberId',
  'memberEpoch',
  'generationId',
  'producerId',
  'producerEpoch',
  'sessionId',
  'topicId',
  'leaderEpoch',
  'clientInstanceId',
  'subscriptionId',
]);

const LONG_TEXT = 'x'.repeat(32_767);
const STRANGE = ['', ' ', '.', '..', '__consumer_offsets', 'ä€😀', '\u0000', '../../etc', 'a/b', '%s', LONG_TEXT];
const CONFIGS = {
  'retention.ms': ['1', '-1', '604800000', 'x', ''],
  'cleanup.policy': ['delete', 'compact', 'compact,delete', 'none', ''],
  'segment.bytes': ['1048576', '14', '0', '-5', '99999999999999999999'],
  'max.message.bytes': ['100', '1048588', '-1'],
  'min.insync.replicas': ['1', '2', '0'],
  'message.timestamp.type': ['LogAppendTime', 'CreateTime', 'Never'],
  'compression.type': ['producer', 'gzip', 'zstd', 'lz4', 'snappy', 'uncompressed', '7'],
  'no.such.config': ['1'],
} as const;
const NUMBERS = [0, 1, 2, 3, 5, -1, -2, 7, 100];
const EXTREMES = [-1, 0, 1, -2, 127, 128, 255, 32_767, 32_768, 65_535, 2 ** 31 - 1, -(2 ** 31)];
const LONGS = [0, 1, 2, 10, 19, 20, 21, 100, -1, -2, -3, -4, -5, -6];
const EXTREME_LONGS = [-1, 0, 2 ** 31, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
const EXTREME_BIGINTS = [0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n)];
const CODECS: readonly Codec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

export class Values {
  readonly #random: SimRandom;
  readonly #now: () => number;
  readonly #learned = new Map<string, unknown[]>();

  constructor(random: SimRandom, now: () => number) {
    this.#random = random;
    this.#now = now;
  }

  /** Records values of a response that a request may use. */
  learn(answer: unknown, field = ''): void {
    if (Array.isArray(answer)) for (const item of answer) this.learn(item, field);
    else if (answer !== null && typeof answer === 'object' && !Buffer.isBuffer(answer))
      for (const [name, value] of Object.entries(answer)) this.learn(value, name);
    else if (LEARNED.has(field)) {
      const known = this.#learned.get(field) ?? [];
      known.push(answer);
      if (known.length > MOST_LEARNED) known.splice(this.#random.below(known.length), 1);
      this.#learned.set(field, known);
    }
  }

  string(api: string, field: string, isWild: boolean): string {
    const random = this.#random;
    if (isWild && random.chance(0.5)) return random.pick(STRANGE);
    const name = isWild ? random.pick(['name', 'groupId', 'memberId', 'clientId', 'protocolName']) : field;
    const known = this.#known(name);
    if (typeof known === 'string' && random.chance(0.7)) return known;
    if (/group/i.test(name)) return random.pick(this.#groups(api));
    if (/config|value/i.test(name)) return random.pick(random.pick(Object.values(CONFIGS)));
    if (/resourceName/i.test(name)) return random.pick([...this.#topics(api), '1', '', '2']);
    if (/member|instance/i.test(name)) return random.pick(['', 'member-1', 'member-2']);
    if (/protocol|assignor/i.test(name)) return random.pick(['consumer', 'range', 'uniform', 'roundrobin', '']);
    if (/regex/i.test(name)) return random.pick(['fuzz-.*', '(a+)+$', '[', '', '(?i)FUZZ.*', '.*']);
    if (/state|type/i.test(name)) return random.pick(['Stable', 'Empty', 'consumer', 'classic', 'share', 'x']);
    if (/transactional/i.test(name)) return random.pick(['txn-1', 'txn-2']);
    if (/host|rack|user|principal|reason|mechanism/i.test(name)) return random.pick(['a', 'User:a', '*', '']);
    if (/^(name|topic|cursor)/i.test(name) && /Config/.test(api) && random.chance(0.5))
      return random.pick(Object.keys(CONFIGS));
    return random.pick(this.#topics(api));
  }

  uuid(api: string, field: string): Uuid {
    const known = this.#known(field);
    if (typeof known === 'string' && !CHANGING.test(api) && this.#random.chance(0.8)) return known as Uuid;
    return this.#random.chance(0.5) ? ZERO_UUID : Uuid(this.#random.uuid());
  }

  integer(field: string, bits: 8 | 16 | 32, isWild: boolean): number {
    const random = this.#random;
    const known = this.#known(field);
    if (isWild) return fitted(random.pick(EXTREMES), bits);
    if (typeof known === 'number' && random.chance(0.7)) return fitted(known, bits);
    if (/partition|index/i.test(field)) return random.pick([0, 0, 0, 1, 1, 2, 3, -1]);
    if (/wait|timeout/i.test(field)) return fitted(random.pick([0, 1, 10, 50, 500, 6_000, 10_000, 30_000]), bits);
    if (/bytes/i.test(field)) return fitted(random.pick([0, 1, 100, 1_048_576, 52_428_800]), bits);
    if (/epoch/i.test(field)) return random.pick([-1, 0, 0, 0, 1]);
    if (field === 'acks') return random.pick([-1, -1, 0, 1]);
    if (/broker|replica|leader/i.test(field)) return random.pick([-1, 1, 1, 2]);
    if (/type|operation|pattern|permission|level|mechanism/i.test(field)) return random.pick([2, 4, random.below(33)]);
    return random.pick(NUMBERS);
  }

  long(field: string, isWild: boolean): number {
    if (isWild) return this.#random.pick(EXTREME_LONGS);
    if (/time/i.test(field)) return this.#random.pick([-1, -2, -3, -4, -5, 0, this.#now(), this.#now() + 1_000]);
    return this.#random.pick(LONGS);
  }

  bigint(field: string, isWild: boolean): bigint {
    const known = this.#known(field);
    if (typeof known === 'bigint' && !isWild && this.#random.chance(0.8)) return known;
    return this.#random.pick(EXTREME_BIGINTS);
  }

  bytes(api: string, field: string, isWild: boolean): Buffer {
    if (/record/i.test(field)) return this.#records(isWild);
    if (!isWild && /metadata|assignment/i.test(field)) return subscription(this.#topics(api));
    const bytes = Buffer.alloc(this.#random.pick([0, 1, 4, 30, 300]));
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.#random.below(256);
    return bytes;
  }

  #records(isWild: boolean): Buffer {
    const random = this.#random;
    const known = this.#known('producerId');
    const isIdempotent = typeof known === 'bigint' && random.chance(0.3);
    const batch = buildBatch({
      records: Array.from({ length: 1 + random.below(4) }, (_, n) => ({
        key: random.chance(0.8) ? Buffer.from(`key-${n}`) : null,
        value: random.chance(0.9) ? Buffer.alloc(random.pick([0, 1, 20, 400]), 'v') : null,
        timestamp: Timestamp(random.chance(0.9) ? this.#now() : random.pick(EXTREME_LONGS)),
      })),
      compression: random.pick(CODECS),
      ...(isIdempotent && { producerId: known, producerEpoch: 0, baseSequence: random.below(6) }),
      ...(random.chance(0.05) && { isTransactional: true }),
    });
    if (!isWild) return random.chance(0.9) ? batch : Buffer.concat([batch, batch]);
    const flips = 1 + random.below(4);
    for (let n = 0; n < flips; n++) {
      const at = random.below(batch.length);
      batch[at] = (batch[at] as number) ^ (1 << random.below(8));
    }
    return random.chance(0.5) ? batch : batch.subarray(0, random.below(batch.length));
  }

  #known(field: string): unknown {
    const known = this.#learned.get(field);
    return known && known.length > 0 ? this.#random.pick(known) : undefined;
  }

  #topics(api: string): readonly string[] {
    const own = ['fuzz-a', 'fuzz-a', 'fuzz-compact', 'fuzz-new-1', 'fuzz-new-2', 'fuzz.new.2', 'no-such-topic'];
    return CHANGING.test(api) ? own : [...own, REFERENCE.topic, REFERENCE.topic];
  }

  #groups(api: string): readonly string[] {
    const own = ['group-1', 'group-2', 'group-3', 'no-such-group', ''];
    return CHANGING.test(api) ? own : [...own, REFERENCE.group];
  }
}

const fitted = (value: number, bits: 8 | 16 | 32): number => (value << (32 - bits)) >> (32 - bits);

/** The consumers' metadata in JoinGroup: version 0, topics, no user data. */
function subscription(topics: readonly string[]): Buffer {
  const parts = topics.slice(0, 2).map((topic) => {
    const part = Buffer.alloc(2 + topic.length, topic);
    part.writeInt16BE(topic.length, 0);
    part.write(topic, 2);
    return part;
  });
  const head = Buffer.from([0, 0, 0, 0, 0, parts.length]);
  return Buffer.concat([head, ...parts, Buffer.from([0xff, 0xff, 0xff, 0xff])]);
}
