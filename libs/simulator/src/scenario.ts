// The content of one seed's life: topics, clients, groups, faults. Every seed omits some of it, so that rare bugs which
// a common fault would hide have their own lives.
import type { SimRandom } from './sim-random.ts';
import { CLUSTER_FAULTS, type Fault, FAULTS } from './weather.ts';
import type { WantedTopic } from './workload/administrator.ts';
import type { GroupKind } from './workload/member-group.ts';
import { between } from './workload/world.ts';

/** Among which groups are divided: offsets.topic.num.partitions. */
export const GROUP_SHARDS = 3;

export interface Scenario {
  readonly properties: Readonly<Record<string, string>>;
  readonly topics: readonly WantedTopic[];
  readonly idempotentProducers: number;
  readonly plainProducers: number;
  readonly readers: number;
  readonly sessionReaders: number;
  readonly groups: readonly GroupKind[];
  /** Groups without members. */
  readonly selfAssignedConsumers: number;
  readonly stalledReaders: number;
  /** Whether a read-process-write loop works in transactions. */
  readonly hasLoop: boolean;
  readonly deletesRecords: boolean;
  /** Reassigns partitions and elects preferred leaders. */
  readonly movesReplicas: boolean;
  /** Extra bytes in some batches' values; 0: all are small. Lent buffers have 32 KB and more. */
  readonly fillerBytes: number;
  readonly faults: readonly Fault[];
  readonly faultPauseMs: number;
  readonly chaosMs: number;
  readonly calmMs: number;
}

export function scenarioOf(random: SimRandom, nodes: number): Scenario {
  const isAlone = nodes === 1;
  const groups = random.pick<readonly GroupKind[]>([
    [],
    [],
    [],
    ['classic'],
    ['consumer'],
    ['classic', 'consumer'],
    ['mixed'],
    ['mixed'],
  ]);
  const stalledReaders = random.pick([0, 0, 0, 1]);
  const topics = [topicOf(random, nodes, { name: 'steady', isSteady: true, isCompacted: false })];
  if (random.chance(0.4))
    topics.push(topicOf(random, nodes, { name: 'fleeting', isSteady: false, isCompacted: false }));
  if (random.chance(0.3)) topics.push(topicOf(random, nodes, { name: 'compacted', isSteady: true, isCompacted: true }));
  return {
    properties: {
      'auto.create.topics.enable': 'false',
      'offsets.topic.num.partitions': String(GROUP_SHARDS),
      'transaction.state.log.num.partitions': '3',
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
      'log.retention.check.interval.ms': random.pick(['700', '3000']),
      // If the node's clock is set back, producers are ahead of it and would rightly be refused.
      'log.message.timestamp.after.max.ms': '9223372036854775807',
      'log.cleaner.backoff.ms': '1000',
      'max.incremental.fetch.session.cache.slots': random.pick(['1000', '1000', '1', '0']),
      'group.initial.rebalance.delay.ms': random.pick(['0', '1000', '3000']),
      'group.consumer.session.timeout.ms': '6000',
      ...(nodes > 1 && {
        'broker.session.timeout.ms': random.pick(['6000', '15000']),
        'broker.heartbeat.interval.ms': '1000',
        'replica.lag.time.max.ms': random.pick(['3000', '10000']),
        'replica.fetch.backoff.ms': '300',
      }),
      ...(stalledReaders > 0 && { 'connections.max.idle.ms': '10000' }),
    },
    topics,
    idempotentProducers: between(random, 1, 2),
    plainProducers: random.below(3),
    readers: between(random, 1, 2),
    sessionReaders: random.pick([0, 1, 1, 2]),
    groups,
    deletesRecords: random.chance(0.4),
    movesReplicas: !isAlone && random.chance(0.4),
    faults: (isAlone ? FAULTS : [...FAULTS, ...CLUSTER_FAULTS].filter((fault) => !isOpen.has(fault))).filter((fault) =>
      random.chance(rarely.has(fault) ? 0.12 : 0.4),
    ),
    faultPauseMs: between(random, 1_500, 7_000),
    chaosMs: between(random, 20_000, 70_000),
    calmMs: groups.length > 0 ? 45_000 : 5_000,
    selfAssignedConsumers: random.pick([0, 0, 1, 2]),
    stalledReaders,
    fillerBytes: random.pick([0, 0, 0, 12_000]),
    hasLoop: isAlone && random.chance(0.3),
  };
}

/** What a cluster does not stand yet: a database that is older than anything that a broker which is still there remembers. */
const isOpen: ReadonlySet<Fault> = new Set(['database restored']);

/** These excuse many violations, so most lives do not have them. */
const rarely: ReadonlySet<Fault> = new Set([
  'bit rot',
  'sync fails',
  'append fails',
  'disk full',
  'database fails over',
  'database restored',
]);

function topicOf(
  random: SimRandom,
  nodes: number,
  topic: Pick<WantedTopic, 'name' | 'isSteady' | 'isCompacted'>,
): WantedTopic {
  const replicas = nodes === 1 ? 1 : random.pick([1, nodes - 1, nodes, nodes, nodes]);
  return {
    ...topic,
    partitions: between(random, 1, 3),
    retentionMs: random.pick([-1, -1, 4_000, 15_000]),
    retentionBytes: random.chance(0.15) ? between(random, 500, 5_000) : -1,
    segmentMs: random.pick([1_000, 4_000, 30_000, 3_600_000]),
    indexIntervalBytes: random.pick([0, 100, 1_000, 4_096]),
    replicas,
    minInsyncReplicas: replicas === 1 ? 1 : random.pick([1, 2, 2]),
  };
}
