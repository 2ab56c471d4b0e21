import { BrokerId, InvariantBroken, Uuid } from '@milepost/core';
import { applied } from './applied.ts';
import { emptyImage } from './image.ts';
import { partitionOn } from './placement.ts';

const topic = { id: Uuid('1'), name: 't', configs: {}, partitions: [partitionOn(0, [BrokerId(1)])] };

test('an image never changes: a change makes a new one', () => {
  const before = applied(emptyImage('c'), [{ type: 'topic-created', topic }]);
  const kept = structuredClone(before);
  const after = applied(before, [
    { type: 'partitions-added', id: topic.id, partitions: [partitionOn(1, [BrokerId(1)])] },
    { type: 'broker-configured', id: '', configs: { a: '1' } },
    { type: 'broker-registered', broker: { id: BrokerId(1), host: 'h', port: 1, rack: null, incarnation: null } },
  ]);
  expect(before).toEqual(kept);
  expect(after.version).toBe(before.version + 1);
  expect(after.topics.get('t')).toBe(after.topicsById.get(topic.id));
});

test('an unchanged topic stays the same object, so that data derived from it remains valid', () => {
  const before = applied(emptyImage('c'), [{ type: 'topic-created', topic }]);
  const after = applied(before, [{ type: 'topic-created', topic: { ...topic, id: Uuid('2'), name: 'u' } }]);
  expect(after.topics.get('t')).toBe(before.topics.get('t'));
});

test('partitions out of order are a mistake of the caller, not a conflict', () => {
  const wrong = { ...topic, partitions: [partitionOn(1, [BrokerId(1)])] };
  expect(() => applied(emptyImage('c'), [{ type: 'topic-created', topic: wrong }])).toThrow(InvariantBroken);
});
