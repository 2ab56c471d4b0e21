// What a topic's configuration means to its logs, as typed numbers. Names and defaults are those of Apache Kafka 4.3.
import type { Codec } from '@milepost/records';

export interface LogConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
  readonly maxMessageBytes: number;
  readonly timestampType: 'CreateTime' | 'LogAppendTime';
  readonly timestampBeforeMaxMs: number;
  readonly timestampAfterMaxMs: number;
  /** cleanup.policy names `compact`: every record needs a key. */
  readonly compact: boolean;
  /** cleanup.policy names `delete`: retention applies. */
  readonly delete: boolean;
  readonly producerIdExpirationMs: number;
  /** The codec of stored batches; `producer`: the one that they came with. */
  readonly compression: Codec | 'producer';
  /** The effort, where the broker compresses; absent: the codec's own default. */
  readonly compressionLevels: Readonly<Partial<Record<Codec, number>>>;
}

/** From Kafka's property names. What is absent has Kafka's default; values were validated when they were set. */
export function logConfigOf(configs: Readonly<Record<string, string>>): LogConfig {
  const whole = (name: string, byDefault: number) => (configs[name] === undefined ? byDefault : Number(configs[name]));
  const policies = (configs['cleanup.policy'] ?? 'delete').split(',').map((policy) => policy.trim());
  return {
    segmentBytes: whole('segment.bytes', 1024 ** 3),
    segmentMs: whole('segment.ms', 7 * DAY_MS),
    segmentIndexBytes: whole('segment.index.bytes', 10 * 1024 ** 2),
    indexIntervalBytes: whole('index.interval.bytes', 4096),
    retentionMs: whole('retention.ms', 7 * DAY_MS),
    retentionBytes: whole('retention.bytes', -1),
    maxMessageBytes: whole('max.message.bytes', 1024 ** 2 + 12),
    timestampType: configs['message.timestamp.type'] === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: whole('message.timestamp.before.max.ms', Number.MAX_SAFE_INTEGER),
    timestampAfterMaxMs: whole('message.timestamp.after.max.ms', HOUR_MS),
    compact: policies.includes('compact'),
    delete: policies.includes('delete'),
    producerIdExpirationMs: whole('producer.id.expiration.ms', DAY_MS),
    compression: codecNamed(configs['compression.type'] ?? 'producer'),
    compressionLevels: { gzip: whole('compression.gzip.level', -1), zstd: whole('compression.zstd.level', 3) },
  };
}

const codecNamed = (type: string): Codec | 'producer' => (type === 'uncompressed' ? 'none' : (type as Codec));

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const defaultLogConfig: LogConfig = logConfigOf({});
