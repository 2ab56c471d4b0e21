// From a truck's state and a position to its next state and the resulting alerts. Pure: the same records give the same
// alerts with the same ids, however often they are read.
import { type ArrivalsSoFar, arrivalOf, believedTime, type Position } from '@milepost/fleet';
import { type Alert, alertId } from './alert.ts';
import { decelerationOf, isCoolingDown, judge, judgeLate, type Moment } from './judgement.ts';
import type { Rule } from './rule.ts';
import type { RuleSet, TruckRules } from './rule-set.ts';
import { type RuleState, ruleStateOf, type TruckState } from './truck-state.ts';

export interface Observation {
  readonly partition: number;
  readonly offset: number;
  /** The record's timestamp, ms since 1970. */
  readonly heardMs: number;
  readonly position: Position;
  /** Who was authenticated as the sender of the record; undefined: nobody. */
  readonly principal?: string | undefined;
}

export interface Outcome {
  readonly state: TruckState;
  readonly alerts: readonly Alert[];
}

/** Since when silence can be measured, and the present time, ms since 1970. */
export interface Watch {
  readonly watchingSinceMs: number;
  readonly nowMs: number;
}

/** A position arrived. If it ends a silence that was not noticed before, that is an alert too. */
export function observed(rules: RuleSet, before: TruckState | undefined, seen: Observation, watch: Watch): Outcome {
  // The earlier of two clocks: a gateway's clock that was set ahead makes no truck silent.
  const nowMs = Math.min(watch.nowMs, seen.heardMs);
  const canBeSilent = before !== undefined && before.lastHeardMs <= nowMs;
  const silence = canBeSilent ? unheard(rules, before, seen.partition, { ...watch, nowMs }) : undefined;
  const outcome = heard(rules, silence?.state ?? before, seen);
  return silence ? { state: outcome.state, alerts: [...silence.alerts, ...outcome.alerts] } : outcome;
}

/**
 * A position that was taken before the newest one (a device that stored it, or that sends its newest first) shows that
 * the truck is alive, but not where it is now: it is judged in the truck's history, by rules that ask for that.
 */
export function heard(rules: RuleSet, before: TruckState | undefined, seen: Observation): Outcome {
  const { position, heardMs } = seen;
  const { isNewest, soFar, timeMs } = arrivalOf(position.ts, heardMs, before && arrivalsOf(before));
  const own = rules.rulesOf(position.truckId);
  return before && !isNewest ? late(own, before, seen, soFar, timeMs) : newest(own, before, seen, soFar, timeMs);
}

const arrivalsOf = ({ arrivals, lastPosition, lastHeardMs }: TruckState): ArrivalsSoFar =>
  arrivals ?? arrivalOf(lastPosition.ts, lastHeardMs, undefined).soFar;

function newest(
  { positions, silences }: TruckRules,
  before: TruckState | undefined,
  seen: Observation,
  arrivals: ArrivalsSoFar,
  timeMs: number,
): Outcome {
  const { position, offset, heardMs, principal } = seen;
  const moment: Moment = { position, timeMs, previous: before && previousOf(before) };
  const states: Record<string, RuleState> = {};
  const alerts: Alert[] = [];
  for (const prepared of positions) {
    const { rule } = prepared;
    const { fires, state } = judge(prepared, ruleStateOf(before, rule), moment);
    if (state) states[rule.id] = state;
    if (fires) alerts.push(alertOf(rule, { ...seen, noticedMs: heardMs, message: messageOf(rule, moment) }));
  }
  for (const { rule } of silences) keepSilence(states, rule, before);
  const state: TruckState = {
    truckId: position.truckId,
    lastOffset: offset,
    lastHeardMs: heardMs,
    lastPosition: position,
    lastTimeMs: timeMs,
    arrivals,
    rules: states,
    ...(principal !== undefined && { lastPrincipal: principal }),
  };
  return { state, alerts };
}

const previousOf = ({ lastHeardMs, lastPosition, lastTimeMs }: TruckState): Moment['previous'] => ({
  position: lastPosition,
  timeMs: lastTimeMs ?? believedTime(lastPosition.ts, lastHeardMs).timeMs,
});

/** It is not silent any more, but the cool-down goes on. */
function keepSilence(states: Record<string, RuleState>, rule: Rule, before: TruckState | undefined): void {
  const alertedMs = ruleStateOf(before, rule)?.alertedMs;
  if (alertedMs === undefined) delete states[rule.id];
  else states[rule.id] = { version: rule.version, alertedMs };
}

