// A topic's configuration for its logs, as typed numbers. Names and defaults are those of Apache Kafka 4.3.
import type { Codec } from '@milepost/records';

export interface LogConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  /** At most this much, by chance, is subtracted from segmentMs for each segment. */
  readonly segmentJitterMs: number;
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
  /** How long the cleaner retains tombstones after the first pass that met them. */
  readonly deleteRetentionMs: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly fileDeleteDelayMs: number;
  /** With fewer replicas in sync, acks=all is refused. */
  readonly minInsyncReplicas: number;
  /** After this many records a log is synced, even if no request waits. */
  readonly flushMessages: number;
  readonly flushMs: number;
  /** The codec of stored batches; `producer` means that of the incoming batch. */
  readonly compression: Codec | 'producer';
  /** The level where the broker compresses; absent: the codec's own default. */
  readonly compressionLevels: Readonly<Partial<Record<Codec, number>>>;
}

/** Reads Kafka's property names. A missing one has Kafka's default; values were validated when they were set. */
export function logConfigOf(configs: Readonly<Record<string, string>>): LogConfig {
  const numberOf = (name: string, byDefault: number) =>
    configs[name] === undefined ? byDefault : Math.min(Number(configs[name]), Number.MAX_SAFE_INTEGER);
  const policies = (configs['cleanup.policy'] ?? 'delete').split(',').map((policy) => policy.trim());
  const isCompacted = policies.includes('compact');
  const maxCompactionLagMs = numberOf('max.compaction.lag.ms', Number.MAX_SAFE_INTEGER);
  return {
    segmentBytes: numberOf('segment.bytes', 1024 ** 3),
    // The active segment is never cleaned, so it must be rolled in time.
    segmentMs: Math.min(
      numberOf('segment.ms', 7 * DAY_MS),
      isCompacted ? maxCompactionLagMs : Number.POSITIVE_INFINITY,
    ),
    segmentJitterMs: numberOf('segment.jitter.ms', 0),
    segmentIndexBytes: numberOf('segment.index.bytes', 10 * 1024 ** 2),
    indexIntervalBytes: numberOf('index.interval.bytes', 4096),
    retentionMs: numberOf('retention.ms', 7 * DAY_MS),
    retentionBytes: numberOf('retention.bytes', -1),
    maxMessageBytes: numberOf('max.message.bytes', 1024 ** 2 + 12),
    timestampType: configs['message.timestamp.type'] === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
    timestampBeforeMaxMs: numberOf('message.timestamp.before.max.ms', Number.MAX_SAFE_INTEGER),
    timestampAfterMaxMs: numberOf('message.timestamp.after.max.ms', HOUR_MS),
    compact: isCompacted,
    delete: policies.includes('delete'),
    producerIdExpirationMs: numberOf('producer.id.expiration.ms', DAY_MS),
    deleteRetentionMs: numberOf('delete.retention.ms', DAY_MS),
    minCompactionLagMs: numberOf('min.compaction.lag.ms', 0),
    maxCompactionLagMs,
    minCleanableDirtyRatio: numberOf('min.cleanable.dirty.ratio', 0.5),
    minInsyncReplicas: numberOf('min.insync.replicas', 1),
    flushMessages: numberOf('flush.messages', Number.MAX_SAFE_INTEGER),
    flushMs: numberOf('flush.ms', Number.MAX_SAFE_INTEGER),
    fileDeleteDelayMs: numberOf('file.delete.delay.ms', MINUTE_MS),
    compression: codecNamed(configs['compression.type'] ?? 'producer'),
    compressionLevels: { gzip: numberOf('compression.gzip.level', -1), zstd: numberOf('compression.zstd.level', 3) },
  };
}

const codecNamed = (type: string): Codec | 'producer' => (type === 'uncompressed' ? 'none' : (type as Codec));

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const defaultLogConfig: LogConfig = logConfigOf({});
