import { type Committer, HandledOffsets, type OffsetToCommit } from './handled-offsets.ts';
import type { ConsumedRecord } from './record.ts';

const recordOf = (partition: number, offset: number) => ({ topic: 'positions', partition, offset }) as ConsumedRecord;

/** A member that owns partitions 0 and 1; its commits are refused on command. */
class Member implements Committer {
  assignments: Committer['assignments'] = [{ topic: 'positions', partitions: [0, 1] }];
  readonly committed: string[] = [];
  refuses = false;
  during = (): void => {};

  async commit({ offsets }: { offsets: OffsetToCommit[] }): Promise<void> {
    await Promise.resolve();
    this.during();
    if (this.refuses) throw new Error('REBALANCE_IN_PROGRESS');
    this.committed.push(...offsets.map(({ partition, offset }) => `${partition}@${offset}`));
  }
}

test('the offsets of a refused commit are in the next one, even if the partition is idle', async () => {
  const member = new Member();
  const offsets = new HandledOffsets(member);
  offsets.handled([recordOf(0, 5), recordOf(0, 6), recordOf(1, 9)]);
  member.refuses = true;
  await expect(offsets.commit()).rejects.toThrow('REBALANCE_IN_PROGRESS');
  expect(offsets.isDirty).toBe(true);
  member.refuses = false;
  await offsets.commit();
  expect(member.committed).toEqual(['0@7', '1@10']);
  expect(offsets.isDirty).toBe(false);
});

test('after a refusal the offsets of a partition that was assigned to another member are not committed', async () => {
  const member = new Member();
  const offsets = new HandledOffsets(member);
  offsets.handled([recordOf(0, 5), recordOf(1, 9)]);
  member.refuses = true;
  member.during = () => (member.assignments = [{ topic: 'positions', partitions: [1] }]);
  await expect(offsets.commit()).rejects.toThrow('REBALANCE_IN_PROGRESS');
  member.refuses = false;
  await offsets.commit();
  expect(member.committed).toEqual(['1@10']);
});

test('records handled during a commit are in the next one', async () => {
  const member = new Member();
  const offsets = new HandledOffsets(member);
  offsets.handled([recordOf(0, 5)]);
  member.during = () => offsets.handled([recordOf(0, 7)]);
  await offsets.commit();
  expect(offsets.isDirty).toBe(true);
  member.during = () => {};
  await offsets.commit();
  expect(member.committed).toEqual(['0@6', '0@8']);
});
