// Evaluates the rules for the positions of a partition, exactly once in effect: the store refuses a step whose expected
// offset is not the stored one, so a record that is reread (a crash, a rebalance) changes nothing.
import type { Clock } from '@milepost/core';
import type { Alert } from './alert.ts';
import { type Observation, observed, unheard } from './evaluation.ts';
import type { AlertStore, PartitionStep } from './ports.ts';
import type { RuleSet } from './rule-set.ts';
import type { TruckState } from './truck-state.ts';

export interface RuleEngineOptions {
  readonly store: AlertStore;
  readonly clock: Clock;
  readonly channels: readonly string[];
  /** The rules in force. Each evaluation uses one set from its beginning to its end. */
  readonly rules: () => RuleSet;
}

interface Memory {
  nextOffset: number;
  readonly trucks: Map<string, TruckState>;
  /** Since when there has been no unread backlog: silence before that is ours, not the truck's. */
  watchingSinceMs: number;
}

/** Records that are this old when they are read indicate a backlog. */
const BACKLOG_AGE_MS = 5_000;
/** A wall clock that gains or loses this much between two ticks was set. */
const CLOCK_STEP_MS = 5_000;
/** Limits the time of one transaction: if a whole fleet falls silent together, it is written in several. */
export const STATES_PER_TRANSACTION = 2_000;
/** Attempts that another process overtook before the step fails. */
const OVERTAKEN_LIMIT = 5;

export class RuleEngine {
  readonly #options: RuleEngineOptions;
  readonly #partitions = new Map<number, Memory>();
  /** How far the wall clock was ahead of the monotonic one at the last tick. */
  #clockLeadMs: number | undefined;

  constructor(options: RuleEngineOptions) {
    this.#options = options;
  }

