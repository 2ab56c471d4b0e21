import type { EndTransactionCommand } from './transaction/model/commands.ts';
import { TransactionCoordinator } from './transaction/transaction-coordinator.ts';
import { type TransactionPlants, TransactionWalk } from './testing/transaction-walk.ts';

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

test('in 200 random lives every transaction ends in all of its partitions as its producer was told, and none stays open', async () => {
  for (const seed of SEEDS) {
    const violations = await TransactionWalk.live(seed);
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
});

test('a coordinator that takes late requests of old clients for current ones is found', async () => {
  class TakesLateEnds extends TransactionCoordinator {
    override endTransaction({ connection: _, ...command }: EndTransactionCommand) {
      return super.endTransaction(command);
    }
  }
  expect(await firstFound({ make: (deps) => new TakesLateEnds(deps) })).not.toEqual([]);
});

test('a marker that is lost is found', async () => {
  expect(await firstFound({ losesMarker: (random) => random.chance(0.02) })).not.toEqual([]);
});

/** The violations of the first seed that has any; none within 200 is an empty list. */
async function firstFound(plants: TransactionPlants): Promise<string[]> {
  for (const seed of SEEDS) {
    const violations = await TransactionWalk.live(seed, plants);
    if (violations.length > 0) return violations;
  }
  return [];
}
