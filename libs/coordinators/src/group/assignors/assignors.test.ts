import { type Uuid, ZERO_UUID } from '@milepost/core';
import { SeededRandom } from '../../testing/seeded-random.ts';
import type { Assignor, MemberToAssign, Partitions } from './assignor.ts';
import { ASSIGNORS } from './named.ts';

const id = (name: string) => `${name}${ZERO_UUID.slice(name.length)}` as Uuid;
const [t, u] = [id('a'), id('b')];
const member = (memberId: string, topics: readonly Uuid[], target: Partitions = {}): MemberToAssign => ({
  memberId,
  instanceId: null,
  topics,
  target,
});
const assign = (assignor: Assignor, members: readonly MemberToAssign[], sizes: Partitions) =>
  Object.fromEntries(assignor(members, (topic) => sizes[topic]?.length ?? 0));
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
const sizeOf = (partitions: Partitions | undefined) => Object.values(partitions ?? {}).flat().length;

test('range gives one range of each topic to each subscriber, those with the lower ids the longer ones', () => {
  const members = ['c', 'a', 'b'].map((name) => member(name, [t, u]));
  expect(assign(ASSIGNORS.range, members, { [t]: upTo(5), [u]: upTo(2) })).toEqual({
    a: { [t]: [0, 1], [u]: [0] },
    b: { [t]: [2, 3], [u]: [1] },
    c: { [t]: [4] },
  });
});

test('range puts static members first, in the order of their instances', () => {
  const members = [
    member('a', [t]),
    { ...member('z', [t]), instanceId: '2' },
    { ...member('y', [t]), instanceId: '1' },
  ];
  expect(assign(ASSIGNORS.range, members, { [t]: upTo(2) })).toEqual({ a: {}, y: { [t]: [0] }, z: { [t]: [1] } });
});

test('uniform moves no more than it must when a member comes', () => {
  const had = [member('a', [t], { [t]: [0, 1, 2, 3] }), member('b', [t], { [t]: [4, 5, 6, 7] }), member('c', [t])];
  const after = assign(ASSIGNORS.uniform, had, { [t]: upTo(8) });
  expect(after).toEqual({ a: { [t]: [0, 1, 2] }, b: { [t]: [4, 5, 6] }, c: { [t]: [3, 7] } });
});

test('uniform moves nothing when a member goes but what it had', () => {
  const left = [member('a', [t], { [t]: [0, 1] }), member('b', [t], { [t]: [2, 3] })];
  expect(assign(ASSIGNORS.uniform, left, { [t]: upTo(6) })).toEqual({ a: { [t]: [0, 1, 4] }, b: { [t]: [2, 3, 5] } });
});

test('uniform gives members with fewer topics the partitions that others do not need', () => {
  const members = [member('a', [t, u], { [t]: [0, 1], [u]: [0, 1] }), member('b', [t])];
  expect(assign(ASSIGNORS.uniform, members, { [t]: upTo(2), [u]: upTo(2) })).toEqual({
    a: { [u]: [0, 1] },
    b: { [t]: [0, 1] },
  });
});

test('no members, no topics, and topics without partitions are accepted', () => {
  for (const assignor of Object.values(ASSIGNORS)) {
    expect(assign(assignor, [], {})).toEqual({});
    expect(assign(assignor, [member('a', [])], {})).toEqual({ a: {} });
    expect(assign(assignor, [member('a', [t])], {})).toEqual({ a: {} });
  }
});

test.each(Object.entries(ASSIGNORS))(
  '%s: every partition has one owner that reads it, in 500 random groups',
  (_, assignor) => {
    for (let seed = 0; seed < 500; seed++) {
      const { members, sizes } = randomGroup(new SeededRandom(seed));
      const assigned = assignor(members, (topic) => sizes[topic]?.length ?? 0);
      const owned = members.flatMap(({ memberId, topics }) =>
        Object.entries(assigned.get(memberId) ?? {}).flatMap(([topic, partitions]) => {
          expect(topics).toContain(topic);
          return partitions.map((partition) => `${topic} ${partition}`);
        }),
      );
      const read = new Set(members.flatMap(({ topics }) => topics));
      const all = [...read].flatMap((topic) => (sizes[topic] ?? []).map((partition) => `${topic} ${partition}`));
      expect({ seed, owned: owned.toSorted() }).toEqual({ seed, owned: all.toSorted() });
    }
  },
);

test('uniform: members with equal subscriptions differ by one at most, and a second run changes nothing', () => {
  for (let seed = 0; seed < 500; seed++) {
    const { members, sizes } = randomGroup(new SeededRandom(seed));
    const partitionsOf = (topic: Uuid) => sizes[topic]?.length ?? 0;
    const assigned = ASSIGNORS.uniform(members, partitionsOf);
    const bySubscription = Map.groupBy(members, ({ topics }) => String(topics));
    for (const alike of bySubscription.values()) {
      const counts = alike.map(({ memberId }) => sizeOf(assigned.get(memberId)));
      expect({ seed, spread: Math.max(...counts) - Math.min(...counts) <= 1 }).toEqual({ seed, spread: true });
    }
    const again = members.map((each) => ({ ...each, target: assigned.get(each.memberId) ?? {} }));
    expect({ seed, again: ASSIGNORS.uniform(again, partitionsOf) }).toEqual({ seed, again: assigned });
  }
});

/** Some read all topics, some only some; some have had something, no partition twice. */
function randomGroup(random: SeededRandom): { members: MemberToAssign[]; sizes: Record<Uuid, number[]> } {
  const topics = upTo(random.between(1, 4)).map((at) => id(String(at)));
  const sizes = Object.fromEntries(topics.map((topic) => [topic, upTo(random.below(9))]));
  const isMixed = random.chance(0.5);
  const members = upTo(random.between(1, 6)).map((at) =>
    member(`m${at}`, isMixed ? topics.filter(() => random.chance(0.6)) : topics),
  );
  const targets = members.map((): Record<Uuid, number[]> => ({}));
  for (const topic of topics)
    for (const partition of sizes[topic] ?? []) {
      const owner = targets[random.below(members.length * 2)];
      if (owner) (owner[topic] ??= []).push(partition);
    }
  return { members: members.map((each, at) => ({ ...each, target: targets[at] ?? {} })), sizes };
}
