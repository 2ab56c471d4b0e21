import { collidingTopic, topicNameProblem } from './topic-name.ts';

test('names that Kafka accepts are accepted', () => {
  for (const name of ['truck_gps', 'a', 'A-1.b_c', '...', 'x'.repeat(249), '__consumer_offsets'])
    expect(topicNameProblem(name)).toBeUndefined();
});

test('names that Kafka refuses are refused, and the sentence says why', () => {
  expect(topicNameProblem('')).toContain('empty');
  expect(topicNameProblem('.')).toContain('"."');
  expect(topicNameProblem('..')).toContain('".."');
  expect(topicNameProblem('x'.repeat(250))).toContain('249 characters, seen 250');
  for (const name of ['a b', 'ä', 'a/b', 'a\0', 'a\n', 'a:b', '*']) expect(topicNameProblem(name)).toContain('letters');
});

test('names that differ only in dots and underscores collide', () => {
  expect(collidingTopic('a.b_c', ['x', 'a_b.c'])).toBe('a_b.c');
  expect(collidingTopic('a.b', ['a-b', 'a.bc', 'ab'])).toBeUndefined();
  expect(collidingTopic('a.b', ['a.b'])).toBeUndefined();
});
