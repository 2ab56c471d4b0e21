import { Background } from './background.ts';
import { silentLogger, silentMeter } from './silent.ts';

test('a background task that fails is logged and counted, and rejects nowhere', async () => {
  const lines: string[] = [];
  const counts = new Map<unknown, number>();
  const background = new Background({
    logger: { ...silentLogger, error: (_, message) => lines.push(message) },
    meter: {
      ...silentMeter,
      counter: () => ({
        add: (by = 1, labels = {}) => void counts.set(labels['task'], (counts.get(labels['task']) ?? 0) + by),
        remove: () => {},
      }),
    },
  });
  background.run('creating a topic', () => Promise.reject(new Error('42501')));
  background.run('throwing at once', () => {
    throw new Error('synchronously');
  });
  background.run('going well', () => Promise.resolve());
  await background.idle();
  expect(lines.toSorted()).toEqual([
    'a background task failed: creating a topic',
    'a background task failed: throwing at once',
  ]);
  expect(Object.fromEntries(counts)).toEqual({ 'creating a topic': 1, 'throwing at once': 1, 'going well': 0 });
});
