// A part of `npm run test:simulation`: some lives that are always the same and some new ones.
import { type Conditions, simulate } from '@milepost/simulator';
import { firstSeed } from '../support/first-seed.ts';
import { describeFailure } from './report.ts';

const FIXED_SEEDS = 12;
const NEW_SEEDS = 12;
const CLUSTER = { nodes: 3 };
const FIXED_CLUSTER_SEEDS = 4;

test('the fixed lives keep every promise', async () => {
  for (let seed = 1; seed <= FIXED_SEEDS; seed++) await live(seed);
  for (let seed = 1; seed <= FIXED_CLUSTER_SEEDS; seed++) await live(seed, CLUSTER);
});

test('new lives keep every promise', async () => {
  const base = firstSeed();
  console.info(`seeds from ${base} on`);
  for (let n = 0; n < NEW_SEEDS; n++) await live(base + n);
});

test('a seed replays bit for bit', async () => {
  for (const seed of [3, 11]) {
    const [first, second] = [await simulate(seed), await simulate(seed)];
    expect(second.lastEvents(20)).toEqual(first.lastEvents(20));
    expect([second.hash, second.turns]).toEqual([first.hash, first.turns]);
  }
  const [first, second] = [await simulate(3, CLUSTER), await simulate(3, CLUSTER)];
  expect([second.hash, second.turns]).toEqual([first.hash, first.turns]);
  expect((await simulate(4)).hash).not.toBe((await simulate(3)).hash);
});

async function live(seed: number, conditions: Conditions = {}): Promise<void> {
  const outcome = await simulate(seed, conditions);
  if (outcome.violation) throw new Error(describeFailure(outcome, conditions));
}
