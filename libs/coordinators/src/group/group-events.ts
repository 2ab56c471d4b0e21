// The store of groups as the runtime's store of events.
import type { AcquiredShards, ShardStore } from '../runtime/shard-store.ts';
import type { AcquiredGroups, GroupEvent, GroupStore } from './model/store.ts';

export const asShardStore = (store: GroupStore): ShardStore<GroupEvent> => ({
  acquire: async (shards, leadership) => asEvents(await store.acquire(shards, leadership)),
  persist: (shard, epoch, events) => store.persist(shard, epoch, events),
});

/** What happened to all that a shard holds, groups first: an offset creates a classic group where there is none. */
const asEvents = ({ epochs, groups, offsets, pending }: AcquiredGroups): AcquiredShards<GroupEvent> => ({
  epochs,
  events: [
    ...groups.map((group): GroupEvent => ({ type: 'group-stored', group })),
    ...offsets.map((offset): GroupEvent => ({ type: 'offset-committed', offset })),
    ...pending.map((one): GroupEvent => ({ type: 'offset-pending', pending: one })),
  ],
});

export function groupIdOf(event: GroupEvent): string {
  switch (event.type) {
    case 'group-stored':
      return event.group.groupId;
    case 'offset-committed':
      return event.offset.groupId;
    case 'offset-pending':
      return event.pending.offset.groupId;
    case 'pending-offsets-ended':
    case 'group-deleted':
    case 'offset-deleted':
    case 'share-partition-initialized':
    case 'share-topic-forgotten':
      return event.groupId;
  }
}
