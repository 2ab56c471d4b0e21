// The rules of the demo: its trucks speed, leave the city and fall silent.
import type { RuleDraft, RuleStore } from '@milepost/alerts';
import { city } from '../../trucks/src/index.ts';

const { east, north, south, west } = city;

export const demoRules: readonly RuleDraft[] = [
  { id: 'speeding', name: 'Faster than 90 km/h', enabled: true, kind: 'speeding', trucks: 'all', limitKmh: 90 },
  {
    id: 'city',
    name: 'Gothenburg',
    enabled: true,
    kind: 'geofence',
    trucks: 'all',
    event: 'exit',
    area: {
      type: 'Polygon',
      coordinates: [
        [
          [west, south],
          [east, south],
          [east, north],
          [west, north],
          [west, south],
        ],
      ],
    },
  },
];

/** The version of a new installation's rules. */
const UNCHANGED = 1;

/** Only where the rules were never changed: what the user has removed stays away. */
export async function addDemoRules(store: RuleStore): Promise<void> {
  if ((await store.list()).version === UNCHANGED) await store.add(demoRules, 'keep');
}
