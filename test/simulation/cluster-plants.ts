// Bugs of a cluster, each between a broker and its world or in one method, only in this folder. Those that others have had
// name their source.
import { type AcquiredGroups, type GroupStore, ShardFenced, shardOf } from '@milepost/coordinators';
import { type BrokerId, NO_OFFSET, Offset } from '@milepost/core';
import {
  applied,
  eachPartition,
  isAlive,
  LeaseWatch,
  type MetadataChange,
  type MetadataStore,
  type PartitionState,
} from '@milepost/metadata';
import { GROUP_SHARDS, type Scenario } from '@milepost/simulator';
import { DatabaseRecovery } from '../../libs/broker/src/membership/database-recovery.ts';
import { Log } from '../../libs/log/src/log.ts';
import { Leadership } from '../../libs/replication/src/leadership.ts';
import { Partition } from '../../libs/replication/src/partition.ts';
import { methodOf, type PlantedBug, replaced } from './planted-bug.ts';

/** Any of them may be the first to see that records are gone, or others in their place. */
const LOSS = [
  'nothing acknowledged is lost',
  'a reader never sees what a power cut can take back',
  'no offset is given out twice',
  'an idempotent producer has no duplicates',
  'records of a producer stand in the order in which it sent them',
  'the high watermark never passes what the replicas in sync have',
  'the high watermark never steps back within an epoch',
  'replicas agree byte for byte below the high watermark',
];

/** One topic with three replicas, and nothing that may delete its records. */
const replicated = (minInsyncReplicas: number, faults: Scenario['faults']): Partial<Scenario> => ({
  topics: [
    {
      name: 'steady',
      isSteady: true,
      isCompacted: false,
      partitions: 2,
      replicas: 3,
      minInsyncReplicas,
      retentionMs: -1,
      retentionBytes: -1,
      segmentMs: 30_000,
      indexIntervalBytes: 100,
    },
  ],
  deletesRecords: false,
  idempotentProducers: 2,
  groups: [],
  selfAssignedConsumers: 0,
  calmMs: 5_000,
  faults,
});

/** Groups of both protocols, whose coordinators are killed, cut off and moved. */
const grouped: Partial<Scenario> = {
  ...replicated(1, ['kill', 'process frozen', 'node isolated', 'clean stop', 'database away for one']),
  groups: ['classic', 'consumer'],
  selfAssignedConsumers: 2,
  movesReplicas: true,
  calmMs: 45_000,
};

/** What a coordinator that knows an older state of its groups, or is not theirs any more, may break. */
const GROUPS = [
  'a shard of groups has one owner in each epoch',
  'committed offsets never go back by themselves',
  'a partition has one owner within a generation of its group',
  'every live group settles',
];

