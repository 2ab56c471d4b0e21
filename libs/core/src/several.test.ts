import { severalAtOnce } from './several.ts';

test('all items are processed, never more at once than the limit', async () => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await severalAtOnce(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running--;
    done.push(item);
  });
  expect(most).toBe(3);
  expect(done.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('after a failure nothing more begins, and pending work ends before it is thrown', async () => {
  const ended: number[] = [];
  const work = async (item: number): Promise<void> => {
    if (item === 1) throw new Error('one');
    await Promise.resolve();
    ended.push(item);
  };
  await expect(severalAtOnce(2, [1, 2, 3, 4], work)).rejects.toThrow('one');
  expect(ended).toEqual([2]);
});
