// One shard: the groups of one partition of `__consumer_offsets`, under the epoch with which it was taken.
import { ErrorCode } from '@milepost/core';
import type { GroupContext } from '../group/classic/turn.ts';
import type { GroupEvent } from '../ports.ts';
import { GroupSlot, type SlotHost } from '../group/group-slot.ts';

export class Shard {
  readonly index: number;
  /** Of the take that it lives by. */
  epoch = -1;
  /** NONE while its groups are served. */
  error: ErrorCode = ErrorCode.NOT_COORDINATOR;
  readonly #slots = new Map<string, GroupSlot>();
  readonly #host: SlotHost;

  constructor(
    index: number,
    context: GroupContext & Pick<SlotHost, 'clock'>,
    persist: (shard: Shard, events: readonly GroupEvent[]) => Promise<ErrorCode>,
  ) {
    this.index = index;
    this.#host = {
      ...context,
      persist: (events) => persist(this, events),
      vacated: (slot) => {
        if (this.#slots.get(slot.groupId) === slot) this.#slots.delete(slot.groupId);
      },
    };
  }

  slots(): Iterable<GroupSlot> {
    return this.#slots.values();
  }

  find(groupId: string): GroupSlot | undefined {
    return this.#slots.get(groupId);
  }

  /** A place is made for a group that has none. */
  slot(groupId: string): GroupSlot {
    const slot = this.#slots.get(groupId) ?? new GroupSlot(groupId, this.#host);
    this.#slots.set(groupId, slot);
    return slot;
  }

  /** Gives its groups up; whoever waits, and whoever comes from here on, is told `error`. */
  close(error: ErrorCode): void {
    this.error = error;
    for (const slot of this.#slots.values()) slot.close(error);
    this.#slots.clear();
  }
}