export const clusterBugs: readonly PlantedBug[] = [
  {
    name: 'a follower that fetches on before its fsync',
    scenario: replicated(2, ['power cut everywhere', 'power cut', 'disk slow']),
    breaks: LOSS,
    plant: () => {
      const sync = methodOf(Partition.prototype, 'syncAsFollower');
      return together(
        replaced(Partition.prototype, 'ownEnd', {
          get(this: Partition) {
            return this.isLeader ? this.log.flushedOffset : this.log.logEndOffset;
          },
        }),
        replaced(Partition.prototype, 'syncAsFollower', {
          async value(this: Partition) {
            void sync.call(this).catch(() => {});
          },
        }),
      );
    },
  },
  {
    name: 'a high watermark that is one too far',
    scenario: replicated(1, ['kill', 'power cut', 'node isolated']),
    from: 20,
    breaks: LOSS,
    plant: () => {
      const committedEnd = methodOf(Leadership.prototype, 'committedEnd');
      return replaced(Leadership.prototype, 'committedEnd', {
        value(this: Leadership, ...[ownEnd, minInsyncReplicas]: Parameters<typeof committedEnd>) {
          const end = committedEnd.call(this, ownEnd, minInsyncReplicas);
          return end === NO_OFFSET || end >= ownEnd ? end : Offset(end + 1);
        },
      });
    },
  },
  {
    name: 'a leader that acknowledges before the in-sync replicas have it',
    scenario: replicated(1, ['kill', 'power cut', 'node isolated']),
    breaks: LOSS,
    plant: () =>
      replaced(Leadership.prototype, 'committedEnd', {
        value(this: Leadership, ownEnd: Offset, minInsyncReplicas: number) {
          return this.isUnderMinIsr(minInsyncReplicas) ? NO_OFFSET : ownEnd;
        },
      }),
  },
  {
    // KIP-101: what a follower has beyond its high watermark may be committed.
    name: 'a follower that cuts its log at its high watermark',
    scenario: replicated(1, ['kill', 'power cut', 'clean stop', 'nodes slow']),
    from: 38,
    breaks: LOSS,
    plant: () => {
      const become = methodOf(Partition.prototype, 'become');
      return replaced(Partition.prototype, 'become', {
        value(this: Partition, state: PartitionState) {
          const { leaderEpoch } = this;
          become.call(this, state);
          if (!this.isLeader && state.leaderEpoch !== leaderEpoch)
            void this.log.truncateTo(this.highWatermark).catch(() => {});
        },
      });
    },
  },
  {
    // KIP-497; apache/kafka#9100: the change may have been made, or not.
    name: 'an ISR change that counts before its response',
    scenario: replicated(1, ['node isolated', 'nodes apart', 'database away for one', 'database slow for one', 'kill']),
    breaks: LOSS,
    plant: () =>
      replaced(Leadership.prototype, 'committedEnd', {
        value(this: Leadership, ownEnd: Offset, minInsyncReplicas: number) {
          if (this.isUnderMinIsr(minInsyncReplicas)) return NO_OFFSET;
          const isr = this.proposal?.members.map(({ id }) => id) ?? this.state.isr;
          const ends = [...this.followers].flatMap((one) => (isr.includes(one.brokerId) ? one.logEndOffset : []));
          return Offset(Math.min(ownEnd, ...ends));
        },
      }),
  },
  {
    name: 'a follower that joins the ISR before it has all that is committed',
    scenario: {
      ...replicated(1, ['kill', 'power cut', 'node isolated', 'nodes slow', 'disk slow']),
      faultPauseMs: 1_500,
    },
    breaks: LOSS,
    plant: () => {
      const expansion = methodOf(Leadership.prototype, 'expansion');
      return replaced(Leadership.prototype, 'expansion', {
        value(this: Leadership, ...[follower]: Parameters<typeof expansion>) {
          return expansion.call(this, follower, NO_OFFSET);
        },
      });
    },
  },
  {
    name: 'a leader elected from outside the ISR',
    scenario: replicated(1, ['kill', 'node isolated', 'power cut']),
    breaks: LOSS,
    plants: { metadataStore: (store) => electing(store, fromOutsideTheIsr) },
  },
  {
    // Those that stay in the ISR may be dead already, and their disks lost.
    name: 'a broker that leaves its ISRs when it restarts',
    scenario: replicated(1, ['kill', 'disk lost', 'power cut']),
    breaks: LOSS,
    plants: { metadataStore: (store) => leavingIsrs(store) },
  },
  {
    // KIP-966
    name: 'a broker without its log that stays in the ISR',
    scenario: replicated(1, ['kill', 'disk lost', 'power cut']),
    breaks: LOSS,
    plants: { metadataStore: (store) => stayingInIsrs(store) },
  },
  {
    // Those that stay in the ISR may be dead, and their disks lost (decision 18).
    name: 'a broker that leaves its ISRs for a torn write',
    scenario: replicated(1, ['power cut between steps', 'disk lost', 'kill']),
    from: 60,
    breaks: LOSS,
    plant: () =>
      replaced(Log.prototype, 'mayLackAcknowledged', {
        get(this: Log) {
          return this.lostTail;
        },
      }),
  },
  {
    name: 'a leader epoch given to two leaders',
    scenario: replicated(1, ['kill', 'process frozen', 'power cut']),
    breaks: ['a partition has one leader in each epoch', ...LOSS],
    plants: {
      metadataStore: (store) => electing(store, ({ before, after }) => ({ ...after, leaderEpoch: before.leaderEpoch })),
    },
  },
  {
    // estuary/flow#3092
    name: 'a latest offset told before a new leader knows what is committed',
    scenario: replicated(1, ['kill', 'clean stop', 'nodes slow']),
    from: 57,
    breaks: ['the high watermark never steps back within an epoch'],
    plant: () => replaced(Partition.prototype, 'isCommittedEndKnown', { get: () => true }),
  },
  {
    // patroni#1894, #2417: a standby that lacks an ISR change is promoted.
    name: 'brokers that restore nothing of what their database has lost',
    scenario: replicated(1, ['database fails over', 'kill', 'nodes apart']),
    breaks: [
      'a partition has one leader in each epoch',
      'nothing hangs and nothing breaks',
      'a quiet cluster converges',
      ...LOSS,
    ],
    plants: { metadataStore: (store) => restoringNothing(store) },
  },
  {
    name: 'brokers that serve what their database has before all have restored what they remember',
    scenario: replicated(1, ['database fails over', 'database slow for one', 'kill', 'nodes apart']),
    breaks: [
      'a partition has one leader in each epoch',
      'nothing hangs and nothing breaks',
      'a quiet cluster converges', // the leader's change of an ISR does not fit the state that the database went back to
      ...LOSS,
    ],
    plant: () =>
      replaced(DatabaseRecovery.prototype, 'run', {
        value: async () => {},
      }),
  },
  {
    // pulsar#23011
    name: 'brokers declared gone because the database was away',
    scenario: replicated(1, ['database away']),
    breaks: ['a broker that lives is not declared gone'],
    plant: () =>
      replaced(LeaseWatch.prototype, 'look', {
        value(this: LeaseWatch, ...[{ leases }]: Parameters<LeaseWatch['look']>) {
          return (id: BrokerId) => (leases.get(id)?.remainingMs ?? 0) <= 0;
        },
      }),
  },
  {
    name: 'a deposed coordinator that serves its groups',
    scenario: grouped,
    from: 20,
    breaks: GROUPS,
    plants: { groupStore: (store) => acknowledgingFenced(store) },
  },
  {
    name: 'a coordinator that loads what it had when it led before',
    scenario: grouped,
    breaks: GROUPS,
    plants: { groupStore: (store) => loadingOnce(store) },
  },
];

