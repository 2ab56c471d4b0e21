// Every topic property of Apache Kafka 4.3: the one table of their defaults (libs/log reads them from here, through
// `topicConfigValues`). Types, defaults, limits and synonyms are Kafka's; the sentences are ours.
import { atLeast, between, type ConfigKey, either, listMatching, listOf, oneOf } from './config-key.ts';

export interface TopicConfigKey extends ConfigKey {
  readonly default: string;
  /** Broker properties that give its default; of those that are set, the first decides. */
  readonly synonyms: readonly BrokerSynonym[];
}

export interface BrokerSynonym {
  readonly name: string;
  /** Null where the next synonym's default holds; absent: the topic property's own. */
  readonly default?: string | null;
  /** What one unit of it is in the topic property's unit; absent: the same. */
  readonly unitMs?: number;
  /** Kafka changes it only by a restart. */
  readonly readOnly?: true;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const LONGEST = '9223372036854775807';

const throttled = listMatching(/^(\*|\d+:\d+)$/, '* or a list of partition:broker');
const minutes = { default: null, unitMs: MINUTE_MS, readOnly: true } as const;
const hours = (value: string) => ({ default: value, unitMs: HOUR_MS, readOnly: true }) as const;

export const TOPIC_CONFIG_KEYS: readonly TopicConfigKey[] = [
  {
    name: 'cleanup.policy',
    type: 'LIST',
    default: 'delete',
    accepts: listOf('compact', 'delete'),
    hasEffect: true,
    synonyms: [{ name: 'log.cleanup.policy' }],
    documentation:
      'What becomes of old records: delete drops whole segments, compact keeps the last record of each key.',
  },
  {
    name: 'compression.gzip.level',
    type: 'INT',
    default: '-1',
    accepts: either(between(1, 9), between(-1, -1)),
    hasEffect: true,
    synonyms: [{ name: 'compression.gzip.level' }],
    documentation: 'The effort of gzip where the broker compresses (compression.type=gzip).',
  },
  {
    name: 'compression.lz4.level',
    type: 'INT',
    default: '9',
    accepts: between(1, 17),
    hasEffect: false,
    synonyms: [{ name: 'compression.lz4.level' }],
    documentation: 'The effort of lz4 where the broker compresses; the encoder here has one.',
  },
  {
    name: 'compression.type',
    type: 'STRING',
    default: 'producer',
    accepts: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    hasEffect: true,
    synonyms: [{ name: 'compression.type' }],
    documentation:
      'The codec of stored batches; producer: the one that they came with. Others are packed again at append.',
  },
  {
    name: 'compression.zstd.level',
    type: 'INT',
    default: '3',
    accepts: between(-131_072, 22),
    hasEffect: true,
    synonyms: [{ name: 'compression.zstd.level' }],
    documentation: 'The effort of zstd where the broker compresses (compression.type=zstd).',
  },
  {
    name: 'delete.retention.ms',
    type: 'LONG',
    default: '86400000',
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [{ name: 'log.cleaner.delete.retention.ms' }],
    documentation: 'How long a compacted topic keeps the marker that a key was deleted.',
  },
  {
    name: 'file.delete.delay.ms',
    type: 'LONG',
    default: '60000',
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [{ name: 'log.segment.delete.delay.ms' }],
    documentation: 'How long the files of a dropped segment stay on the disk.',
  },
  {
    name: 'flush.messages',
    type: 'LONG',
    default: LONGEST,
    accepts: atLeast(1),
    hasEffect: true,
    synonyms: [{ name: 'log.flush.interval.messages' }],
    documentation:
      'After how many records a log is synced; with MILEPOST_FLUSH=always every acknowledgement waits for a sync anyway.',
  },
  {
    name: 'flush.ms',
    type: 'LONG',
    default: LONGEST,
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [
      { name: 'log.flush.interval.ms', default: null },
      { name: 'log.flush.scheduler.interval.ms', default: LONGEST, readOnly: true },
    ],
    documentation:
      'After how long a log is synced; with MILEPOST_FLUSH=always every acknowledgement waits for a sync anyway.',
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'LIST',
    default: '',
    accepts: throttled,
    hasEffect: false,
    synonyms: [],
    documentation: 'Replicas that are throttled on the side of the follower.',
  },
  {
    name: 'index.interval.bytes',
    type: 'INT',
    default: '4096',
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [{ name: 'log.index.interval.bytes' }],
    documentation: 'An entry is added to the offset index after about this many bytes of log.',
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'LIST',
    default: '',
    accepts: throttled,
    hasEffect: false,
    synonyms: [],
    documentation: 'Replicas that are throttled on the side of the leader.',
  },
  {
    name: 'local.retention.bytes',
    type: 'LONG',
    default: '-2',
    accepts: atLeast(-2),
    hasEffect: false,
    synonyms: [{ name: 'log.local.retention.bytes' }],
    documentation: 'How much of a tiered topic stays on the local disk; there are no tiers here.',
  },
  {
    name: 'local.retention.ms',
    type: 'LONG',
    default: '-2',
    accepts: atLeast(-2),
    hasEffect: false,
    synonyms: [{ name: 'log.local.retention.ms' }],
    documentation: 'How long a tiered topic stays on the local disk; there are no tiers here.',
  },
  {
    name: 'max.compaction.lag.ms',
    type: 'LONG',
    default: LONGEST,
    accepts: atLeast(1),
    hasEffect: true,
    synonyms: [{ name: 'log.cleaner.max.compaction.lag.ms' }],
    documentation:
      'The longest that a record may wait before it is compacted; the active segment of a compacted topic ends in that time.',
  },
  {
    name: 'max.message.bytes',
    type: 'INT',
    default: '1048588',
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [{ name: 'message.max.bytes' }],
    documentation: 'The largest batch that is accepted, as it is sent (compressed, with its header).',
  },
  {
    name: 'message.timestamp.after.max.ms',
    type: 'LONG',
    default: '3600000',
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [{ name: 'log.message.timestamp.after.max.ms' }],
    documentation: "How far ahead of the broker's clock a record's own timestamp may be.",
  },
  {
    name: 'message.timestamp.before.max.ms',
    type: 'LONG',
    default: LONGEST,
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [{ name: 'log.message.timestamp.before.max.ms' }],
    documentation: "How far behind the broker's clock a record's own timestamp may be.",
  },
  {
    name: 'message.timestamp.type',
    type: 'STRING',
    default: 'CreateTime',
    accepts: oneOf('CreateTime', 'LogAppendTime'),
    hasEffect: true,
    synonyms: [{ name: 'log.message.timestamp.type' }],
    documentation: "Whether a record's timestamp is the one it was sent with or the time of its append.",
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'DOUBLE',
    default: '0.5',
    accepts: between(0, 1),
    hasEffect: true,
    synonyms: [{ name: 'log.cleaner.min.cleanable.ratio' }],
    documentation: 'A compacted log is cleaned when this share of it has not been cleaned yet.',
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'LONG',
    default: '0',
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [{ name: 'log.cleaner.min.compaction.lag.ms' }],
    documentation: 'The shortest time for which every record stays uncompacted.',
  },
  {
    name: 'min.insync.replicas',
    type: 'INT',
    default: '1',
    accepts: atLeast(1),
    hasEffect: true,
    synonyms: [{ name: 'min.insync.replicas' }],
    documentation: 'With fewer replicas in sync than this (or than there are), a produce with acks=all is refused.',
  },
  {
    name: 'preallocate',
    type: 'BOOLEAN',
    default: 'false',
    hasEffect: false,
    synonyms: [{ name: 'log.preallocate' }],
    documentation: 'Whether a new segment takes its whole size at once; here segments grow.',
  },
  {
    name: 'remote.log.copy.disable',
    type: 'BOOLEAN',
    default: 'false',
    hasEffect: false,
    synonyms: [],
    documentation: 'Stops copying to the remote tier; there are no tiers here.',
  },
  {
    name: 'remote.log.delete.on.disable',
    type: 'BOOLEAN',
    default: 'false',
    hasEffect: false,
    synonyms: [],
    documentation: 'Deletes the remote copy when tiering is turned off; there are no tiers here.',
  },
  {
    name: 'remote.storage.enable',
    type: 'BOOLEAN',
    default: 'false',
    hasEffect: false,
    synonyms: [],
    documentation: 'Tiers the topic to remote storage; there are no tiers here, so true is refused.',
  },
  {
    name: 'retention.bytes',
    type: 'LONG',
    default: '-1',
    hasEffect: true,
    synonyms: [{ name: 'log.retention.bytes' }],
    documentation: 'The size that a partition may grow to before its oldest segments are dropped; negative: any.',
  },
  {
    name: 'retention.ms',
    type: 'LONG',
    default: '604800000',
    accepts: atLeast(-1),
    hasEffect: true,
    synonyms: [
      { name: 'log.retention.ms', default: null },
      { name: 'log.retention.minutes', ...minutes },
      { name: 'log.retention.hours', ...hours('168') },
    ],
    documentation: 'How long records are kept; -1: for ever.',
  },
  {
    name: 'segment.bytes',
    type: 'INT',
    default: '1073741824',
    accepts: atLeast(1_048_576),
    hasEffect: true,
    synonyms: [{ name: 'log.segment.bytes' }],
    documentation: 'The size at which a new segment is begun; retention drops whole segments.',
  },
  {
    name: 'segment.index.bytes',
    type: 'INT',
    default: '10485760',
    accepts: atLeast(4),
    hasEffect: true,
    synonyms: [{ name: 'log.index.size.max.bytes' }],
    documentation: 'The size of a full index; a segment whose index is full is rolled.',
  },
  {
    name: 'segment.jitter.ms',
    type: 'LONG',
    default: '0',
    accepts: atLeast(0),
    hasEffect: true,
    synonyms: [
      { name: 'log.roll.jitter.ms', default: null },
      { name: 'log.roll.jitter.hours', ...hours('0') },
    ],
    documentation: 'At most this is taken off segment.ms by chance, so that partitions do not roll all at once.',
  },
  {
    name: 'segment.ms',
    type: 'LONG',
    default: '604800000',
    accepts: atLeast(1),
    hasEffect: true,
    synonyms: [
      { name: 'log.roll.ms', default: null },
      { name: 'log.roll.hours', ...hours('168') },
    ],
    documentation: 'The age at which a segment that is not empty is rolled, so that retention can drop it.',
  },
  {
    name: 'unclean.leader.election.enable',
    type: 'BOOLEAN',
    default: 'false',
    hasEffect: true,
    synonyms: [{ name: 'unclean.leader.election.enable' }],
    documentation: 'Whether a replica that is not in sync may lead when no other is left: records may be lost.',
  },
];
