// A store of share partitions in memory, for tests and the simulator, over the table that the group store writes to.
import { GroupTable } from '../group/memory-group-store.ts';
import { CoordinatorStoreUnavailable } from '../runtime/shard-store.ts';
import { shareRowName } from '../group/model/share-rows.ts';
import type { InFlightContent } from './in-flight.ts';
import {
  type ShareEpochs,
  ShareStateFenced,
  type SharePartitionKey,
  type ShareStateStore,
  type ShareStateSummary,
  type StoredShareState,
} from './share-state-store.ts';

export class MemoryShareStateStore implements ShareStateStore {
  readonly table: GroupTable;
  health: 'well' | 'away' | 'forgetful' = 'well';
  /** Each call waits for this first. */
  pace: () => Promise<void> = async () => {};

  constructor(table = new GroupTable()) {
    this.table = table;
  }

  async acquire(key: SharePartitionKey, leaderEpoch: number): Promise<StoredShareState | undefined> {
    await this.#reach();
    const row = this.table.shares.get(shareRowName(key));
    if (!row) return undefined;
    if (row.leaderEpoch > leaderEpoch)
      throw fenced(key, `leader epoch ${row.leaderEpoch}`, `leader epoch ${leaderEpoch}`);
    row.leaderEpoch = leaderEpoch;
    const epochs = { state: row.stateEpoch, leader: leaderEpoch };
    return { epochs, startOffset: row.startOffset, runs: row.runs };
  }

  async persist(
    key: SharePartitionKey,
    epochs: ShareEpochs,
    content: InFlightContent,
    doneCount: number,
  ): Promise<void> {
    await this.#reach();
    const row = this.table.shares.get(shareRowName(key));
    if (!row) throw fenced(key, 'no state', `state epoch ${epochs.state}`);
    if (row.stateEpoch !== epochs.state) throw fenced(key, `state epoch ${row.stateEpoch}`, `${epochs.state}`);
    if (row.leaderEpoch > epochs.leader) throw fenced(key, `leader epoch ${row.leaderEpoch}`, `${epochs.leader}`);
    row.startOffset = content.startOffset;
    row.runs = content.runs;
    row.doneCount = doneCount;
    if (this.health === 'forgetful') throw new CoordinatorStoreUnavailable('the response got lost');
  }

  async summaries(groupId: string): Promise<readonly ShareStateSummary[]> {
    await this.#reach();
    const rows = [...this.table.shares.values()].filter((row) => row.groupId === groupId);
    return rows.map(({ topicId, partition, startOffset, leaderEpoch, doneCount }) => ({
      topicId,
      partition,
      startOffset,
      leaderEpoch,
      doneCount,
    }));
  }

  async #reach(): Promise<void> {
    await this.pace();
    if (this.health === 'away') throw new CoordinatorStoreUnavailable('the store of share partitions is away');
  }
}

const fenced = ({ groupId, partition }: SharePartitionKey, seen: string, carried: string): ShareStateFenced =>
  new ShareStateFenced(`share partition ${partition} of group ${groupId} is at ${seen}, the write carries ${carried}`);
