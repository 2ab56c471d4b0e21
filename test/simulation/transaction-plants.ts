// Bugs of transactions, each between the broker and its world or in one method, only in this folder. Planted for the time of
// one life, in which a read-process-write loop works.
import { ErrorCode, Offset } from '@milepost/core';
import type { GroupStore } from '@milepost/coordinators';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { LocalMarkers } from '../../libs/broker/src/transactions/local-markers.ts';
import { GroupCoordinator } from '../../libs/coordinators/src/group/group-coordinator.ts';
import { TransactionCoordinator } from '../../libs/coordinators/src/transaction/transaction-coordinator.ts';
import { ProducerState } from '../../libs/log/src/producer-state.ts';
import { TransactionIndex } from '../../libs/log/src/transaction-index.ts';
import { Partition } from '../../libs/replication/src/partition.ts';
import { methodOf, type PlantedBug, replaced } from './planted-bug.ts';

const WHOLE = 'a transaction is read whole or not at all';
const ONCE = 'a read-process-write loop counts each input once';
const HANGS = 'nothing hangs and nothing breaks';

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'a last stable offset that is inclusive',
    scenario: { hasLoop: true },
    breaks: [WHOLE],
    plant: () =>
      replaced(Partition.prototype, 'lastStableOffset', {
        get(this: Partition) {
          return Offset(Math.min(this.highWatermark, this.log.lastStableOffset(this.highWatermark) + 1));
        },
      }),
  },
  {
    name: 'a last stable offset that stops at nothing',
    scenario: { hasLoop: true },
    breaks: [WHOLE],
    plant: () =>
      replaced(Partition.prototype, 'lastStableOffset', {
        get(this: Partition) {
          return this.highWatermark;
        },
      }),
  },
  {
    name: 'a transaction that is complete before its offsets are: they wait for the end of the next one',
    scenario: { hasLoop: true },
    breaks: [HANGS, ONCE],
    plant: () => {
      const append = methodOf(LocalMarkers.prototype, 'append');
      const late = new WeakMap<LocalMarkers, () => unknown>();
      return replaced(LocalMarkers.prototype, 'append', {
        async value(this: LocalMarkers, ...[partition, marker]: Parameters<typeof append>) {
          if (partition.topic !== OFFSETS_TOPIC) return append.call(this, partition, marker);
          await late.get(this)?.();
          late.set(this, () => append.call(this, partition, marker));
          return ErrorCode.NONE;
        },
      });
    },
  },
  {
    name: 'offsets of a transaction that its end does not reach',
    scenario: { hasLoop: true },
    breaks: [HANGS],
    plant: () => replaced(GroupCoordinator.prototype, 'transactionEnded', { value: async () => ErrorCode.NONE }),
  },
  {
    name: 'pending offsets that are lost by a restart',
    scenario: { hasLoop: true, faults: ['kill', 'power cut', 'clean stop'] },
    breaks: [ONCE],
    plants: { groupStore: withoutPendingOffsets },
  },
  {
    name: 'a fenced producer that is let in',
    scenario: { hasLoop: true },
    breaks: [WHOLE, ONCE],
    plant: () => {
      const endTransaction = methodOf(TransactionCoordinator.prototype, 'endTransaction');
      return replaced(TransactionCoordinator.prototype, 'endTransaction', {
        value(this: TransactionCoordinator, command: Parameters<typeof endTransaction>[0]) {
          const producerEpoch = this.describe([command.transactionalId])[0]?.producerEpoch ?? command.producerEpoch;
          return endTransaction.call(this, { ...command, producerEpoch });
        },
      });
    },
  },
  {
    name: 'an index of aborted transactions that is off by one',
    scenario: { hasLoop: true },
    breaks: [WHOLE, ONCE],
    plant: () => {
      const append = methodOf(TransactionIndex.prototype, 'append');
      return replaced(TransactionIndex.prototype, 'append', {
        value(this: TransactionIndex, aborted: Parameters<typeof append>[0]) {
          append.call(this, { ...aborted, firstOffset: Offset(aborted.firstOffset + 1) });
        },
      });
    },
  },
  {
    name: 'open transactions that a restart forgets',
    scenario: { hasLoop: true, faults: ['kill', 'power cut', 'clean stop'] },
    breaks: [WHOLE, ONCE],
    plant: () => replaced(ProducerState.prototype, 'restore', { value: () => {} }),
  },
];

function withoutPendingOffsets(store: GroupStore): GroupStore {
  return {
    shards: () => store.shards(),
    acquire: (shards, leadership) => store.acquire(shards, leadership),
    persist: (shard, epoch, events) =>
      store.persist(
        shard,
        epoch,
        events.filter(({ type }) => type !== 'offset-pending'),
      ),
  };
}
