// The shards of a coordinator: takes them, reads back what they hold, writes for them, gives them up. Knows nothing of
// what groups do.
import { type Clock, ErrorCode, invariant } from '@milepost/core';
import { Echo } from '../group/echo/echo.ts';
import type { GroupContext } from '../group/classic/turn.ts';
import {
  type GroupEvent,
  type GroupStore,
  GroupStoreUnavailable,
  type PartitionWriter,
  ShardFenced,
  type TakenShards,
} from '../ports.ts';
import { Shard } from './shard.ts';
import { shardOf } from './shard-of.ts';

/** Between two attempts to take shards while the store is away. */
const TAKE_AGAIN_MS = 1_000;

export class Runtime {
  readonly #clock: Clock;
  readonly #context: GroupContext;
  readonly #store: GroupStore;
  readonly #echo: Echo;
  readonly #shards: readonly Shard[];
  readonly #writes = new Set<Promise<unknown>>();
  #closed = false;
  #storeIsAway = false;

  constructor(context: GroupContext, clock: Clock, store: GroupStore, writer: PartitionWriter, shards: number) {
    this.#context = context;
    this.#clock = clock;
    this.#store = store;
    this.#echo = new Echo(clock, context.logger, writer);
    this.#shards = Array.from(
      { length: shards },
      (_, index) => new Shard(index, { ...context, clock }, (shard, events) => this.#persist(shard, events)),
    );
  }

  shards(): readonly Shard[] {
    return this.#shards;
  }

  shardOf(groupId: string): Shard {
    return this.#shard(shardOf(groupId, this.#shards.length));
  }

  /** Resolves when the shards are served. While the store is away it goes on trying, until closed. */
  async start(indices: readonly number[], resume: (shard: Shard) => void): Promise<void> {
    const shards = indices.map((index) => this.#shard(index));
    for (const shard of shards) shard.close(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    const taken = await this.#take(indices);
    if (!taken) return;
    for (const group of taken.groups)
      this.shardOf(group.groupId).slot(group.groupId).apply({ type: 'group-stored', group });
    for (const offset of taken.offsets)
      this.shardOf(offset.groupId).slot(offset.groupId).apply({ type: 'offset-committed', offset });
    for (const shard of shards) {
      shard.epoch = taken.epochs.get(shard.index) ?? -1;
      shard.error = ErrorCode.NONE;
      resume(shard);
      this.#echo.taken(shard);
    }
    const { groups, offsets } = taken;
    this.#context.logger.info(
      { shards: indices.length, groups: groups.length, offsets: offsets.length },
      'groups and offsets are loaded',
    );
  }

  /** `__consumer_offsets` may be there now. */
  catchUpEcho(): void {
    this.#echo.catchUp();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#echo.close();
    for (const shard of this.#shards) shard.close(ErrorCode.NOT_COORDINATOR);
    await Promise.allSettled(this.#writes);
  }

  async #take(indices: readonly number[]): Promise<TakenShards | undefined> {
    while (!this.#closed) {
      try {
        const taken = await this.#store.take(indices);
        this.#storeAnswered();
        return this.#closed ? undefined : taken;
      } catch (problem) {
        if (!(problem instanceof GroupStoreUnavailable)) throw problem;
        this.#storeFailed(problem);
        await new Promise<void>((resolve) => this.#clock.after(TAKE_AGAIN_MS, resolve));
      }
    }
    return undefined;
  }

  async #persist(shard: Shard, events: readonly GroupEvent[]): Promise<ErrorCode> {
    const write = this.#store.persist(shard.index, shard.epoch, events);
    this.#writes.add(write);
    try {
      await write;
      this.#storeAnswered();
      this.#echo.stored(shard, events);
      return ErrorCode.NONE;
    } catch (problem) {
      if (problem instanceof ShardFenced) return this.#deposed(shard, problem);
      this.#storeFailed(problem);
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    } finally {
      this.#writes.delete(write);
    }
  }

  #deposed(shard: Shard, problem: ShardFenced): ErrorCode {
    if (shard.error === ErrorCode.NONE) {
      this.#context.logger.error({ shard: shard.index, err: problem }, 'another process has taken a shard of groups');
      shard.close(ErrorCode.NOT_COORDINATOR);
      this.#echo.lost(shard);
    }
    return ErrorCode.NOT_COORDINATOR;
  }

  /** One line when it goes and one when it comes back, however many commands fail meanwhile. */
  #storeFailed(problem: unknown): void {
    if (!this.#storeIsAway)
      this.#context.logger.warn({ err: problem }, 'groups and offsets cannot be stored: trying on');
    this.#storeIsAway = true;
  }

  #storeAnswered(): void {
    if (this.#storeIsAway) this.#context.logger.info({}, 'groups and offsets are stored again');
    this.#storeIsAway = false;
  }

  #shard(index: number): Shard {
    const shard = this.#shards[index];
    invariant(shard, () => `there is no shard ${index}, there are ${this.#shards.length}`);
    return shard;
  }
}
