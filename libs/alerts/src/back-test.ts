// What would this rule have raised? Plays a stretch of the log through the evaluation that live positions go through, with
// a memory of its own. It works in small steps with a pause after each, holds a bounded number of alerts, and stops
// where its caller stops reading. It never touches a store, a channel, or a group's offsets.
//
// A live run sees more than the log: it does not count the time in which it was down as silence.
import type { Clock } from '@milepost/core';
import type { Alert } from './alert.ts';
import { heard, type Observation, type Outcome, unheard } from './evaluation.ts';
import type { Rule } from './rule.ts';
import { RuleSet } from './rule-set.ts';
import type { TruckState } from './truck-state.ts';

export interface LoggedRecord {
  readonly partition: number;
  /** ms since 1970: when the gateway received it. */
  readonly timestamp: number;
  readonly key: Buffer | null;
}

export interface BackTestOptions<Logged extends LoggedRecord> {
  readonly rule: Rule;
  /** Batches of one partition each, in order; one partition after the other. */
  readonly log: AsyncIterable<readonly Logged[]>;
  /** Called with each batch before its records are observed. */
  readonly prepare?: (records: readonly Logged[]) => Promise<void> | undefined;
  /** Undefined: the record is not a position. */
  readonly observe: (record: Logged) => Observation | undefined;
  /** Times at which positions were received, ends included. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of the log, for the progress. */
  readonly partitions: number;
  readonly mostAlerts: number;
  readonly clock: Clock;
}

export type BackTestEvent =
  | { readonly kind: 'progress'; readonly positions: number; readonly alerts: number; readonly fraction: number }
  /** In the order of the log: of one partition after the other. */
  | { readonly kind: 'alert'; readonly alert: Alert }
  /** `isCut`: it ended at the greatest number of alerts. */
  | { readonly kind: 'end'; readonly positions: number; readonly alerts: number; readonly isCut: boolean };

/** A step is short enough for the requests and positions that wait meanwhile. */
const STEP_RECORDS = 500;
const PROGRESS_MS = 500;

export async function* backTest<Logged extends LoggedRecord>(
  options: BackTestOptions<Logged>,
): AsyncGenerator<BackTestEvent, void, undefined> {
  const { clock, fromMs, log, mostAlerts, partitions, toMs } = options;
  const replay = new Replay(options.rule, toMs);
  let [positions, alerts, toldAtMs] = [0, 0, clock.monotonic()];
  let place: { readonly partition: number; readonly timeMs: number } | undefined;
  for await (const batch of log) {
    await options.prepare?.(batch);
    for (let at = 0; at < batch.length; at += STEP_RECORDS) {
      const beganMs = clock.monotonic();
      const step = batch.slice(at, at + STEP_RECORDS);
      const [first, last] = [step[0] as Logged, step.at(-1) as Logged];
      const raised = place && place.partition !== first.partition ? replay.endPartition() : [];
      place = { partition: last.partition, timeMs: last.timestamp };
      for (const record of step) {
        if (record.timestamp > toMs || !replay.appliesTo(record.key?.toString() ?? '')) continue;
        const seen = options.observe(record);
        if (!seen) continue;
        positions++;
        raised.push(...replay.position(seen));
      }
      for (const alert of raised) {
        if (alerts === mostAlerts) return yield { kind: 'end', positions, alerts, isCut: true };
        alerts++;
        yield { kind: 'alert', alert };
      }
      if (clock.monotonic() - toldAtMs >= PROGRESS_MS) {
        toldAtMs = clock.monotonic();
        const passed = Math.min(1, Math.max(0, (place.timeMs - fromMs) / Math.max(1, toMs - fromMs)));
        yield { kind: 'progress', positions, alerts, fraction: Math.min(1, (place.partition + passed) / partitions) };
      }
      await pause(clock, clock.monotonic() - beganMs);
    }
  }
  for (const alert of replay.endPartition()) {
    if (alerts === mostAlerts) return yield { kind: 'end', positions, alerts, isCut: true };
    alerts++;
    yield { kind: 'alert', alert };
  }
  yield { kind: 'end', positions, alerts, isCut: false };
}

/** At least as much rest as work, so that a live run beside it keeps half of the processor. */
const pause = (clock: Clock, workedMs: number): Promise<void> =>
  new Promise((resolve) => void clock.after(Math.max(1, workedMs), resolve));

const MINUTE_MS = 60_000;
/** A schedule repeats itself. */
const WEEK_MS = 7 * 24 * 3_600_000;

/** The states of one partition's trucks. */
class Replay {
  readonly #rules: RuleSet;
  readonly #rule: Rule;
  readonly #toMs: number;
  readonly #trucks = new Map<string, { state: TruckState; readonly partition: number }>();

  constructor(rule: Rule, toMs: number) {
    this.#rule = { ...rule, enabled: true };
    this.#rules = new RuleSet(rule.version, [this.#rule]);
    this.#toMs = toMs;
  }

  appliesTo(truckId: string): boolean {
    const { positions, silences } = this.#rules.rulesOf(truckId);
    return positions.length + silences.length > 0;
  }

  position(seen: Observation): Alert[] {
    const { truckId } = seen.position;
    const known = this.#trucks.get(truckId)?.state;
    const silence = known && this.#silence(known, seen.partition, seen.heardMs);
    const { alerts, state } = heard(this.#rules, silence?.state ?? known, seen);
    this.#trucks.set(truckId, { state, partition: seen.partition });
    return [...(silence?.alerts ?? []), ...alerts];
  }

  /** Trucks that were silent until the end. */
  endPartition(): Alert[] {
    const trucks = [...this.#trucks.values()];
    this.#trucks.clear();
    return trucks.flatMap(({ partition, state }) => [...(this.#silence(state, partition, this.#toMs)?.alerts ?? [])]);
  }

  /** Live, a tick every second notices silence. Here the times at which one could notice it are visited. */
  #silence(before: TruckState, partition: number, untilMs: number): Outcome | undefined {
    if (this.#rule.kind !== 'silence' || before.lastHeardMs > untilMs) return undefined;
    const at = (nowMs: number) => unheard(this.#rules, before, partition, { watchingSinceMs: 0, nowMs });
    if (!this.#rule.schedule) return at(untilMs);
    const dueMs = before.lastHeardMs + this.#rule.afterSeconds * 1000;
    const endMs = Math.min(untilMs, dueMs + WEEK_MS);
    for (let timeMs = dueMs; timeMs <= endMs; timeMs = (Math.floor(timeMs / MINUTE_MS) + 1) * MINUTE_MS) {
      const outcome = at(timeMs);
      if (outcome) return outcome;
    }
    return undefined;
  }
}
