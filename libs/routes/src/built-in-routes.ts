// The routes that come with the product: the topics that devices and platforms use by default. A route of an operator
// with the same name replaces one; other routes of operators come first.
import type { DecoderName } from '@milepost/fleet';
import { wildcardTemplate } from './level-template.ts';
import { compileRoutes, type RouteDefinition } from './route.ts';

export const POSITIONS_TOPIC = 'truck_gps';
/** Of the first built-in route: those of operators come before it, unless they say otherwise. */
export const FIRST_BUILT_IN_ORDER = 1000;

const list: readonly (readonly [name: string, filter: string, decoder: DecoderName, key?: string])[] = [
  ['trucks', 'trucks/+/gps', 'milepost'],
  ['owntracks', 'owntracks/+/+', 'owntracks'],
  ['owntracks-events', 'owntracks/+/+/+', 'owntracks', '{1}-{2}'], // events, waypoints and the like
  ['traccar', 'traccar/positions', 'traccar'],
  ['traccar-client', 'traccar/client', 'traccar-client'],
  ['osmand', 'osmand/+', 'osmand'],
  ['teltonika', 'teltonika/+', 'teltonika'],
  ['teltonika-data', '+/data', 'teltonika'],
  ['hfp', '/hfp/v2/+/+/+/+/+/+/#', 'hfp', '{7}-{8}'],
  ['nmea', 'nmea/+', 'nmea'],
  ['queclink', 'queclink/+', 'queclink'],
  ['ttn', 'v3/+/devices/+/up', 'ttn', '{3}'],
  ['chirpstack', 'application/+/device/+/event/up', 'chirpstack', '{3}'],
  ['meshtastic', 'msh/+/2/json/#', 'meshtastic', ''],
  ['tasmota', 'tele/+/SENSOR', 'tasmota'],
];

export const BUILT_IN_ROUTES: readonly RouteDefinition[] = list.map(([name, filter, decoder, key], at) => ({
  name,
  order: FIRST_BUILT_IN_ORDER + 10 * at,
  enabled: true,
  filter,
  topic: POSITIONS_TOPIC,
  key: key ?? wildcardTemplate(filter),
  decoder,
  headers: {},
  time: 'device',
}));

/** The built-in routes, compiled. */
export const DEFAULT_ROUTES = compileRoutes(BUILT_IN_ROUTES);
