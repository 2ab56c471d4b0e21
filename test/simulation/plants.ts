// Bugs of one node, each between the broker and its world or in one method, only in this folder: a simulator that does
// not find them proves nothing. Planted for the time of one life.
import { ErrorCode, type Offset } from '@milepost/core';
import { CoordinatorStoreUnavailable, type GroupStore } from '@milepost/coordinators';
import { DatabaseMemory } from '../../libs/broker/src/admin/database-memory.ts';
import { FetchSession, keyOf } from '../../libs/broker/src/fetch-sessions/fetch-session.ts';
import { Membership } from '../../libs/broker/src/membership/membership.ts';
import { BufferPool } from '../../libs/broker/src/network/buffer-pool.ts';
import { ClientConnection } from '../../libs/broker/src/network/connection.ts';
import { MemoryBudget } from '../../libs/broker/src/network/memory-budget.ts';
import { GroupCoordinator } from '../../libs/coordinators/src/group/group-coordinator.ts';
import { ConsumerGroup } from '../../libs/coordinators/src/group/consumer/state.ts';
import { GroupTimers } from '../../libs/coordinators/src/group/group-timers.ts';
import { Log } from '../../libs/log/src/log.ts';
import { OffsetIndex } from '../../libs/log/src/offset-index.ts';
import { ProducerState } from '../../libs/log/src/producer-state.ts';
import { Partition } from '../../libs/replication/src/partition.ts';
import { methodOf, type PlantedBug, replaced } from './planted-bug.ts';

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'a skipped fsync',
    breaks: [
      'nothing acknowledged is lost',
      'a reader never sees what a power cut can take back',
      'no offset is given out twice',
      'an idempotent producer has no duplicates', // it is told of a gap where its batches were
    ],
    plants: {
      disk: (disk) => {
        disk.syncIsALie = (path) => path.endsWith('.log');
      },
    },
  },
  {
    name: 'a high watermark ahead of the fsync',
    breaks: [
      'nothing acknowledged is lost',
      'a reader never sees what a power cut can take back',
      'no offset is given out twice',
      'an idempotent producer has no duplicates', // it is told of a gap where its batches were
    ],
    plant: () =>
      replaced(Partition.prototype, 'highWatermark', {
        get(this: Partition) {
          return this.log.logEndOffset;
        },
      }),
  },
  {
    name: 'a dropped producer state',
    breaks: [
      'an idempotent producer has no duplicates',
      'records of a producer stand in the order in which it sent them',
    ],
    plant: () => replaced(ProducerState.prototype, 'restore', { value: () => {} }),
  },
  {
    name: 'a producer held to what an older snapshot says of it',
    scenario: { idempotentProducers: 2, faults: ['power cut', 'power cut between steps', 'clean stop'] },
    from: 90,
    breaks: ['an idempotent producer has no duplicates'],
    plants: {
      disk: (disk) => {
        disk.syncIsALie = (path) => path.endsWith('.snapshot');
      },
    },
    plant: () => replaced(ProducerState.prototype, 'markIncomplete', { value: () => {} }),
  },
  {
    name: 'an index off by one',
    breaks: ['nothing acknowledged is lost', 'a reader never sees what a power cut can take back'],
    plant: () => {
      const floor = methodOf(OffsetIndex.prototype, 'floor');
      return replaced(OffsetIndex.prototype, 'floor', {
        value(this: OffsetIndex, offset: Offset) {
          return floor.call(this, (offset + 1) as Offset);
        },
      });
    },
  },
  {
    name: 'retention that eats the active segment',
    breaks: ['nothing acknowledged is lost', 'a reader never sees what a power cut can take back'],
    plant: () => {
      const applyRetention = methodOf(Log.prototype, 'applyRetention');
      return replaced(Log.prototype, 'applyRetention', {
        async value(this: Log, now: number) {
          const gone = await applyRetention.call(this, now);
          if (gone > 0) await this.deleteRecordsBefore(this.flushedOffset);
          return gone;
        },
      });
    },
  },
  {
    name: 'a stale generation accepted',
    breaks: ['committed offsets never go back by themselves'],
    plant: () => {
      const commitOffsets = methodOf(GroupCoordinator.prototype, 'commitOffsets');
      return replaced(GroupCoordinator.prototype, 'commitOffsets', {
        async value(this: GroupCoordinator, command: Parameters<typeof commitOffsets>[0]) {
          const stale = new Set<number>([ErrorCode.ILLEGAL_GENERATION, ErrorCode.STALE_MEMBER_EPOCH]);
          for (let { generation } = command; ; generation++) {
            const result = await commitOffsets.call(this, { ...command, generation });
            const error = result.topics[0]?.partitions[0]?.error ?? ErrorCode.NONE;
            if (!stale.has(error) || generation > command.generation + 20) return result;
          }
        },
      });
    },
  },
  {
    name: 'a forgotten member',
    breaks: ['every live group settles'],
    plant: () => {
      const keepSession = methodOf(GroupTimers.prototype, 'keepSession');
      return replaced(GroupTimers.prototype, 'keepSession', {
        value(this: GroupTimers, memberId: string, timeoutMs: number) {
          // One in four has no session timer.
          if (memberId.charCodeAt(memberId.length - 1) % 4 > 0) keepSession.call(this, memberId, timeoutMs);
        },
      });
    },
  },
  {
    name: 'a commit lost when Postgres returns',
    scenario: { groups: ['classic', 'consumer'], faults: ['database away', 'database slow', 'kill'] },
    breaks: [
      'committed offsets never go back by themselves',
      'a partition has one owner within a generation of its group', // it forgets generations too, and they come again
    ],
    plants: { groupStore: hasty },
  },
  {
    name: 'retention by the latest that the wall clock ever said',
    scenario: { faults: ['clock set', 'kill'] },
    breaks: ['nothing acknowledged is lost', 'a reader never sees what a power cut can take back'],
    plant: () => {
      const applyRetention = methodOf(Log.prototype, 'applyRetention');
      const latest = new WeakMap<Log, number>();
      return replaced(Log.prototype, 'applyRetention', {
        value(this: Log, now: number) {
          latest.set(this, Math.max(now, latest.get(this) ?? 0));
          return applyRetention.call(this, latest.get(this) as number);
        },
      });
    },
  },
  {
    name: 'a wall clock taken for steady time',
    scenario: { groups: ['classic', 'consumer'], faults: ['clock set'] },
    breaks: [
      'a partition has one owner within a generation of its group',
      'every live group settles',
      'an idempotent producer has no duplicates',
      'nothing hangs and nothing breaks',
    ],
    plants: { clock: (clock) => ({ ...clock, monotonic: () => clock.now() }) },
  },
  {
    name: 'an owner that speaks the classic protocol overlooked',
    scenario: { groups: ['mixed'], faults: ['kill', 'network cut'] },
    breaks: ['a partition has one owner within a generation of its group', 'every live group settles'],
    plant: () => {
      const ownerOf = methodOf(ConsumerGroup.prototype, 'ownerOf');
      return replaced(ConsumerGroup.prototype, 'ownerOf', {
        value(this: ConsumerGroup, ...[topic, partition]: Parameters<typeof ownerOf>) {
          const owner = ownerOf.call(this, topic, partition);
          return owner !== undefined && this.member(owner).classic ? undefined : owner;
        },
      });
    },
  },
  {
    name: 'a fetch session whose high watermark stands still',
    breaks: ['nothing acknowledged is lost', 'a reader never sees what a power cut can take back'],
    plant: () => {
      const takes = methodOf(FetchSession.prototype, 'takes');
      const first = new WeakMap<FetchSession, Map<string, Offset>>();
      return replaced(FetchSession.prototype, 'takes', {
        value(this: FetchSession, ...[named, answer]: Parameters<typeof takes>) {
          const known = first.get(this) ?? new Map<string, Offset>();
          first.set(this, known);
          const key = keyOf(named.topic, named.topicId, answer.partitionIndex);
          const highWatermark = known.get(key) ?? answer.highWatermark;
          known.set(key, highWatermark);
          return takes.call(this, named, { ...answer, highWatermark });
        },
      });
    },
  },
  {
    name: 'a fetch session that reads on where it forgot a partition',
    breaks: ['nothing acknowledged is lost', 'a reader never sees what a power cut can take back'],
    plant: () => {
      const add = methodOf(FetchSession.prototype, 'add');
      const forget = methodOf(FetchSession.prototype, 'forget');
      const forgotten = new WeakMap<FetchSession, Map<string, Offset>>();
      const putBack = replaced(FetchSession.prototype, 'forget', {
        value(this: FetchSession, ...[topic, topicId, index]: Parameters<typeof forget>) {
          const offsets = forgotten.get(this) ?? new Map<string, Offset>();
          forgotten.set(this, offsets);
          for (const { topicId: id, topic: name, asked } of this.partitions)
            if (keyOf(name, id, asked.partition) === keyOf(topic, topicId, index))
              offsets.set(keyOf(topic, topicId, index), asked.fetchOffset);
          forget.call(this, topic, topicId, index);
        },
      });
      const putBackToo = replaced(FetchSession.prototype, 'add', {
        value(this: FetchSession, ...[named, told]: Parameters<typeof add>) {
          const key = keyOf(named.topic, named.topicId, named.asked.partition);
          const fetchOffset = forgotten.get(this)?.get(key) ?? named.asked.fetchOffset;
          forgotten.get(this)?.delete(key);
          add.call(this, { ...named, asked: { ...named.asked, fetchOffset } }, told);
        },
      });
      return () => {
        putBack();
        putBackToo();
      };
    },
  },
  {
    name: 'a buffer that is reused before the network has taken it',
    scenario: { fillerBytes: 12_000 },
    breaks: [
      'what is served was sent',
      'nothing acknowledged is lost',
      'a reader never sees what a power cut can take back',
      'no offset is given out twice',
      'records of a producer stand in the order in which it sent them',
      'nothing hangs and nothing breaks',
    ],
    plant: () => {
      const take = methodOf(BufferPool.prototype, 'take');
      return replaced(BufferPool.prototype, 'take', {
        value(this: BufferPool, sizeBytes: number) {
          const buffer = take.call(this, sizeBytes);
          queueMicrotask(() => this.giveBack(buffer));
          return buffer;
        },
      });
    },
  },
  {
    name: 'a client that does not read and is never closed',
    scenario: { stalledReaders: 1 },
    breaks: ['nothing hangs and nothing breaks'],
    plant: () => replaced(ClientConnection.prototype, 'idleMs', { get: () => 0 }),
  },
  {
    name: 'producer ids that are handed out again after a restore',
    scenario: { idempotentProducers: 2, faults: ['database restored', 'kill'] },
    breaks: ['nothing acknowledged is lost', 'an idempotent producer has no duplicates'],
    plants: {
      metadataStore: (store) => ({ ...store, allocateProducerIds: (count) => store.allocateProducerIds(count, 0n) }),
    },
  },
  {
    name: 'a database that goes back under a broker, unnoticed',
    scenario: { groups: ['classic', 'consumer'], faults: ['database fails over', 'kill'] },
    breaks: ['nothing hangs and nothing breaks', 'every live group settles'],
    plant: () => replaced(DatabaseMemory.prototype, 'notice', { value: () => false }),
  },
  {
    name: 'a broker that takes a database that went back for its successor',
    scenario: { groups: ['classic', 'consumer'], faults: ['database fails over', 'kill', 'clean stop'] },
    breaks: ['nothing hangs and nothing breaks', 'every live group settles'],
    plant: () => replaced(Membership.prototype, 'confirm', { value: () => Promise.resolve(false) }),
  },
  {
    name: 'memory of responses that is counted for good',
    breaks: ['nothing hangs and nothing breaks'],
    plant: () => {
      const answers = methodOf(MemoryBudget.prototype, 'answers');
      return replaced(MemoryBudget.prototype, 'answers', {
        value(this: MemoryBudget, changeBytes: number) {
          answers.call(this, Math.max(0, changeBytes));
        },
      });
    },
  },
];

/** Acknowledges writes while the database is away, to write them later, and forgets to. */
function hasty(store: GroupStore): GroupStore {
  return {
    shards: () => store.shards(),
    acquire: (shards) => store.acquire(shards),
    persist: (shard, epoch, events) =>
      store.persist(shard, epoch, events).catch((failure: unknown) => {
        if (!(failure instanceof CoordinatorStoreUnavailable)) throw failure;
      }),
  };
}
