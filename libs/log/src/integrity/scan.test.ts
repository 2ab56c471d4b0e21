import { type Clock, Offset } from '@milepost/core';
import { SimDisk } from '@milepost/simulator';
import { LogFile } from '../log-file.ts';
import { scan, scanInTurns } from './scan.ts';
import { batchOf } from '../testing.ts';

test('a long scan lets other work run, and visits the same batches as a short one', async () => {
  const disk = new SimDisk(1);
  disk.makeFolder('/data');
  const file = new LogFile(disk, '/data/0.log', true);
  const batch = batchOf(['x'.repeat(1_000_000)]);
  for (let n = 0; n < 150; n++) {
    batch.writeBigInt64BE(BigInt(n), 0);
    file.append(batch);
  }
  const visited: Offset[] = [];
  let flaws = 0;
  const visitor = {
    visit: ({ baseOffset }: { baseOffset: Offset }) => {
      visited.push(baseOffset);
      return baseOffset === 100 ? 'not this one' : undefined;
    },
    onFlaw: (position: number) => (++flaws === 1 ? position + batch.length : undefined),
  };
  const turns: number[] = [];
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after: (_, run) => {
      turns.push(visited.length);
      queueMicrotask(run);
      return () => {};
    },
  };
  await scanInTurns(clock, file, 0, visitor);
  expect(visited).toEqual(Array.from({ length: 150 }, (_, n) => Offset(n)));
  expect(turns.length).toBe(2);
  expect(turns.every((seen) => seen > 0 && seen < 150)).toBe(true);

  const inTurns = visited.splice(0);
  flaws = 0;
  scan(file, 0, visitor);
  expect(visited).toEqual(inTurns);
});

test('a long scan ends at a flaw', async () => {
  const disk = new SimDisk(1);
  disk.makeFolder('/data');
  const file = new LogFile(disk, '/data/0.log', true);
  file.append(batchOf(['whole']));
  file.append(Buffer.alloc(100));
  let visits = 0;
  const found: number[] = [];
  const never: Clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };
  await scanInTurns(never, file, 0, {
    visit: () => void visits++,
    onFlaw: (position) => void found.push(position),
  });
  expect([visits, found]).toEqual([1, [batchOf(['whole']).length]]);
});
