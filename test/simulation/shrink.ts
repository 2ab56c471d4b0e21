// Makes a failing life smaller while it goes on failing in the same way: fewer faults, fewer clients, a shorter time. What
// is left is what somebody has to understand.
import { type Conditions, type Outcome, type Scenario, simulate } from '@milepost/simulator';

export interface Shrunk {
  readonly outcome: Outcome;
  readonly conditions: Conditions;
  readonly attempts: number;
}

const MOST_ATTEMPTS = 120;

/** `failing` is what the seed came to under these conditions. */
export async function shrink(failing: Outcome, conditions: Conditions, mostAttempts = MOST_ATTEMPTS): Promise<Shrunk> {
  const shrinking = new Shrinking(failing, conditions, mostAttempts);
  await shrinking.run();
  return shrinking;
}

class Shrinking implements Shrunk {
  outcome: Outcome;
  conditions: Conditions;
  attempts = 0;
  readonly #mostAttempts: number;

  constructor(failing: Outcome, conditions: Conditions, mostAttempts: number) {
    this.#mostAttempts = mostAttempts;
    this.outcome = failing;
    this.conditions = conditions;
  }

  async run(): Promise<void> {
    for (let goesOn = true; goesOn && this.#hasPatience; ) {
      goesOn = await this.#withFewerFaults();
      for (const smaller of smallerThan(this.outcome.scenario)) {
        const scenario = { ...this.conditions.scenario, ...smaller };
        if (await this.#fails({ ...this.conditions, scenario })) goesOn = true;
      }
    }
  }

  get #hasPatience(): boolean {
    return this.attempts < this.#mostAttempts;
  }

  /** Many at once, then fewer, then one after the other. */
  async #withFewerFaults(): Promise<boolean> {
    let hasLeftOut = false;
    const { faults } = this.outcome;
    for (let size = Math.ceil(faults / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
      for (let from = 0; from < faults; from += size) {
        const without = this.conditions.withoutFaults ?? [];
        const more = numbers(from, Math.min(from + size, faults)).filter((one) => !without.includes(one));
        if (more.length > 0 && (await this.#fails({ ...this.conditions, withoutFaults: [...without, ...more] })))
          hasLeftOut = true;
      }
    return hasLeftOut;
  }

  async #fails(conditions: Conditions): Promise<boolean> {
    if (!this.#hasPatience) return false;
    this.attempts++;
    const outcome = await simulate(this.outcome.seed, conditions);
    if (outcome.violation?.checker !== this.outcome.violation?.checker) return false;
    this.outcome = outcome;
    this.conditions = conditions;
    return true;
  }
}

const numbers = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, at) => from + at);

const CLIENTS = [
  'idempotentProducers',
  'plainProducers',
  'readers',
  'sessionReaders',
  'selfAssignedConsumers',
  'stalledReaders',
] as const;

function* smallerThan(scenario: Scenario): Iterable<Partial<Scenario>> {
  if (scenario.groups.length > 0) yield { groups: [] };
  for (const clients of CLIENTS) if (scenario[clients] > 0) yield { [clients]: 0 };
  for (const clients of CLIENTS) if (scenario[clients] > 1) yield { [clients]: 1 };
  if (scenario.topics.length > 1) yield { topics: scenario.topics.slice(0, 1) };
  if (scenario.topics.some(({ partitions }) => partitions > 1))
    yield { topics: scenario.topics.map((topic) => ({ ...topic, partitions: 1 })) };
  if (scenario.deletesRecords) yield { deletesRecords: false };
  if (scenario.movesReplicas) yield { movesReplicas: false };
  if (scenario.fillerBytes > 0) yield { fillerBytes: 0 };
  if (scenario.chaosMs > 4_000) yield { chaosMs: Math.ceil(scenario.chaosMs / 2) };
}
