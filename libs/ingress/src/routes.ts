// The destination of a publish: an MQTT topic filter, the log topic, the decoder, and the levels that name the truck.
// Routes are a setting; the first that matches takes a publish, and one that none takes is dead-lettered.
import { type DecoderName, decoderNames, mapTruckId, namesItsDevice } from '@milepost/fleet';
import { z } from 'zod';

export interface Route {
  readonly filter: string;
  readonly decoder: DecoderName;
  /** The log topic of its positions. */
  readonly topic: string;
  /** Levels of the MQTT topic, from 0, that name the truck; several are joined. Empty if the payload names it. */
  readonly truckLevels: readonly number[];
}

export type Match =
  | { readonly kind: 'route'; readonly route: Route; readonly truckId: string; readonly original: string | undefined }
  | { readonly kind: 'no-truck-id' }
  | { readonly kind: 'no-route' };

const toPositions = (filter: string, decoder: DecoderName, truckLevels: readonly number[]): Route => ({
  filter,
  decoder,
  topic: 'truck_gps',
  truckLevels,
});

/** The topics that devices and platforms use by default. `owntracks/+/+/+` is for events, waypoints and the like. */
export const DEFAULT_ROUTES: readonly Route[] = [
  toPositions('trucks/+/gps', 'milepost', [1]),
  toPositions('owntracks/+/+', 'owntracks', [1, 2]),
  toPositions('owntracks/+/+/+', 'owntracks', [1, 2]),
  toPositions('traccar/positions', 'traccar', []),
  toPositions('traccar/client', 'traccar-client', []),
  toPositions('osmand/+', 'osmand', [1]),
  toPositions('teltonika/+', 'teltonika', [1]),
  toPositions('+/data', 'teltonika', [0]),
  toPositions('/hfp/v2/+/+/+/+/+/+/#', 'hfp', [7, 8]),
  toPositions('nmea/+', 'nmea', [1]),
  toPositions('queclink/+', 'queclink', [1]),
  toPositions('v3/+/devices/+/up', 'ttn', [3]),
  toPositions('application/+/device/+/event/up', 'chirpstack', [3]),
  toPositions('msh/+/2/json/#', 'meshtastic', []),
  toPositions('tele/+/SENSOR', 'tasmota', [1]),
];

/** The setting is not a list of routes. The message has the position and what was expected. */
export class RoutesInvalid extends Error {
  override readonly name = 'RoutesInvalid';
}

const routesSchema = z
  .array(
    z
      .strictObject({
        filter: z.string().refine(isFilter, 'expected an MQTT topic filter, such as trucks/+/gps'),
        decoder: z.enum(decoderNames),
        topic: z
          .string()
          .regex(/^[A-Za-z0-9._-]{1,249}$/, 'expected the name of a Kafka topic')
          .default('truck_gps'),
        truckLevels: z.array(z.int().min(0)).min(1).optional(),
      })
      .transform(
        ({ truckLevels, ...route }): Route => ({
          ...route,
          truckLevels: truckLevels ?? wildcardLevels(route.filter),
        }),
      )
      .refine(
        ({ truckLevels, decoder }) => truckLevels.length > 0 || namesItsDevice.has(decoder),
        'truckLevels: expected the levels that name the truck',
      ),
  )
  .min(1);

/** @throws RoutesInvalid */
export function parseRoutes(json: string): readonly Route[] {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch {
    throw new RoutesInvalid(`expected a JSON list of routes, saw ${json.slice(0, 60)}`);
  }
  const parsed = routesSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'routes'}: ${message}`);
  throw new RoutesInvalid(problems.join('; '));
}

export function matchRoute(routes: readonly Route[], topic: string): Match {
  const levels = topic.split('/');
  const route = routes.find(({ filter }) => matches(filter.split('/'), levels));
  if (!route) return { kind: 'no-route' };
  if (route.truckLevels.length === 0) return { kind: 'route', route, truckId: '', original: undefined };
  const mapped = mapTruckId(route.truckLevels.map((level) => levels[level] ?? ''));
  return mapped
    ? { kind: 'route', route, truckId: mapped.truckId, original: mapped.original }
    : { kind: 'no-truck-id' };
}

/** Whether one topic could match both filters: only then may a subscriber receive telemetry. */
export function filtersOverlap(a: string, b: string): boolean {
  return overlap(a.split('/'), b.split('/'));
}

/** Whether a subscription to `filter` receives messages of `topic`. */
export const filterMatches = (filter: string, topic: string): boolean => matches(filter.split('/'), topic.split('/'));

/** Whether `filter` receives everything that `other` receives. */
export function filterCovers(filter: string, other: string): boolean {
  const [mine, others] = [filter.split('/'), other.split('/')];
  if (others[0]?.startsWith('$') && (mine[0] === '+' || mine[0] === '#')) return false;
  for (let level = 0; level < Math.max(mine.length, others.length); level++) {
    if (mine[level] === '#') return true;
    const [one, another] = [mine[level], others[level]];
    if (one === undefined || another === undefined || another === '#') return false;
    if (one !== another && one !== '+') return false;
  }
  return true;
}

/** A topic is a filter without wildcards, but a leading wildcard does not match `$SYS/…` (MQTT-4.7.2-1). */
function matches(filter: readonly string[], topic: readonly string[]): boolean {
  const hidden = topic[0]?.startsWith('$') === true && (filter[0] === '+' || filter[0] === '#');
  return !hidden && overlap(filter, topic);
}

function overlap(a: readonly string[], b: readonly string[]): boolean {
  for (let level = 0; level < Math.max(a.length, b.length); level++) {
    if (a[level] === '#' || b[level] === '#') return true;
    const [one, other] = [a[level], b[level]];
    if (one === undefined || other === undefined) return false;
    if (one !== other && one !== '+' && other !== '+') return false;
  }
  return true;
}

function isFilter(filter: string): boolean {
  const levels = filter.split('/');
  return levels.every((level, index) => {
    if (level === '#') return index === levels.length - 1;
    return level === '+' || (!/[+#\0]/.test(level) && filter !== '');
  });
}

function wildcardLevels(filter: string): number[] {
  return filter.split('/').flatMap((level, index) => (level === '+' ? [index] : []));
}
