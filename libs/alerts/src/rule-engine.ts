// Feeds the positions of a partition through the rules, exactly once in effect: the store refuses a step whose expected
// offset is not the stored one, so a record read again (a crash, a rebalance) changes nothing.
import type { Clock } from '@milepost/core';
import type { Alert } from './alert.ts';
import { heard, type Observation, unheard } from './evaluation.ts';
import type { AlertStore, PartitionStep } from './ports.ts';
import type { Rule } from './rule.ts';
import type { TruckState } from './truck-state.ts';

export interface RuleEngineOptions {
  readonly store: AlertStore;
  readonly clock: Clock;
  readonly channels: readonly string[];
}

interface Memory {
  nextOffset: number;
  readonly trucks: Map<string, TruckState>;
  /** Since when it is known that nothing waits unread: silence before that is ours, not the truck's. */
  watchingSinceMs: number;
}

/** How long rules may be out of date after somebody changed them. */
const RULES_MAX_AGE_MS = 5_000;
/** Records this old when they are read mean that there is a backlog. */
const BACKLOG_AGE_MS = 5_000;
/** Steps that another process overtook, before it is called a fault. */
const OVERTAKEN_LIMIT = 5;

export class RuleEngine {
  readonly #options: RuleEngineOptions;
  readonly #partitions = new Map<number, Memory>();
  #rules: { readonly list: readonly Rule[]; readonly readAtMs: number } | undefined;

  constructor(options: RuleEngineOptions) {
    this.#options = options;
  }

  /** Records of one partition, in order, up to `nextOffset` exclusive (records that hold no position are passed over). */
  async process(partition: number, seen: readonly Observation[], nextOffset: number): Promise<readonly Alert[]> {
    const rules = await this.#currentRules();
    const nowMs = this.#options.clock.now();
    return this.#step(partition, (memory) => {
      if (nowMs - (seen.at(-1)?.heardMs ?? nowMs) > BACKLOG_AGE_MS) memory.watchingSinceMs = nowMs;
      const states = new Map<string, TruckState>();
      const alerts: Alert[] = [];
      for (const observation of seen) {
        if (observation.offset < memory.nextOffset) continue;
        const { truckId } = observation.position;
        const outcome = heard(rules, states.get(truckId) ?? memory.trucks.get(truckId), observation);
        states.set(truckId, outcome.state);
        alerts.push(...outcome.alerts);
      }
      return { states, alerts, nextOffset: Math.max(nextOffset, memory.nextOffset) };
    });
  }

  /** Looks for trucks that have fallen silent. */
  async tick(partitions: Iterable<number>): Promise<readonly Alert[]> {
    const rules = await this.#currentRules();
    const nowMs = this.#options.clock.now();
    const found: Alert[] = [];
    for (const partition of partitions)
      found.push(
        ...(await this.#step(partition, (memory) => {
          const { trucks, watchingSinceMs } = memory;
          const outcomes = [...trucks.values()].flatMap(
            (state) => unheard(rules, state, partition, { watchingSinceMs, nowMs }) ?? [],
          );
          const states = new Map(outcomes.map(({ state }) => [state.truckId, state]));
          return { states, alerts: outcomes.flatMap(({ alerts }) => alerts), nextOffset: memory.nextOffset };
        })),
      );
    return found;
  }

  async #step(partition: number, decide: (memory: Memory) => Decision): Promise<readonly Alert[]> {
    for (let overtaken = 0; overtaken < OVERTAKEN_LIMIT; overtaken++) {
      const memory = await this.#memory(partition);
      const { states, alerts, nextOffset } = decide(memory);
      if (states.size === 0 && nextOffset === memory.nextOffset) return [];
      const step: PartitionStep = {
        partition,
        expectedOffset: memory.nextOffset,
        nextOffset,
        states: [...states.values()],
        alerts,
        channels: this.#options.channels,
      };
      if (await this.#options.store.commit(step)) {
        for (const [truckId, state] of states) memory.trucks.set(truckId, state);
        memory.nextOffset = nextOffset;
        return alerts;
      }
      this.#partitions.delete(partition);
    }
    throw new Error(
      `partition ${partition}: another process keeps moving its rules' progress; is the group's id used twice?`,
    );
  }

  async #memory(partition: number): Promise<Memory> {
    const known = this.#partitions.get(partition);
    if (known) return known;
    const { nextOffset, states } = await this.#options.store.load(partition);
    const trucks = new Map(states.map((state) => [state.truckId, state]));
    const memory = { nextOffset, trucks, watchingSinceMs: this.#options.clock.now() };
    this.#partitions.set(partition, memory);
    return memory;
  }

  async #currentRules(): Promise<readonly Rule[]> {
    const nowMs = this.#options.clock.monotonic();
    if (!this.#rules || nowMs - this.#rules.readAtMs > RULES_MAX_AGE_MS)
      this.#rules = { list: await this.#options.store.rules(), readAtMs: nowMs };
    return this.#rules.list;
  }
}

interface Decision {
  readonly states: ReadonlyMap<string, TruckState>;
  readonly alerts: readonly Alert[];
  readonly nextOffset: number;
}
