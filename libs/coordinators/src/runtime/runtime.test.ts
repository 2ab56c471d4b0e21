// The runtime with the smallest coordinator that there is: counters.
import { ErrorCode, silentLogger, Uuid } from '@milepost/core';
import { ManualClock, settled } from '../../../core/src/testing/manual-clock.ts';
import { CommandQueue } from './command-queue.ts';
import { Runtime } from './runtime.ts';
import type { Slot, SlotHost } from './shard.ts';
import { shardOf } from './shard-of.ts';
import { epochOf, raiseEpochs } from './memory-epochs.ts';
import {
  CoordinatorStoreUnavailable,
  fenceOf,
  type Leadership,
  type ShardLeader,
  type ShardStore,
} from './shard-store.ts';

interface Added {
  readonly key: string;
  readonly amount: number;
}

class Counter implements Slot<Added> {
  value = 0;
  readonly #queue: CommandQueue<Added>;
  readonly #key: string;

  constructor(key: string, host: SlotHost<Added>) {
    this.#key = key;
    this.#queue = new CommandQueue({
      clock: host.clock,
      timeoutMs: 5_000,
      persist: (events) => host.persist(events),
      restate: () => [],
      failed: () => {},
      idle: () => {
        if (this.value === 0) host.vacated();
      },
    });
  }

  add(amount: number): Promise<ErrorCode> {
    return new Promise((resolve) => {
      const event = { key: this.#key, amount };
      const apply = () => {
        this.apply(event);
        resolve(ErrorCode.NONE);
      };
      this.#queue.add({ decide: () => ({ events: [event], apply }), refused: resolve });
    });
  }

  apply({ amount }: Added): void {
    this.value += amount;
  }

  close(error: ErrorCode): void {
    this.#queue.close(error);
  }
}

class World {
  readonly clock = new ManualClock();
  readonly epochs = new Map<number, number>();
  readonly leaders = new Map<number, ShardLeader>();
  acquisitions = 0;
  readonly stored: Added[] = [];
  readonly log: string[] = [];
  isAway = false;
  pace: () => Promise<void> = async () => {};

  readonly store: ShardStore<Added> = {
    acquire: async (shards, leadership) => {
      await this.pace();
      if (this.isAway) throw new CoordinatorStoreUnavailable('away');
      this.acquisitions++;
      const epochs = raiseEpochs(this, shards, leadership);
      return { epochs, events: this.stored.filter(({ key }) => shards.includes(shardOf(key, 2))) };
    },
    persist: async (shard, epoch, events) => {
      await this.pace();
      if (this.isAway) throw new CoordinatorStoreUnavailable('away');
      const fence = fenceOf(shard, { current: epochOf(this, shard), epoch });
      if (fence) throw fence;
      this.stored.push(...events);
    },
  };

  runtime(): Runtime<Counter, Added> {
    return new Runtime({
      clock: this.clock,
      logger: silentLogger,
      store: this.store,
      shards: 2,
      onDeposed: (shard) => void this.log.push(`deposed from ${shard}`),
      kind: {
        contents: 'counters',
        keyOf: ({ key }) => key,
        createSlot: (key, host) => new Counter(key, host),
        loaded: ({ index }) => void this.log.push(`loaded ${index}`),
        persisted: ({ index }, events) => void this.log.push(`persisted ${events.length} of ${index}`),
        resigned: ({ index }) => void this.log.push(`resigned ${index}`),
      },
    });
  }
}

// By Java's hash, 'a' belongs to shard 1 of two and 'b' to shard 0.
const A = 1;
const B = 0;

test('what was stored is loaded by the next owner, in its order', async () => {
  const world = new World();
  const first = world.runtime();
  await first.acquire([A, B]);
  expect(await first.shardOf('a').slot('a').add(2)).toBe(ErrorCode.NONE);
  expect(await first.shardOf('a').slot('a').add(3)).toBe(ErrorCode.NONE);
  expect(world.log).toEqual(['loaded 1', 'loaded 0', 'persisted 1 of 1', 'persisted 1 of 1']);

  const next = world.runtime();
  await next.acquire([A]);
  expect(next.shardOf('a').find('a')?.value).toBe(5);
  expect(next.shardOf('b').error).toBe(ErrorCode.NOT_COORDINATOR);
});

