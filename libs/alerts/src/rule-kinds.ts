// The kinds of rules and their fields, in one table: the reader, the API's description and the command line use it.
import type { Condition, RuleKind } from './rule.ts';

export type FieldType =
  | { readonly type: 'number'; readonly from: number; readonly to: number; readonly unit: string }
  | { readonly type: 'choice'; readonly values: readonly string[] }
  | { readonly type: 'area' }
  | { readonly type: 'line' };

export interface FieldSpec {
  readonly does: string;
  readonly is: FieldType;
  /** `required`, `optional`, or the value where it is absent. */
  readonly absent: 'required' | 'optional' | number;
}

export interface KindSpec<Fields extends string = string> {
  readonly does: string;
  /** One position shows whether the condition holds: late ones can be judged. */
  readonly canAlertLate: boolean;
  readonly fields: Readonly<Record<Fields, FieldSpec>>;
}

type FieldsOf<Kind extends RuleKind> = Exclude<keyof Extract<Condition, { kind: Kind }> & string, 'kind'>;

const number = (unit: string, from: number, to: number): FieldType => ({ type: 'number', unit, from, to });
const DAY_S = 86_400;
const seconds = number('seconds', 10, 365 * DAY_S);
const percent = number('%', 1, 100);
const onlyIn: FieldSpec = { does: 'only inside this area', is: { type: 'area' }, absent: 'optional' };

export const RULE_KINDS: { readonly [Kind in RuleKind]: KindSpec<FieldsOf<Kind>> } = {
  speeding: {
    does: 'drives faster than a limit',
    canAlertLate: true,
    fields: {
      limitKmh: { does: 'the limit', is: number('km/h', 1, 2_000), absent: 'required' },
      area: onlyIn,
    },
  },
  geofence: {
    does: 'enters or leaves an area',
    canAlertLate: true,
    fields: {
      event: { does: 'what fires it', is: { type: 'choice', values: ['enter', 'exit'] }, absent: 'required' },
      area: { does: 'the area', is: { type: 'area' }, absent: 'required' },
    },
  },
  corridor: {
    does: 'leaves the strip along a line',
    canAlertLate: true,
    fields: {
      line: { does: 'points [lon, lat], or a GeoJSON LineString', is: { type: 'line' }, absent: 'required' },
      widthM: { does: 'the whole width', is: number('meters', 1, 1_000_000), absent: 'required' },
    },
  },
  silence: {
    does: 'sends nothing for some time',
    canAlertLate: false,
    fields: { afterSeconds: { does: 'for this long', is: seconds, absent: 'required' } },
  },
  stopped: {
    does: 'sends positions of one place for some time',
    canAlertLate: false,
    fields: {
      afterSeconds: { does: 'for this long', is: seconds, absent: 'required' },
      radiusM: { does: 'how far it may move meanwhile', is: number('meters', 1, 100_000), absent: 100 },
      area: onlyIn,
    },
  },
  'harsh-braking': {
    does: 'brakes harder than a limit, between two positions at most 10 s apart',
    canAlertLate: false,
    fields: { decelerationMps2: { does: 'the limit', is: number('m/s²', 0.1, 50), absent: 'required' } },
  },
  'low-battery': {
    does: 'has little battery left',
    canAlertLate: true,
    fields: { belowPct: { does: 'below this', is: percent, absent: 'required' } },
  },
  'low-fuel': {
    does: 'has little fuel left',
    canAlertLate: true,
    fields: { belowPct: { does: 'below this', is: percent, absent: 'required' } },
  },
  ignition: { does: 'has its ignition on at the times of the schedule', canAlertLate: true, fields: {} },
};

export const isRuleKind = (text: unknown): text is RuleKind =>
  typeof text === 'string' && Object.hasOwn(RULE_KINDS, text);
