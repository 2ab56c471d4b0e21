import { chooseShards, type KnownShards } from './coordinator-shards.ts';

const choose = (known: Pick<KnownShards, 'stored' | 'topic' | 'setting'>) =>
  chooseShards({ ...known, property: 'offsets.topic.num.partitions', contents: 'groups' });

test('the first start divides groups by the setting', () => {
  expect(choose({ stored: 0, topic: undefined, setting: 50 })).toEqual({ shards: 50, warning: undefined });
});

test.each([
  ['lowered', { stored: 50, topic: 50, setting: 10 }],
  ['raised', { stored: 50, topic: 50, setting: 100 }],
  ['lowered before the topic was created', { stored: 50, topic: undefined, setting: 10 }],
  ['lowered, over a topic without any group', { stored: 0, topic: 50, setting: 10 }],
])('a setting that was %s changes nothing, and the warning has the cure', (_, known) => {
  const { shards, warning } = choose(known);
  expect(shards).toBe(50);
  expect(warning).toBe(
    `offsets.topic.num.partitions is ${known.setting} and has no effect: groups are divided into 50 since the first ` +
      'start; set it to 50',
  );
});

test('partitions that were added to __consumer_offsets move no group to another shard', () => {
  expect(choose({ stored: 50, topic: 60, setting: 50 }).shards).toBe(50);
});
