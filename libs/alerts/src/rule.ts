// The rules for alerts, as their users write them. A rule fires when a truck's state changes, not while it lasts: one
// alert for one speeding. `rule-reader.ts` reads and checks them; `rule-set.ts` prepares them for evaluation.
import type { LonLat } from '@milepost/fleet';

/** What a user writes. */
export type RuleDraft = RuleHead & Condition;

/** A stored rule. Every change gives it a new version, also across its removal: no two contents have the same one. */
export type Rule = RuleDraft & { readonly version: number };

export interface RuleHead {
  /** A part of every alert's id: `[a-z0-9-]{1,64}`. */
  readonly id: string;
  /** For people: messages contain it. */
  readonly name: string;
  readonly enabled: boolean;
  readonly trucks: TruckChoice;
  /** For this long after an alert the rule raises no other one for the same truck. */
  readonly coolDownSeconds?: number;
  /** The rule applies at these times only. Absent: always. */
  readonly schedule?: Schedule;
  /** Whether positions that arrive late raise alerts too, marked late. */
  readonly alertLate?: boolean;
}

export type TruckChoice =
  | 'all'
  | { readonly ids: readonly string[] }
  /** `*` is any text, `?` any character. */
  | { readonly pattern: string };

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

export interface Schedule {
  /** An IANA name, such as Europe/Stockholm. */
  readonly timeZone: string;
  /** Absent: every day. */
  readonly days?: readonly Day[];
  /** HH:MM, local time. Absent: the whole day. */
  readonly from?: string;
  /** HH:MM, exclusive. Earlier than `from`: on the following day. */
  readonly to?: string;
}

export type Condition =
  | { readonly kind: 'speeding'; readonly limitKmh: number; readonly area?: Area }
  | { readonly kind: 'geofence'; readonly event: 'enter' | 'exit'; readonly area: Area }
  /** The truck leaves the strip along a line. `widthM` is the whole width. */
  | { readonly kind: 'corridor'; readonly line: readonly LonLat[]; readonly widthM: number }
  /** Nothing was received from the truck for this long. */
  | { readonly kind: 'silence'; readonly afterSeconds: number }
  /** Its positions have been within `radiusM` of one place for this long. */
  | { readonly kind: 'stopped'; readonly afterSeconds: number; readonly radiusM: number; readonly area?: Area }
  | { readonly kind: 'harsh-braking'; readonly decelerationMps2: number }
  | { readonly kind: 'low-battery'; readonly belowPct: number }
  | { readonly kind: 'low-fuel'; readonly belowPct: number }
  /** The ignition is on, at the times of the schedule. */
  | { readonly kind: 'ignition' };

export type RuleKind = Condition['kind'];

/** Polygons as in GeoJSON (RFC 7946); they may cross the 180th meridian, and have holes. */
export type Area =
  | { readonly type: 'Polygon'; readonly coordinates: PolygonRings }
  | { readonly type: 'MultiPolygon'; readonly coordinates: readonly PolygonRings[] }
  | { readonly type: 'Circle'; readonly center: LonLat; readonly radiusM: number };

/** The outer ring, then its holes; each is closed. */
export type PolygonRings = readonly (readonly LonLat[])[];
