// The rows of share partitions, as the memory stores have them: what the table `share_partitions` is in PostgreSQL.
import type { Uuid } from '@milepost/core';
import type { GroupEvent } from './store.ts';

export interface ShareRow {
  readonly groupId: string;
  readonly topicId: Uuid;
  readonly partition: number;
  readonly stateEpoch: number;
  leaderEpoch: number;
  startOffset: number;
  runs: readonly (readonly [first: number, last: number, state: number, deliveryCount: number])[];
  doneCount: number;
}

export const shareRowName = (row: Pick<ShareRow, 'groupId' | 'topicId' | 'partition'>): string =>
  JSON.stringify([row.groupId, row.topicId, row.partition]);

type Initialized = Extract<GroupEvent, { readonly type: 'share-partition-initialized' }>;

/** A reset raises the state epoch; otherwise a row that is there stays. */
export function initializeShareRow(rows: Map<string, ShareRow>, event: Initialized): void {
  const { groupId, topicId, partition, startOffset, resets } = event;
  const name = shareRowName(event);
  const known = rows.get(name);
  if (known && !resets) return;
  const epochs = { stateEpoch: (known?.stateEpoch ?? -1) + 1, leaderEpoch: known?.leaderEpoch ?? -1 };
  rows.set(name, { groupId, topicId, partition, ...epochs, startOffset, runs: [], doneCount: 0 });
}

/** `topicId` null: of all topics. */
export function forgetShareRows(rows: Map<string, ShareRow>, groupId: string, topicId: Uuid | null): void {
  for (const [name, row] of rows)
    if (row.groupId === groupId && (topicId === null || row.topicId === topicId)) rows.delete(name);
}
