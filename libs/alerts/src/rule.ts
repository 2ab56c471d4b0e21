// The rules for alerts. A rule fires when a truck's state changes, not while it lasts: one alert for one speeding.
import type { Box, Rings } from '@milepost/fleet';

interface RuleBase {
  /** Part of every alert's id: never reused for another rule. `[a-z0-9-]{1,64}`. */
  readonly id: string;
  readonly enabled: boolean;
}

export type Rule = RuleBase &
  (
    | { readonly kind: 'speeding'; readonly limitKmh: number }
    /** Fires when a truck that was inside is seen outside. */
    | {
        readonly kind: 'geofence';
        readonly name: string;
        readonly area: { readonly box: Box } | { readonly rings: Rings };
      }
    /** Fires when nothing was received from a truck for this long. */
    | { readonly kind: 'silence'; readonly afterSeconds: number }
  );

/** The rules of a new installation, until they are changed. */
export const defaultRules: readonly Rule[] = [
  { id: 'speeding', enabled: true, kind: 'speeding', limitKmh: 90 },
  {
    id: 'city',
    enabled: true,
    kind: 'geofence',
    name: 'Gothenburg',
    area: { box: { west: 11.875, south: 57.66, east: 12.075, north: 57.75 } },
  },
  { id: 'silence', enabled: true, kind: 'silence', afterSeconds: 60 },
];
