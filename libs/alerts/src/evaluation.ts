// From a truck's state and a position to its next state and the resulting alerts. Pure: the same records give the same
// alerts with the same ids, however often they are read.
import { type ArrivalsSoFar, arrivalOf, isInBox, isInPolygon, type Position } from '@milepost/fleet';
import { type Alert, alertId } from './alert.ts';
import type { Rule } from './rule.ts';
import type { TruckState } from './truck-state.ts';

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

/** A speed must fall this far below the limit before the same rule can fire again: GPS speed jitters. */
const SPEED_HYSTERESIS_KMH = 5;

/**
 * A position arrived. If it was taken before the last one (a device that stored it, or that sends its newest first), it
 * shows that the truck is alive, but not where it is now: no rule is evaluated.
 */
export function heard(rules: readonly Rule[], before: TruckState | undefined, seen: Observation): Outcome {
  const { position, offset, heardMs } = seen;
  const { isNewest, soFar } = arrivalOf(position.ts, heardMs, before && arrivalsOf(before));
  if (before && !isNewest) return { state: heardLate(rules, before, seen, soFar), alerts: [] };
  const firing: string[] = [];
  const inside: string[] = [];
  const alerts: Alert[] = [];
  for (const rule of rules) {
    if (!rule.enabled) continue;
    const wasFiring = before?.firing.includes(rule.id) ?? false;
    const { fires, isInside } = verdictOf(rule, position, wasFiring, before?.inside.includes(rule.id) ?? false);
    if (isInside) inside.push(rule.id);
    if (!fires) continue;
    firing.push(rule.id);
    if (!wasFiring) alerts.push(alertOf(rule, { ...seen, noticedMs: heardMs, message: messageOf(rule, position) }));
  }
  const { truckId } = position;
  const last = { lastOffset: offset, lastHeardMs: heardMs, lastPosition: position };
  const state: TruckState = { truckId, ...last, arrivals: soFar, firing, inside };
  return { state: seen.principal === undefined ? state : { ...state, lastPrincipal: seen.principal }, alerts };
}

const arrivalsOf = ({ arrivals, lastPosition, lastHeardMs }: TruckState): ArrivalsSoFar =>
  arrivals ?? arrivalOf(lastPosition.ts, lastHeardMs, undefined).soFar;

/** It is not silent any more; everything else is unchanged. */
function heardLate(
  rules: readonly Rule[],
  before: TruckState,
  { offset, heardMs }: Observation,
  arrivals: ArrivalsSoFar,
): TruckState {
  const silences = new Set(rules.filter(({ kind }) => kind === 'silence').map(({ id }) => id));
  const firing = before.firing.filter((id) => !silences.has(id));
  return { ...before, lastOffset: offset, lastHeardMs: heardMs, arrivals, firing };
}

/**
 * Time has passed and nothing was received. Undefined: no rule fires. If a truck was last heard in the future, the wall
 * clock was set back since: its silence counts from when this process began to watch.
 */
export function unheard(
  rules: readonly Rule[],
  before: TruckState,
  partition: number,
  { watchingSinceMs, nowMs }: { readonly watchingSinceMs: number; readonly nowMs: number },
): Outcome | undefined {
  const heardMs = before.lastHeardMs > nowMs ? watchingSinceMs : before.lastHeardMs;
  const silentMs = nowMs - Math.max(heardMs, watchingSinceMs);
  const silent = rules.filter(
    (rule) =>
      rule.enabled &&
      rule.kind === 'silence' &&
      silentMs >= rule.afterSeconds * 1000 &&
      !before.firing.includes(rule.id),
  );
  if (silent.length === 0) return undefined;
  const alerts = silent.map((rule) => {
    const message = `${before.truckId} has been silent since ${new Date(before.lastHeardMs).toISOString()}`;
    const { lastOffset: offset, lastPosition: position, lastPrincipal: principal } = before;
    return alertOf(rule, { partition, offset, noticedMs: nowMs, position, principal, message });
  });
  return { state: { ...before, firing: [...before.firing, ...silent.map(({ id }) => id)] }, alerts };
}

interface Verdict {
  readonly fires: boolean;
  readonly isInside: boolean;
}

function verdictOf(rule: Rule, position: Position, wasFiring: boolean, wasInside: boolean): Verdict {
  switch (rule.kind) {
    case 'speeding': {
      const speed = position.speedKmh;
      const limit = wasFiring ? rule.limitKmh - SPEED_HYSTERESIS_KMH : rule.limitKmh;
      return { fires: speed === undefined ? wasFiring : speed > limit, isInside: false };
    }
    case 'geofence': {
      const isInside = 'box' in rule.area ? isInBox(position, rule.area.box) : isInPolygon(position, rule.area.rings);
      return { fires: !isInside && (wasInside || wasFiring), isInside };
    }
    case 'silence':
      return { fires: false, isInside: false };
  }
}

function messageOf(rule: Rule, { truckId, speedKmh }: Position): string {
  switch (rule.kind) {
    case 'speeding':
      return `${truckId} drives ${Math.round(speedKmh ?? 0)} km/h, limit ${rule.limitKmh}`;
    case 'geofence':
      return `${truckId} left ${rule.name}`;
    case 'silence':
      return '';
  }
}

interface Cause extends Omit<Observation, 'heardMs'> {
  readonly noticedMs: number;
  readonly message: string;
}

function alertOf(rule: Rule, { partition, offset, noticedMs, position, principal, message }: Cause): Alert {
  return {
    alertId: alertId(rule.id, partition, offset),
    rule: rule.id,
    kind: rule.kind,
    truckId: position.truckId,
    ts: new Date(noticedMs).toISOString(),
    message,
    position,
    ...(principal !== undefined && { principal }),
  };
}
