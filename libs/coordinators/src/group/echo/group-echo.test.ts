import { ErrorCode } from '@milepost/core';
import {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  GroupMetadataRecord,
  OffsetCommitRecord,
} from '@milepost/wire';
import { ConsumerMember, settledGroup } from '../../testing/consumer-member.ts';
import { Harness } from '../../testing/harness.ts';

const RECORDS = [
  OffsetCommitRecord,
  GroupMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupRegularExpressionRecord,
];

/** The last record of each key, as a consumer of the topic reads it. */
async function echoed(h: Harness): Promise<string[]> {
  await h.clock.advance(100);
  return [...h.partitions.compacted()].map(([latin1, value]) => {
    const key = Buffer.from(latin1, 'latin1');
    for (const record of RECORDS) {
      const fields = record.readKey(key);
      if (fields) return `${record.spec.name} ${Object.values(fields).join(' ')} ${inShort(record.readValue(value))}`;
    }
    throw new Error(`no record has the key ${key.toString('hex')}`);
  });
}

const inShort = (value: object): string =>
  JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? 'number' : each))
    .replaceAll('"', '')
    .replaceAll(/\{type:Buffer,data:\[[\d,]*\]\}/g, 'bytes');

test('a commit is echoed as an OffsetCommit, keyed by group, topic and partition', async () => {
  const h = await Harness.start();
  await h.member().commit(7);
  expect(await echoed(h)).toEqual([
    expect.stringMatching(/^OffsetCommit g t 0 \{offset:7,leaderEpoch:2,metadata:,commit/),
  ]);
});

test('a classic group is echoed when it is Stable and when it is Empty, and gets tombstones with its offsets', async () => {
  const h = await Harness.start();
  const [a, b] = await h.stable(2);
  await a?.commit(7);
  const stable = await echoed(h);
  expect(stable).toHaveLength(2);
  expect(stable[0]).toMatch(/^GroupMetadata g \{protocolType:consumer,generation:1,protocol:range,leader:client-id/);
  await a?.leave();
  await b?.leave();
  const empty = /^GroupMetadata g \{protocolType:consumer,generation:2,protocol:null,.*members:\[\]/;
  expect(await echoed(h)).toContainEqual(expect.stringMatching(empty));
  await h.coordinator.deleteGroups(['g']);
  expect(await echoed(h)).toEqual([]);
});

test('a consumer group is echoed part by part, and only what changes', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 2);
  const [a, b] = await settledGroup(h, ['a', 'b'], { topicNames: null, topicRegex: 't.*' });
  expect((await echoed(h)).map((each) => each.replace(/ \{.*/, '')).toSorted()).toEqual([
    'ConsumerGroupCurrentMemberAssignment g a',
    'ConsumerGroupCurrentMemberAssignment g b',
    'ConsumerGroupMemberMetadata g a',
    'ConsumerGroupMemberMetadata g b',
    'ConsumerGroupMetadata g',
    'ConsumerGroupRegularExpression g t.*',
    'ConsumerGroupTargetAssignmentMember g a',
    'ConsumerGroupTargetAssignmentMember g b',
    'ConsumerGroupTargetAssignmentMetadata g',
  ]);
  const before = [...h.partitions.records()].length;
  await a?.beat();
  expect((await echoed(h)).length).toBe(9);
  expect([...h.partitions.records()].length).toBe(before);
  await b?.leave();
  expect((await echoed(h)).filter((each) => each.includes(' g b'))).toEqual([]);
  await a?.leave();
  await h.coordinator.deleteGroups(['g']);
  expect(await echoed(h)).toEqual([]);
});

test('a group id that no record can hold is left out, and all others are echoed, also after a restart (fuzz, seed 1330893485)', async () => {
  const h = await Harness.start();
  const name = '\ufffd'.repeat(10_923); // came as so many bytes that were no UTF-8
  const [member] = await h.stable(1, { groupId: name });
  expect(await member?.commit(5)).toBe(ErrorCode.NONE);
  expect(await h.member().commit(7)).toBe(ErrorCode.NONE);
  const rest = [expect.stringMatching(/^OffsetCommit g t 0 \{offset:7/)];
  expect(await echoed(h)).toEqual(rest);
  await h.restart();
  expect(await echoed(h)).toEqual(rest);
  expect(await h.committed(name)).toBe(5);
  await h.coordinator.deleteGroups([name]);
  expect(await echoed(h)).toEqual(rest);
});

test('after the topic was created, or its disk had room again, all that was missed is echoed', async () => {
  const h = await Harness.start();
  h.partitions.isThere = false;
  await h.restart();
  const [member] = await h.stable(1);
  expect(await member?.commit(1)).toBe(ErrorCode.NONE);
  expect(await echoed(h)).toEqual([]);
  h.partitions.isThere = true;
  h.coordinator.topicsChanged();
  expect(await echoed(h)).toHaveLength(2);

  h.partitions.isIll = true;
  expect(await member?.commit(2)).toBe(ErrorCode.NONE);
  await echoed(h);
  h.partitions.isIll = false;
  await h.clock.advance(5_000);
  expect(await echoed(h)).toContainEqual(expect.stringContaining('offset:2'));
});

test('a partition whose disk has failed is retried every few seconds, not in a loop', async () => {
  const h = await Harness.start();
  const [member] = await h.stable(1);
  h.partitions.isIll = true;
  await member?.commit(1);
  await echoed(h);
  const before = h.partitions.refusals;
  h.coordinator.topicsChanged();
  await h.clock.advance(20_000);
  expect(h.partitions.refusals).toBe(before + 4);
});

test('the next coordinator echoes what differs, and nothing twice', async () => {
  const h = await Harness.start();
  h.catalog.set('t', 2);
  const [member] = await h.stable(2);
  await settledGroup(h, ['x', 'y'], { groupId: 'modern' });
  await member?.commit(1);
  const before = await echoed(h);
  const records = [...h.partitions.records()].length;
  await h.restart();
  expect(await echoed(h)).toEqual(before);
  expect([...h.partitions.records()]).toHaveLength(records);

  h.partitions.isIll = true;
  await member?.commit(2);
  await h.coordinator.deleteGroups(['modern']);
  h.partitions.isIll = false;
  await h.restart();
  expect(await echoed(h)).toContainEqual(expect.stringContaining('offset:2'));
});

test('for a group in the midst of a rebalance the topic keeps the last generation', async () => {
  const h = await Harness.start();
  await h.stable(1);
  const before = await echoed(h);
  h.partitions.isIll = true;
  await h.member({ groupId: 'g' }).enter();
  await h.member({ groupId: 'other' }).commit(1);
  h.partitions.isIll = false;
  await h.clock.advance(5_000);
  expect((await echoed(h)).filter((each) => each.startsWith('GroupMetadata'))).toEqual(before);
});

test('a member of a group that was never stored leaves nothing behind', async () => {
  const h = await Harness.start();
  await new ConsumerMember(h, 'a').beat({ memberEpoch: 5 });
  expect(await echoed(h)).toEqual([]);
});

test('a shard whose partition refuses makes no other shard wait (B6)', async () => {
  const h = await Harness.start();
  const [first, second] = ['g', 'trucks'].map((groupId) => h.coordinator.shardOf(groupId)) as [number, number];
  expect(first).not.toBe(second);
  h.partitions.refusing.add(first).add(second);
  await h.member().commit(1);
  await h.clock.advance(3_000);
  await h.member({ groupId: 'trucks' }).commit(2);
  await h.clock.advance(100);
  h.partitions.refusing.delete(second);
  await h.clock.advance(6_000);
  expect(await echoed(h)).toEqual([expect.stringMatching(/^OffsetCommit trucks t 0 \{offset:2/)]);
  h.partitions.refusing.clear();
  await h.clock.advance(6_000);
  expect(await echoed(h)).toHaveLength(2);
});

test('a shard whose partition cannot be read makes no other shard wait', async () => {
  const h = await Harness.start();
  h.partitions.unreadable.add(h.coordinator.shardOf('g'));
  await h.restart();
  await h.member().commit(1);
  await h.member({ groupId: 'trucks' }).commit(2);
  expect(await echoed(h)).toEqual([expect.stringMatching(/^OffsetCommit trucks t 0 \{offset:2/)]);
  h.partitions.unreadable.clear();
  h.coordinator.topicsChanged();
  await h.clock.advance(100);
  expect(await echoed(h)).toHaveLength(2);
});
