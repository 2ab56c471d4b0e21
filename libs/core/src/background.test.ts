import { Background } from './background.ts';
import { silentLogger, silentMeter } from './silent.ts';

test('a background task that fails is logged and counted, and rejects nowhere', async () => {
  const lines: string[] = [];
  const counted: object[] = [];
  const background = new Background({
    logger: { ...silentLogger, error: (_, message) => lines.push(message) },
    meter: {
      ...silentMeter,
      counter: () => ({ add: (_ = 1, labels = {}) => void counted.push(labels), remove: () => {} }),
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
  expect(counted).toEqual(expect.arrayContaining([{ task: 'creating a topic' }, { task: 'throwing at once' }]));
  expect(counted).toHaveLength(2);
});
