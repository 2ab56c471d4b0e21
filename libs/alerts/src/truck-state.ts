// The rules' state of one truck. It is stored in the same transaction as the offset up to which it is valid.
import type { ArrivalsSoFar, Position } from '@milepost/fleet';
import type { Run } from './late-history.ts';

export interface TruckState {
  readonly truckId: string;
  /** Of the last record: its offset, and its timestamp (when the gateway received it), ms since 1970. */
  readonly lastOffset: number;
  readonly lastHeardMs: number;
  /** The newest position by the device's time. */
  readonly lastPosition: Position;
  /** When that was taken, as far as the device is believed. Absent in states of earlier versions. */
  readonly lastTimeMs?: number;
  /** Who was authenticated as its sender; absent: nobody. */
  readonly lastPrincipal?: string;
  /** Decides whether the next position is newer than that one. Absent in states of earlier versions. */
  readonly arrivals?: ArrivalsSoFar;
  /** By the rule's id; only rules that remember something. Absent in states of earlier versions. */
  readonly rules?: Readonly<Record<string, RuleState>>;
}

/** What a rule remembers of a truck. */
export interface RuleState {
  /** The rule's version; a changed rule starts without memory. */
  readonly version: number;
  /** It has fired, and the cause lasts. */
  readonly firing?: true;
  /** Whether the newest position is inside its area. */
  readonly inside?: boolean;
  /** Where the truck stands, and since when by the device's time. */
  readonly stop?: { readonly lat: number; readonly lon: number; readonly sinceMs: number };
  /** The time of its last alert; only rules with a cool-down. */
  readonly alertedMs?: number;
  /** Only rules that alert on late positions. */
  readonly runs?: readonly Run[];
}

/** The memory of this version of the rule. */
export function ruleStateOf(
  state: TruckState | undefined,
  { id, version }: { readonly id: string; readonly version: number },
): RuleState | undefined {
  const rules = state?.rules;
  const found = rules && Object.hasOwn(rules, id) ? rules[id] : undefined;
  return found?.version === version ? found : undefined;
}
