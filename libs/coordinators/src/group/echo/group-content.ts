// What a shard of groups holds, as records of `__consumer_offsets`.
import type { EchoedContent } from '../../echo/echo.ts';
import type { EchoRecord, WantedRecord } from '../../echo/topic-state.ts';
import type { Offsets } from '../model/offsets.ts';
import type { GroupEvent, StoredGroup } from '../model/store.ts';
import { classicKey, type EchoedState, echoedState, groupChanges, offsetKey, offsetRecord } from './group-records.ts';

/** A shard of groups, as the echo reads it. */
export interface EchoedShard {
  slots(): Iterable<EchoedGroup>;
  find(groupId: string): EchoedGroup | undefined;
}

export interface EchoedGroup {
  readonly groupId: string;
  readonly isStored: boolean;
  /** Undefined also where it cannot be derived, in the midst of a rebalance. */
  readonly stored: StoredGroup | undefined;
  readonly offsets: Offsets;
}

export class GroupContent implements EchoedContent<GroupEvent> {
  readonly #shard: EchoedShard;
  /** By group, what its last records hold. */
  readonly #echoed = new Map<string, EchoedState>();

  constructor(shard: EchoedShard) {
    this.#shard = shard;
  }

  *all(): Generator<() => readonly WantedRecord[]> {
    this.#echoed.clear();
    for (const { groupId, stored, isStored, offsets } of this.#shard.slots()) {
      if (stored?.kind === 'share') continue;
      if (stored) {
        this.#echoed.set(groupId, echoedState(stored));
        yield () => groupChanges(groupId, undefined, stored);
      } else if (isStored) {
        // In the midst of a rebalance. Its end will be written.
        this.#echoed.set(groupId, 'classic');
        yield () => [{ key: classicKey(groupId), value: 'any' }];
      }
      for (const topic of offsets.topics()) for (const offset of offsets.of(topic)) yield () => [offsetRecord(offset)];
    }
  }

  changes(event: GroupEvent): EchoRecord[] {
    switch (event.type) {
      case 'group-stored': {
        if (event.group.kind === 'share') return []; // lives in the table alone (docs/decisions/0084)
        const { group } = event;
        const records = groupChanges(group.groupId, this.#echoed.get(group.groupId), group);
        this.#echoed.set(group.groupId, echoedState(group));
        return records;
      }
      case 'group-deleted': {
        const { groupId } = event;
        const offsets = this.#shard.find(groupId)?.offsets;
        const committed = [...(offsets?.topics() ?? [])].flatMap((topic) => [...(offsets?.of(topic) ?? [])]);
        const records = groupChanges(groupId, this.#echoed.get(groupId), undefined);
        this.#echoed.delete(groupId);
        return [
          ...committed.map(({ topic, partition }) => ({ key: offsetKey(groupId, topic, partition), value: null })),
          ...records,
        ];
      }
      case 'offset-committed':
        return [offsetRecord(event.offset)];
      case 'offset-pending':
      case 'pending-offsets-ended':
        return []; // not committed yet, or the events beside it say what is
      case 'share-partition-initialized':
      case 'share-topic-forgotten':
        return [];
      case 'offset-deleted':
        return [{ key: offsetKey(event.groupId, event.topic, event.partition), value: null }];
    }
  }
}
