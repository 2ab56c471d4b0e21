import { shardOf } from './shard-of.ts';

// Taken from Java; two of the hashes are negative, the last is the one that has no absolute value.
test.each([
  ['', 0],
  ['g', 3],
  ['location-dashboard', 28],
  ['notification-service', 39],
  ['my-group', 12],
  ['trucks', 18],
  ['ü\u{1f69a}', 25],
  ['polygenelubricants', 0],
])('%j belongs where Kafka puts it', (groupId, shard) => {
  expect(shardOf(groupId, 50)).toBe(shard);
});
