// The routes that a program has without its database: those of its settings, else the built-in ones.
import { type Base, BUILT_IN_ROUTES, readRoutes, RouteRefused } from '@milepost/routes';
import type { Settings } from '@milepost/settings';
import { textOfSetting } from './setting-file.ts';

/** @throws Error, in one line: the setting, the route, the expected and the seen value. */
export function baseRoutes({ routes, routesFile }: Pick<Settings, 'routes' | 'routesFile'>): Base {
  if (routes !== undefined) return { kind: 'setting', routes: routesOf('MILEPOST_MQTT_ROUTES', routes) };
  const text = textOfSetting(ROUTES_FILE, routesFile, /\S/, 'a JSON list of routes');
  if (text === undefined) return { kind: 'built-in', routes: BUILT_IN_ROUTES };
  return { kind: 'setting', routes: routesOf(`${ROUTES_FILE} (${routesFile})`, text) };
}

const ROUTES_FILE = 'MILEPOST_MQTT_ROUTES_FILE';

function routesOf(setting: string, json: string): Base['routes'] {
  try {
    return readRoutes(json);
  } catch (failure) {
    throw failure instanceof RouteRefused ? new Error(`${setting}: ${failure.message}`) : failure;
  }
}
