import { type Clock, ErrorCode } from '@milepost/core';
import type { CommitCommand, CommitResult } from './group/model/commands.ts';
import { GroupCoordinator } from './group/group-coordinator.ts';
import type { SeededRandom } from './testing/seeded-random.ts';
import { type Plants, Walk } from './testing/walk.ts';

const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

test('in 200 random lives each partition has one owner per generation, no commit is lost, and every group settles', async () => {
  for (const seed of SEEDS) {
    const violations = await Walk.live(seed);
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
});

test('the same holds in 200 random lives of a consumer group', async () => {
  for (const seed of SEEDS) {
    const violations = await Walk.live(seed, { protocol: 'consumer' });
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
});

test('and in 200 of a group with members of both protocols', async () => {
  for (const seed of SEEDS) {
    const violations = await Walk.live(seed, { protocol: 'mixed' });
    expect({ seed, violations }).toEqual({ seed, violations: [] });
  }
});

const protocols = ['classic', 'consumer', 'mixed'] as const;

test.each(protocols)('a coordinator that accepts commits of past generations is found: %s', async (protocol) => {
  class TakesStaleCommits extends GroupCoordinator {
    override async commitOffsets(command: CommitCommand): Promise<CommitResult> {
      const result = await super.commitOffsets(command);
      const error = result.topics[0]?.partitions[0]?.error;
      const isStale = error === ErrorCode.ILLEGAL_GENERATION || error === ErrorCode.STALE_MEMBER_EPOCH;
      return isStale && command.generation < 1_000
        ? this.commitOffsets({ ...command, generation: command.generation + 1 })
        : result;
    }
  }
  const found = await firstFound({ protocol, make: (deps) => new TakesStaleCommits(deps) });
  expect(found).toContainEqual(expect.stringContaining('was committed after'));
});

test.each(protocols)('a coordinator without session timers for some members is found: %s', async (protocol) => {
  const forgets = (clock: Clock, random: SeededRandom): Clock => ({
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (delayMs, run) => clock.after(delayMs, delayMs > 4_000 && random.chance(0.2) ? () => {} : run),
  });
  const found = await firstFound({ protocol, clockOfCoordinator: forgets });
  expect(found).toContainEqual(expect.stringMatching(/live consumers/));
});

/** The violations of the first seed that has any; none within 200 is an empty list. */
async function firstFound(plants: Plants): Promise<string[]> {
  for (const seed of SEEDS) {
    const violations = await Walk.live(seed, plants);
    if (violations.length > 0) return violations;
  }
  return [];
}