interface Election {
  readonly before: PartitionState;
  readonly after: PartitionState;
}

/** Each change of a leader is changed once more. */
function electing(store: MetadataStore, change: (election: Election) => PartitionState): MetadataStore {
  return {
    ...store,
    commit: (decide, fence) =>
      store.commit((image) => {
        const changes = decide(image);
        return changes.map((one): MetadataChange => {
          if (one.type !== 'partition-changed') return one;
          const before = image.topicsById.get(one.id)?.partitions[one.partition.index];
          const isElection = before && one.partition.leader >= 0 && one.partition.leader !== before.leader;
          return isElection ? { ...one, partition: change({ before, after: one.partition }) } : one;
        });
      }, fence),
  };
}

/** What a later owner of the shard has fenced is taken for stored. */
function acknowledgingFenced(store: GroupStore): GroupStore {
  return {
    shards: () => store.shards(),
    acquire: (shards, leadership) => store.acquire(shards, leadership),
    persist: (shard, epoch, events) =>
      store.persist(shard, epoch, events).catch((failure: unknown) => {
        if (!(failure instanceof ShardFenced)) throw failure;
      }),
  };
}

/** What a shard holds is read at its first acquisition only. */
function loadingOnce(store: GroupStore): GroupStore {
  const first = new Map<number, AcquiredGroups>();
  return {
    shards: () => store.shards(),
    persist: (shard, epoch, events) => store.persist(shard, epoch, events),
    acquire: async (shards, leadership) => {
      const acquired = await store.acquire(shards, leadership);
      const { epochs } = acquired;
      for (const shard of epochs.keys()) if (!first.has(shard)) first.set(shard, acquired);
      const of = <Row extends { readonly groupId: string }>(rows: (from: AcquiredGroups) => readonly Row[]): Row[] =>
        [...epochs.keys()].flatMap((shard) =>
          rows(first.get(shard) ?? acquired).filter(({ groupId }) => shardOf(groupId, GROUP_SHARDS) === shard),
        );
      return { epochs, groups: of(({ groups }) => groups), offsets: of(({ offsets }) => offsets), pending: [] };
    },
  };
}

/** Whoever is fenced leaves the ISRs in the same commit, where the metadata take another member for alive. */
function leavingIsrs(store: MetadataStore): MetadataStore {
  return {
    ...store,
    commit: (decide, fence) =>
      store.commit((image) => {
        const changes = decide(image);
        const gone = changes.flatMap((one) => (one.type === 'broker-fencing-changed' && one.isFenced ? [one.id] : []));
        const after = applied(image, changes);
        return [
          ...changes,
          ...eachPartition(after, (partition) => {
            const isr = partition.isr.filter((id) => !gone.includes(id));
            const isElsewhere = isr.length < partition.isr.length && isr.some((id) => isAlive(after, id));
            return isElsewhere ? { ...partition, isr, partitionEpoch: partition.partitionEpoch + 1 } : undefined;
          }),
        ];
      }, fence),
  };
}

function restoringNothing(store: MetadataStore): MetadataStore {
  return {
    ...store,
    commit: (decide, fence) =>
      store.commit((image) => decide(image).filter(({ type }) => type !== 'partition-restored'), fence),
  };
}

/** What a starting broker commits takes nobody out of an ISR. */
function stayingInIsrs(store: MetadataStore): MetadataStore {
  return {
    ...store,
    commit: (decide, fence) =>
      store.commit((image) => {
        const changes = decide(image);
        if (fence) return changes;
        return changes.map((one): MetadataChange => {
          const before =
            one.type === 'partition-changed' && image.topicsById.get(one.id)?.partitions[one.partition.index];
          return before ? { ...one, partition: { ...one.partition, isr: before.isr } } : one;
        });
      }, fence),
  };
}

function fromOutsideTheIsr({ before, after }: Election): PartitionState {
  const outsider = after.replicas.find((id) => !before.isr.includes(id));
  return outsider === undefined ? after : { ...after, leader: outsider, isr: [outsider] };
}

const together =
  (...putBack: readonly (() => void)[]): (() => void) =>
  () => {
    for (const one of putBack) one();
  };
