// The epochs of a coordinator's shards in memory, for the memory stores: what the tables of shards are in PostgreSQL.
import { isOutdated, type Leadership, type ShardEpoch, type ShardLeader } from './shard-store.ts';

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
): Map<number, ShardEpoch> {
  for (let shard = 0; shard < (leadership?.shards ?? 0); shard++) if (!epochs.has(shard)) epochs.set(shard, 0);
  const raised = new Map<number, ShardEpoch>();
  for (const shard of shards) {
    if (leadership && isOutdated(shard, leadership, leaders.get(shard))) continue;
    const number = (epochs.get(shard) ?? 0) + 1;
    const leader = leadership && {
      topicId: leadership.topicId,
      leaderEpoch: leadership.leaderEpochs.get(shard) ?? -1,
    };
    epochs.set(shard, number);
    if (leader) leaders.set(shard, leader);
    else leaders.delete(shard);
    raised.set(shard, { number, leader });
  }
  return raised;
}

/** The returned function sets the epochs back to what they are now. */
export function backupEpochs(table: EpochTable): () => void {
  const [epochs, leaders] = [[...table.epochs], [...table.leaders]];
  return () => {
    table.epochs.clear();
    table.leaders.clear();
    for (const [shard, number] of epochs) table.epochs.set(shard, number);
    for (const [shard, leader] of leaders) table.leaders.set(shard, leader);
  };
}

export function epochOf({ epochs, leaders }: EpochTable, shard: number): ShardEpoch | undefined {
  const number = epochs.get(shard);
  return number === undefined ? undefined : { number, leader: leaders.get(shard) };
}
