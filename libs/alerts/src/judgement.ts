// What one rule thinks of one position: whether it fires, and what it remembers. Pure.
import { distanceM, type Position } from '@milepost/fleet';
import { place } from './late-history.ts';
import type { PreparedRule } from './rule-set.ts';
import type { RuleState } from './truck-state.ts';

export interface Moment {
  readonly position: Position;
  /** When it was taken, as far as the device is believed, ms since 1970. */
  readonly timeMs: number;
  /** The newest position before it. */
  readonly previous?: { readonly position: Position; readonly timeMs: number } | undefined;
}

export interface Judgement {
  /** Undefined: there is nothing to remember. */
  readonly state: RuleState | undefined;
  readonly fires: boolean;
}

/** A value must be this far on the other side of the limit before the same rule can fire again: sensors jitter. */
const SPEED_HYSTERESIS_KMH = 5;
const PERCENT_HYSTERESIS = 2;
/** Between positions that are further apart, speed says nothing about braking. */
const BRAKING_WITHIN_MS = 10_000;

/** The newest position of a truck. */
export function judge(prepared: PreparedRule, before: RuleState | undefined, moment: Moment): Judgement {
  const { rule, isActive } = prepared;
  const { timeMs } = moment;
  const verdict = verdictOf(prepared, before, moment);
  const fires = verdict.fires && isActive(timeMs) && !isCoolingDown(prepared, before, timeMs);
  const alertedMs = fires && rule.coolDownSeconds !== undefined ? timeMs : before?.alertedMs;
  const runs = rule.alertLate === true ? place(before?.runs ?? [], timeMs, verdict.holds).runs : undefined;
  return { state: remembered(rule.version, { ...verdict.memory, alertedMs, runs }), fires };
}

/** A position that is older than the newest one. It changes nothing but the history of a rule that asks for late alerts. */
export function judgeLate(
  prepared: PreparedRule,
  before: RuleState | undefined,
  position: Position,
  timeMs: number,
): Judgement {
  const { rule, isActive } = prepared;
  if (rule.alertLate !== true) return { state: before, fires: false };
  const isEdge = rule.kind === 'geofence' || rule.kind === 'corridor';
  const { holds } = verdictOf(prepared, undefined, { position, timeMs });
  const { heldBefore, isNew, runs } = place(before?.runs ?? [], timeMs, holds);
  const begins = holds && isNew && (!isEdge || heldBefore === false);
  const fires = begins && isActive(timeMs) && !isCoolingDown(prepared, before, timeMs);
  const alertedMs = fires && rule.coolDownSeconds !== undefined ? timeMs : before?.alertedMs;
  return { state: remembered(rule.version, { ...before, alertedMs, runs }), fires };
}

interface Verdict {
  readonly fires: boolean;
  /** The condition is met, whether or not that is news. */
  readonly holds: boolean;
  readonly memory: Pick<RuleState, 'firing' | 'inside' | 'stop'>;
}

function verdictOf({ contains, isActive, rule }: PreparedRule, before: RuleState | undefined, moment: Moment): Verdict {
  const { position, timeMs } = moment;
  const wasFiring = before?.firing === true;
  /** A condition that lasts: it fires when it begins. Unknown: as before. */
  const lasting = (holdsNow: boolean | undefined, memory: Verdict['memory'] = {}): Verdict => {
    const holds = isActive(timeMs) && (holdsNow ?? wasFiring);
    return { fires: holds && !wasFiring, holds, memory: holds ? { ...memory, firing: true } : memory };
  };
  switch (rule.kind) {
    case 'speeding': {
      const limit = wasFiring ? rule.limitKmh - SPEED_HYSTERESIS_KMH : rule.limitKmh;
      if (!contains(position)) return lasting(false);
      return lasting(position.speedKmh === undefined ? undefined : position.speedKmh > limit);
    }
    case 'low-battery':
      return lasting(isBelow(position.batteryPct, rule.belowPct, wasFiring));
    case 'low-fuel':
      return lasting(isBelow(position.fuelPct, rule.belowPct, wasFiring));
    case 'ignition':
      return lasting(position.ignition);
    case 'stopped': {
      if (!contains(position)) return lasting(false);
      const known = before?.stop;
      const stays = known !== undefined && known.sinceMs <= timeMs && distanceM(known, position) <= rule.radiusM;
      const stop = stays ? known : { lat: position.lat, lon: position.lon, sinceMs: timeMs };
      return lasting(timeMs - stop.sinceMs >= rule.afterSeconds * 1000, { stop });
    }
    case 'geofence':
    case 'corridor': {
      const inside = contains(position);
      const holds = inside === (rule.kind === 'geofence' && rule.event === 'enter');
      return { fires: holds && before?.inside === !inside, holds, memory: { inside } };
    }
    case 'harsh-braking': {
      const holds = decelerationOf(moment) >= rule.decelerationMps2;
      return { fires: holds, holds, memory: {} };
    }
    case 'silence':
      return { fires: false, holds: false, memory: {} };
  }
}

function isBelow(percent: number | undefined, limit: number, wasBelow: boolean): boolean | undefined {
  return percent === undefined ? undefined : percent < (wasBelow ? limit + PERCENT_HYSTERESIS : limit);
}

/** In m/s²; 0 if it cannot be known. */
export function decelerationOf({ position, previous, timeMs }: Moment): number {
  const passedMs = previous ? timeMs - previous.timeMs : 0;
  if (passedMs <= 0 || passedMs > BRAKING_WITHIN_MS) return 0;
  const [fromKmh, toKmh] = [previous?.position.speedKmh, position.speedKmh];
  return fromKmh === undefined || toKmh === undefined ? 0 : (fromKmh - toKmh) / 3.6 / (passedMs / 1000);
}

/** By the times of the alerts, in both directions: a late alert may be older than the last one. */
export function isCoolingDown({ rule }: PreparedRule, before: RuleState | undefined, timeMs: number): boolean {
  const alertedMs = before?.alertedMs;
  return alertedMs !== undefined && Math.abs(timeMs - alertedMs) < (rule.coolDownSeconds ?? 0) * 1000;
}

interface Memory {
  readonly firing?: true | undefined;
  readonly inside?: boolean | undefined;
  readonly stop?: RuleState['stop'] | undefined;
  readonly alertedMs: number | undefined;
  readonly runs: RuleState['runs'] | undefined;
}

function remembered(version: number, { alertedMs, firing, inside, runs, stop }: Memory): RuleState | undefined {
  if (firing === undefined && inside === undefined && stop === undefined && alertedMs === undefined && !runs)
    return undefined;
  return {
    version,
    ...(firing && { firing }),
    ...(inside !== undefined && { inside }),
    ...(stop && { stop }),
    ...(alertedMs !== undefined && { alertedMs }),
    ...(runs && { runs }),
  };
}