  /**
   * Processes the records that a consumer has fetched, each partition once: more records at a time mean fewer
   * transactions.
   */
  async process(batches: readonly Batch[]): Promise<readonly Alert[]> {
    const raised: Alert[] = [];
    for (const portion of portionsOf(batches)) raised.push(...(await this.#processTogether(portion)));
    return raised;
  }

  /** Finds all trucks that have fallen silent. */
  async tick(partitions: Iterable<number>): Promise<readonly Alert[]> {
    const raised: Alert[] = [];
    const all = [...partitions];
    this.#noticeClock();
    for (let isMore = true; isMore; ) {
      const rules = this.#options.rules();
      const nowMs = this.#options.clock.now();
      let room = STATES_PER_TRANSACTION;
      const decisions = all.map(
        (partition): Deciding => [
          partition,
          ({ nextOffset, trucks, watchingSinceMs }) => {
            const states = new Map<string, TruckState>();
            const alerts: Alert[] = [];
            for (const before of trucks.values()) {
              if (room === 0) break;
              const outcome = unheard(rules, before, partition, { watchingSinceMs, nowMs });
              if (!outcome) continue;
              room--;
              states.set(before.truckId, outcome.state);
              alerts.push(...outcome.alerts);
            }
            return { states, alerts, nextOffset };
          },
        ],
      );
      raised.push(...(await this.#step(decisions)));
      isMore = room === 0;
    }
    return raised;
  }

  /** After the wall clock was set, silence counts from now on: the time before cannot be measured. */
  #noticeClock(): void {
    const { clock } = this.#options;
    const nowMs = clock.now();
    const leadMs = nowMs - clock.monotonic();
    const wasSet = Math.abs(leadMs - (this.#clockLeadMs ?? leadMs)) > CLOCK_STEP_MS;
    this.#clockLeadMs = leadMs;
    if (wasSet) for (const memory of this.#partitions.values()) memory.watchingSinceMs = nowMs;
  }

  async #processTogether(batches: readonly Batch[]): Promise<readonly Alert[]> {
    const rules = this.#options.rules();
    const nowMs = this.#options.clock.now();
    this.#noticeClock();
    const decisions = batches.map(
      ({ partition, seen, nextOffset }): Deciding => [
        partition,
        (memory) => {
          if (nowMs - (seen.at(-1)?.heardMs ?? nowMs) > BACKLOG_AGE_MS) memory.watchingSinceMs = nowMs;
          const states = new Map<string, TruckState>();
          const alerts: Alert[] = [];
          for (const observation of seen) {
            if (observation.offset < memory.nextOffset) continue;
            const { truckId } = observation.position;
            const before = states.get(truckId) ?? memory.trucks.get(truckId);
            const { watchingSinceMs } = memory;
            const outcome = observed(rules, before, observation, { watchingSinceMs, nowMs });
            states.set(truckId, outcome.state);
            alerts.push(...outcome.alerts);
          }
          return { states, alerts, nextOffset: Math.max(nextOffset, memory.nextOffset) };
        },
      ],
    );
    return this.#step(decisions);
  }

  /** All partitions in one transaction; those that another process has overtaken are decided again, on its state. */
  async #step(decisions: readonly Deciding[]): Promise<readonly Alert[]> {
    const raised: Alert[] = [];
    let open = decisions;
    for (let overtaken = 0; open.length > 0 && overtaken < OVERTAKEN_LIMIT; overtaken++) {
      const memories: Memory[] = [];
      for (const [partition] of open) memories.push(await this.#memory(partition));
      const steps = open.flatMap(
        ([partition, decide], at) => this.#stepOf(memories[at] as Memory, partition, decide) ?? [],
      );
      const moved = new Set(steps.length > 0 ? await this.#options.store.commit(steps.map(({ step }) => step)) : []);
      const left = new Set<number>();
      for (const { memory, step } of steps) {
        if (moved.has(step.partition)) {
          for (const state of step.states) memory.trucks.set(state.truckId, state);
          memory.nextOffset = step.nextOffset;
          raised.push(...step.alerts);
        } else {
          this.#partitions.delete(step.partition);
          left.add(step.partition);
        }
      }
      open = open.filter(([partition]) => left.has(partition));
    }
    if (open.length === 0) return raised;
    throw new Error(
      `partition ${open.map(([partition]) => partition).join(', ')}: another process keeps moving its rules' progress; ` +
        "is the group's id used twice?",
    );
  }

  /** Undefined if nothing has changed. */
  #stepOf(memory: Memory, partition: number, decide: Decide): Step | undefined {
    const { alerts, nextOffset, states } = decide(memory);
    const expectedOffset = memory.nextOffset;
    if (states.size === 0 && nextOffset === expectedOffset) return undefined;
    const { channels } = this.#options;
    const step = { partition, expectedOffset, nextOffset, states: [...states.values()], alerts, channels };
    return { memory, step };
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
}

/** Records of one partition, in order, up to `nextOffset` (exclusive). Records that are not positions are skipped. */
export interface Batch {
  readonly partition: number;
  readonly seen: readonly Observation[];
  readonly nextOffset: number;
}

/** Splits the batches into parts with at most as many records, those of a partition in order. */
function* portionsOf(batches: readonly Batch[]): Iterable<readonly Batch[]> {
  let portion: Batch[] = [];
  let room = STATES_PER_TRANSACTION;
  for (const { partition, seen, nextOffset } of batches) {
    let from = 0;
    do {
      const part = seen.slice(from, from + room);
      from += part.length;
      room -= part.length;
      const last = from < seen.length ? part.at(-1) : undefined;
      portion.push({ partition, seen: part, nextOffset: last ? last.offset + 1 : nextOffset });
      if (room > 0) continue;
      yield portion;
      portion = [];
      room = STATES_PER_TRANSACTION;
    } while (from < seen.length);
  }
  if (portion.length > 0) yield portion;
}

type Decide = (memory: Memory) => Decision;
type Deciding = readonly [partition: number, decide: Decide];

interface Step {
  readonly memory: Memory;
  readonly step: PartitionStep;
}

interface Decision {
  readonly states: ReadonlyMap<string, TruckState>;
  readonly alerts: readonly Alert[];
  readonly nextOffset: number;
}