function late(
  { positions, silences }: TruckRules,
  before: TruckState,
  seen: Observation,
  arrivals: ArrivalsSoFar,
  timeMs: number,
): Outcome {
  const { position, offset, heardMs } = seen;
  const states: Record<string, RuleState> = {};
  const alerts: Alert[] = [];
  for (const prepared of positions) {
    const { rule } = prepared;
    const { fires, state } = judgeLate(prepared, ruleStateOf(before, rule), position, timeMs);
    if (state) states[rule.id] = state;
    if (!fires) continue;
    const message = messageOf(rule, { position, timeMs });
    alerts.push({ ...alertOf(rule, { ...seen, noticedMs: timeMs, message }), late: true });
  }
  for (const { rule } of silences) keepSilence(states, rule, before);
  return { state: { ...before, lastOffset: offset, lastHeardMs: heardMs, arrivals, rules: states }, alerts };
}

/**
 * Time has passed and nothing was received. Undefined: no rule fires. If a truck was last heard in the future, the wall
 * clock was set back since: its silence counts from when this process began to watch.
 */
export function unheard(
  rules: RuleSet,
  before: TruckState,
  partition: number,
  { watchingSinceMs, nowMs }: Watch,
): Outcome | undefined {
  const { silences } = rules.rulesOf(before.truckId);
  if (silences.length === 0) return undefined;
  const heardMs = before.lastHeardMs > nowMs ? watchingSinceMs : before.lastHeardMs;
  const silentFromMs = Math.max(heardMs, watchingSinceMs);
  const states: Record<string, RuleState> = {};
  const alerts: Alert[] = [];
  for (const prepared of silences) {
    const { rule } = prepared;
    const dueMs = silentFromMs + rule.afterSeconds * 1000;
    const known = ruleStateOf(before, rule);
    if (dueMs > nowMs || known?.firing || !prepared.isActive(nowMs)) continue;
    const noticedMs = rule.schedule ? nowMs : dueMs;
    const raises = !isCoolingDown(prepared, known, noticedMs);
    const alertedMs = raises && rule.coolDownSeconds !== undefined ? noticedMs : known?.alertedMs;
    states[rule.id] = { version: rule.version, firing: true, ...(alertedMs !== undefined && { alertedMs }) };
    if (!raises) continue;
    const message = `${before.truckId} has been silent since ${readable(before.lastHeardMs)}`;
    const { lastOffset: offset, lastPosition: position, lastPrincipal: principal } = before;
    alerts.push(alertOf(rule, { partition, offset, noticedMs, position, principal, message }));
  }
  if (Object.keys(states).length === 0) return undefined;
  return { state: { ...before, rules: { ...before.rules, ...states } }, alerts };
}

/** 2026-11-23 10:00:05 UTC */
const readable = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

function messageOf(rule: Rule, moment: Moment): string {
  const { batteryPct, fuelPct, speedKmh, truckId } = moment.position;
  switch (rule.kind) {
    case 'speeding':
      return `${truckId} drives ${Math.round(speedKmh ?? 0)} km/h, limit ${rule.limitKmh}`;
    case 'geofence':
      return `${truckId} ${rule.event === 'enter' ? 'entered' : 'left'} ${rule.name}`;
    case 'corridor':
      return `${truckId} left ${rule.name}`;
    case 'stopped':
      return `${truckId} has stood still for ${duration(rule.afterSeconds)}`;
    case 'harsh-braking':
      return `${truckId} braked with ${decelerationOf(moment).toFixed(1)} m/s², limit ${rule.decelerationMps2}`;
    case 'low-battery':
      return `${truckId} has ${batteryPct} % of battery left, limit ${rule.belowPct}`;
    case 'low-fuel':
      return `${truckId} has ${fuelPct} % of fuel left, limit ${rule.belowPct}`;
    case 'ignition':
      return `${truckId} has its ignition on (${rule.name})`;
    case 'silence':
      return '';
  }
}

const duration = (seconds: number): string => (seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);

interface Cause extends Omit<Observation, 'heardMs'> {
  readonly noticedMs: number;
  readonly message: string;
}

function alertOf(rule: Rule, { partition, offset, noticedMs, position, principal, message }: Cause): Alert {
  return {
    alertId: alertId(rule.id, partition, offset),
    rule: rule.id,
    ruleName: rule.name,
    ruleVersion: rule.version,
    kind: rule.kind,
    ...(rule.kind === 'geofence' && { event: rule.event }),
    truckId: position.truckId,
    ts: new Date(noticedMs).toISOString(),
    message,
    position,
    ...(principal !== undefined && { principal }),
  };
}