test('a write under an epoch that is over resigns its shard, and no other', async () => {
  const world = new World();
  const [former, next] = [world.runtime(), world.runtime()];
  await former.acquire([A, B]);
  await next.acquire([A]);
  expect(await former.shardOf('a').slot('a').add(1)).toBe(ErrorCode.NOT_COORDINATOR);
  expect(former.shardOf('a').error).toBe(ErrorCode.NOT_COORDINATOR);
  expect(await former.shardOf('b').slot('b').add(1)).toBe(ErrorCode.NONE);
  expect(world.stored).toEqual([{ key: 'b', amount: 1 }]);
});

test('a write that is refused after its shard was acquired again does not resign it', async () => {
  const world = new World();
  const runtime = world.runtime();
  await runtime.acquire([A]);
  const held = Promise.withResolvers<void>();
  world.pace = () => held.promise;
  const late = runtime.shardOf('a').slot('a').add(1);
  world.pace = async () => {};
  await runtime.acquire([A]);
  held.resolve();
  expect(await late).toBe(ErrorCode.NOT_COORDINATOR);
  expect(runtime.shardOf('a').error).toBe(ErrorCode.NONE);
  expect(world.stored).toEqual([]);
});

test('a shard that is acquired again while it loads is loaded once, under the last epoch', async () => {
  const world = new World();
  world.stored.push({ key: 'a', amount: 7 });
  const runtime = world.runtime();
  const held = Promise.withResolvers<void>();
  world.pace = () => held.promise;
  const loads = [runtime.acquire([A]), runtime.acquire([A])];
  await settled();
  expect(runtime.shardOf('a').error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  world.pace = async () => {};
  held.resolve();
  await Promise.all(loads);
  expect(runtime.shardOf('a').find('a')?.value).toBe(7);
  expect(world.log).toEqual(['loaded 1']);
  expect(await runtime.shardOf('a').slot('a').add(1)).toBe(ErrorCode.NONE);
});

test('while the store is away a shard is acquired again and again, until the runtime is closed', async () => {
  const world = new World();
  world.isAway = true;
  const runtime = world.runtime();
  const acquiring = runtime.acquire([A]);
  await world.clock.advance(3_000);
  expect(runtime.shardOf('a').error).toBe(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  await runtime.close();
  await acquiring;
  expect(runtime.shardOf('a').error).toBe(ErrorCode.NOT_COORDINATOR);
  expect(world.clock.alarms).toBe(0);
});

const leader = (leaderEpoch: number): Leadership => ({
  topicId: Uuid('00000000-0000-4000-8000-000000000001'),
  leaderEpochs: new Map([A, B].map((shard) => [shard, leaderEpoch])),
  shards: 2,
});

test('a shard that is released while it loads is not served, whenever its load ends', async () => {
  const world = new World();
  const runtime = world.runtime();
  const held = Promise.withResolvers<void>();
  world.pace = () => held.promise;
  const loads = runtime.acquire([A, B], leader(1));
  await settled();
  runtime.release(A);
  expect(runtime.shardOf('a').error).toBe(ErrorCode.NOT_COORDINATOR);
  held.resolve();
  await loads;
  expect(runtime.shardOf('a').error).toBe(ErrorCode.NOT_COORDINATOR);
  expect(runtime.shardOf('b').error).toBe(ErrorCode.NONE);
  expect(world.log).toEqual(['loaded 0']);
});

test('an acquisition that nobody wants any more is not retried, and the next one has the last epoch', async () => {
  const world = new World();
  const runtime = world.runtime();
  world.isAway = true;
  const first = runtime.acquire([A], leader(1));
  await settled();
  const second = runtime.acquire([A], leader(2));
  world.isAway = false;
  await world.clock.advance(3_000);
  await Promise.all([first, second]);
  expect(world.acquisitions).toBe(1);
  expect(await runtime.shardOf('a').slot('a').add(1)).toBe(ErrorCode.NONE);
});

test('an earlier leader does not get the shard of a later one, and learns that it is deposed', async () => {
  const world = new World();
  const [earlier, later] = [world.runtime(), world.runtime()];
  await later.acquire([A], leader(2));
  await earlier.acquire([A, B], leader(1));
  expect(earlier.shardOf('a').error).toBe(ErrorCode.NOT_COORDINATOR);
  expect(earlier.shardOf('b').error).toBe(ErrorCode.NONE);
  expect(world.log).toEqual(['loaded 1', 'deposed from 1', 'loaded 0']);
  expect(await later.shardOf('a').slot('a').add(1)).toBe(ErrorCode.NONE);
});
