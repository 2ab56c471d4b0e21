import { GroupCommit } from './group-commit.ts';

/** Work whose runs end when the test says so. */
function controlled() {
  const ends: { resolve: () => void; reject: (reason: Error) => void }[] = [];
  const commit = new GroupCommit(() => new Promise((resolve, reject) => ends.push({ resolve, reject })));
  return { ends, commit };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('callers that arrive during a run share the next one', async () => {
  const { ends, commit } = controlled();
  const first = commit.run();
  const others = [commit.run(), commit.run(), commit.run()];
  expect(ends).toHaveLength(1);
  ends[0]?.resolve();
  await first;
  await turn();
  expect(ends).toHaveLength(2);
  ends[1]?.resolve();
  await Promise.all(others);
  expect(ends).toHaveLength(2);
});

test('a caller never shares a run that began before its call', async () => {
  const { ends, commit } = controlled();
  const first = commit.run();
  let done = false;
  const second = commit.run().then(() => {
    done = true;
  });
  ends[0]?.resolve();
  await first;
  await turn();
  expect(done).toBe(false);
  const third = commit.run();
  ends[1]?.resolve();
  await second;
  await turn();
  expect(ends).toHaveLength(3);
  ends[2]?.resolve();
  await third;
});

test('a run that failed fails its own callers, and the next run is a new one', async () => {
  const { ends, commit } = controlled();
  const first = commit.run();
  const second = commit.run();
  ends[0]?.reject(new Error('EIO'));
  await expect(first).rejects.toThrow('EIO');
  await turn();
  ends[1]?.resolve();
  await expect(second).resolves.toBeUndefined();
});

test('a caller that arrives a few microtasks after a run has ended starts no second run beside the next one', async () => {
  for (const lateBy of [0, 1, 2, 3, 4, 5]) {
    const { ends, commit } = controlled();
    const first = commit.run();
    const second = commit.run();
    ends[0]?.resolve();
    for (let n = 0; n < lateBy; n++) await Promise.resolve();
    const third = commit.run();
    await first;
    await turn();
    expect([lateBy, ends.length]).toEqual([lateBy, 2]); // the second run is going on, and no other
    ends[1]?.resolve();
    await second;
    await turn();
    ends[2]?.resolve();
    await third;
  }
});

test('the current run can be awaited without starting another', async () => {
  const { ends, commit } = controlled();
  await commit.current();
  const first = commit.run();
  let isOver = false;
  const current = commit.current().then(() => {
    isOver = true;
  });
  await turn();
  expect(isOver).toBe(false);
  ends[0]?.resolve();
  await Promise.all([first, current]);
  expect(ends).toHaveLength(1);
});
