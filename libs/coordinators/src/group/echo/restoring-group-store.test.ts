import { silentLogger } from '@milepost/core';
import { Harness, type TestMember } from '../../testing/harness.ts';
import { GroupTable, MemoryGroupStore } from '../memory-group-store.ts';
import { RestoringGroupStore } from './restoring-group-store.ts';

const SHARDS = Array.from({ length: 50 }, (_, shard) => shard);

let h: Harness;
beforeEach(async () => {
  h = await Harness.start();
  h.catalog.set('t', 3);
});

function copyOf(table: GroupTable): GroupTable {
  const copy = new GroupTable();
  for (const [shard, epoch] of table.epochs) copy.epochs.set(shard, epoch);
  for (const [id, rows] of table.groups) copy.groups.set(id, { ...rows, offsets: new Map(rows.offsets) });
  return copy;
}

/** Committed, and echoed. */
async function commit(offset: number, member: TestMember = h.member()): Promise<void> {
  await member.commit(offset);
  await h.clock.advance(100);
}

/** What is served, and stored, after the tables were set back to `table`. */
async function restored(table: GroupTable, wentBack = true): Promise<string[]> {
  const { clock, partitions: echo, catalog } = h;
  const store = new MemoryGroupStore(table);
  const restoring = new RestoringGroupStore({ clock, logger: silentLogger, store, echo, catalog });
  if (wentBack) restoring.databaseWentBack(SHARDS);
  const acquiring = restoring.acquire(SHARDS);
  await h.clock.advance(1_000);
  await acquiring;
  const { offsets } = await store.acquire(SHARDS);
  return offsets.map(({ groupId, topic, offset }) => `${groupId} ${topic} ${offset}`);
}

test('a commit that the tables have lost is stored again from the echo', async () => {
  await commit(7);
  const backup = copyOf(h.store.table);
  await commit(9);
  expect(await restored(backup)).toEqual(['g t 9']);
});

test('a group that the tables do not know at all gets its offsets back', async () => {
  const backup = copyOf(h.store.table);
  await commit(9);
  expect(await restored(backup)).toEqual(['g t 9']);
});

test('the last commit is restored though it was a rewind', async () => {
  await commit(9);
  const backup = copyOf(h.store.table);
  await commit(3);
  expect(await restored(backup)).toEqual(['g t 3']);
});

test('tables that were not found to be older stand, whatever the echo holds', async () => {
  await commit(7);
  const rewound = copyOf(h.store.table);
  await commit(9);
  expect(await restored(rewound, false)).toEqual(['g t 7']);
});

test('an offset that was deleted last stays away', async () => {
  const backup = copyOf(h.store.table);
  await commit(9);
  await h.coordinator.deleteOffsets({ groupId: 'g', topics: [{ name: 't', partitions: [0] }] });
  await h.clock.advance(100);
  expect(await restored(backup)).toEqual([]);
});

test('a topic that the metadata does not know has no offsets restored', async () => {
  const backup = copyOf(h.store.table);
  await commit(9);
  h.catalog.delete('t');
  expect(await restored(backup)).toEqual([]);
});

test('a commit that the echo has lost does not give way to an earlier one of a clock that was ahead', async () => {
  h.clock.jump(3_600_000);
  await commit(3);
  h.clock.jump(-3_600_000);
  h.partitions.isIll = true;
  await commit(9);
  expect(await restored(copyOf(h.store.table))).toEqual(['g t 9']);
});
