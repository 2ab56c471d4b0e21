// The shards of a coordinator follow the leaders of its topic's partitions: a broker acquires a shard, with the leader epoch of
// its partition, when it becomes that partition's leader, and resigns it when it no longer is (Kafka's
// GroupCoordinatorService#onElection and #onResignation). Without the topic a broker that is alone has every shard, and of
// several none has any: then clients wait until the topic is there.
import type { Leadership } from '@milepost/coordinators';
import type { Background, BrokerId, Cancel, Clock } from '@milepost/core';
import { aliveBrokers, type ClusterImage } from '@milepost/metadata';

/** Another process had acquired a shard: this long until the next attempt, unless a newer image arrives before. */
const ACQUIRE_AGAIN_MS = 1_000;

/** The broker that coordinates a shard; undefined: none does now. */
export function coordinatorOf(
  image: ClusterImage,
  topicName: string,
  shard: number,
): { readonly id: BrokerId; readonly leaderEpoch: number | undefined } | undefined {
  const topic = image.topics.get(topicName);
  if (topic) {
    // A topic that an administrator created may have fewer partitions than there are shards.
    const partition = topic.partitions[shard % topic.partitions.length];
    return partition && { id: partition.leader, leaderEpoch: partition.leaderEpoch };
  }
  const [alone, other] = aliveBrokers(image);
  return alone && !other ? { id: alone.id, leaderEpoch: undefined } : undefined;
}

/** A coordinator, as its shards are moved. */
export interface ShardOwner {
  /** Resolves when the shards are served, or another process has acquired them. */
  start(shards: readonly number[], leadership: Leadership | undefined): Promise<void>;
  resign(shard: number): void;
  owns(shard: number): boolean;
}

export interface LedShardsDeps {
  readonly clock: Pick<Clock, 'after'>;
  readonly background: Background;
  readonly brokerId: BrokerId;
  readonly topicName: string;
  readonly shards: number;
  readonly owner: ShardOwner;
  /** The newest image that this broker serves. */
  readonly image: () => ClusterImage;
}

export class LedShards {
  readonly #deps: LedShardsDeps;
  /** By shard, what it was last acquired under. */
  readonly #acquired = new Map<number, string>();
  #acquiring: Promise<void> = Promise.resolve();
  #again: Cancel | undefined;
  #isClosed = false;

  constructor(deps: LedShardsDeps) {
    this.#deps = deps;
  }

  /** Call with each newer image, once its partitions are open. Resolves when all that it acquires is served. */
  follow(): Promise<void> {
    const { brokerId, topicName, shards, owner } = this.#deps;
    if (this.#isClosed) return Promise.resolve();
    const image = this.#deps.image();
    const topicId = image.topics.get(topicName)?.id;
    const leaderEpochs = new Map<number, number>();
    const wanted: number[] = [];
    // The very first start of a broker is before its registration, and it is alone.
    const isFirst = image.brokers.size === 0;
    for (let shard = 0; shard < shards; shard++) {
      const coordinator = coordinatorOf(image, topicName, shard);
      if (coordinator?.id !== brokerId && !(isFirst && !coordinator)) {
        this.#acquired.delete(shard);
        if (owner.owns(shard)) owner.resign(shard);
        continue;
      }
      const { leaderEpoch } = coordinator ?? {};
      const key = `${topicId ?? 'alone'} ${leaderEpoch ?? ''}`;
      if (this.#acquired.get(shard) === key && owner.owns(shard)) continue;
      this.#acquired.set(shard, key);
      if (leaderEpoch !== undefined) leaderEpochs.set(shard, leaderEpoch);
      wanted.push(shard);
    }
    const earlier = this.#acquiring;
    if (wanted.length === 0) return earlier;
    const started = owner.start(wanted, topicId && { topicId, leaderEpochs, shards });
    this.#acquiring = Promise.allSettled([earlier, started]).then(() => {});
    return Promise.all([earlier, started]).then(() => {});
  }

  /** Acquires everything anew. Resolves when it is served. */
  followAnew(): Promise<void> {
    this.#acquired.clear();
    return this.follow();
  }

  /** Another process has acquired a shard, by an older image or a newer one: the newest one decides. */
  deposed(): void {
    this.#again ??= this.#deps.clock.after(ACQUIRE_AGAIN_MS, () => {
      this.#again = undefined;
      this.#deps.background.run('acquiring shards again', () => this.follow());
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#again?.();
  }
}
