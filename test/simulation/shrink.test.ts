// A failing life is made smaller, and goes on failing in the same way.
import { type Conditions, type Outcome, simulate } from '@milepost/simulator';
import { shrink } from './shrink.ts';

const lies: Conditions = {
  scenario: {
    groups: [],
    selfAssignedConsumers: 0,
    faults: ['power cut', 'network cut'],
    faultPauseMs: 1_000,
    chaosMs: 12_000,
    calmMs: 500,
  },
  plants: {
    disk: (disk) => {
      disk.syncIsALie = (path) => path.endsWith('.log');
    },
  },
};

test('what is left of a failing life fails in the same way, with fewer faults, and again when it is repeated', async () => {
  const failing = await firstFailing();
  const { outcome, conditions, attempts } = await shrink(failing, lies, 12);
  expect(attempts).toBeLessThanOrEqual(12);
  expect(outcome.violation?.checker).toBe(failing.violation?.checker);
  expect(outcome.faults - (conditions.withoutFaults?.length ?? 0)).toBeLessThan(failing.faults);
  expect((await simulate(failing.seed, conditions)).hash).toBe(outcome.hash);
});

async function firstFailing(): Promise<Outcome> {
  for (let seed = 1; ; seed++) {
    const outcome = await simulate(seed, lies);
    if (outcome.violation && outcome.faults > 3) return outcome;
  }
}
