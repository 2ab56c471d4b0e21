// The epochs of a coordinator's shards in memory, for the memory stores: what the tables of shards are in PostgreSQL.
import { isOutdated, type Leadership, type ShardLeader } from './shard-store.ts';

export interface EpochTable {
  readonly epochs: Map<number, number>;
  /** By shard, the leadership that it was last acquired under. */
  readonly leaders: Map<number, ShardLeader>;
}

/** The new epochs, by shard, without those of shards that a later leader has acquired. */
export function raiseEpochs(
  { epochs, leaders }: EpochTable,
  shards: readonly number[],
  leadership: Leadership | undefined,
): Map<number, number> {
  for (let shard = 0; shard < (leadership?.shards ?? 0); shard++) if (!epochs.has(shard)) epochs.set(shard, 0);
  const raised = new Map<number, number>();
  for (const shard of shards) {
    if (leadership && isOutdated(shard, leadership, leaders.get(shard))) continue;
    const epoch = (epochs.get(shard) ?? 0) + 1;
    epochs.set(shard, epoch);
    raised.set(shard, epoch);
    const leaderEpoch = leadership?.leaderEpochs.get(shard);
    if (leadership && leaderEpoch !== undefined) leaders.set(shard, { topicId: leadership.topicId, leaderEpoch });
    else leaders.delete(shard);
  }
  return raised;
}
