// A route decides what becomes of a publish: an MQTT filter, the log topic, the key, the decoder, additional headers, and
// whose time counts. `RouteDefinition` is the route as operators write it (in JSON, by the API, by the command line);
// `Route` is the same, compiled once for each change, as the gateway uses it for each publish.
//
// The first enabled route that matches takes a publish, in the order of `order`, then of the names.
import {
  type DeclaredDecoder,
  declaredDecoder,
  type Decoder,
  type DecoderContext,
  type DecoderName,
  decoders,
  isoTime,
  mapTruckId,
} from '@milepost/fleet';
import { expand, type LevelTemplate, parseTemplate } from './level-template.ts';
import { levelsMatch } from './topic-filter.ts';

export interface RouteDefinition {
  readonly name: string;
  /** Lower ones come first. */
  readonly order: number;
  readonly enabled: boolean;
  readonly filter: string;
  /** The log topic. */
  readonly topic: string;
  /** Names the truck: a template of levels of the MQTT topic. Empty if the payload does. */
  readonly key: string;
  readonly decoder: DecoderName | 'raw' | DeclaredDecoder;
  /** Additional headers of its records: templates, too. */
  readonly headers: Readonly<Record<string, string>>;
  /** `gateway`: the position's `ts` is the receive time, whatever the device says. */
  readonly time: 'device' | 'gateway';
}

export interface Route {
  readonly name: string;
  readonly filter: string;
  /** The log topic of its records. */
  readonly topic: string;
  /** Undefined: the payload names the truck. */
  readonly key: LevelTemplate | undefined;
  /** Undefined: the payload is stored as it came (`raw`). */
  readonly decode: Decoder | undefined;
  readonly filterLevels: readonly string[];
  readonly headers: readonly { readonly name: string; readonly value: LevelTemplate }[];
}

export type Match =
  | {
      readonly kind: 'route';
      readonly route: Route;
      readonly truckId: string;
      readonly original: string | undefined;
      /** The route's own, for this topic. */
      readonly headers: ReadonlyMap<string, Buffer>;
    }
  | { readonly kind: 'no-truck-id'; readonly route: Route }
  | { readonly kind: 'no-route' };

/** The enabled ones, in the order in which they are compared with a topic. */
export function compileRoutes(definitions: readonly RouteDefinition[]): readonly Route[] {
  return inOrder(definitions).flatMap((definition) => (definition.enabled ? [compileRoute(definition)] : []));
}

export const inOrder = <One extends Pick<RouteDefinition, 'order' | 'name'>>(routes: readonly One[]): readonly One[] =>
  [...routes].sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));

function compileRoute({ name, filter, topic, key, decoder, headers, time }: RouteDefinition): Route {
  return {
    name,
    filter,
    topic,
    key: key === '' ? undefined : template(key),
    decode: decoder === 'raw' ? undefined : timed(decoderOf(name, decoder), time),
    filterLevels: filter.split('/'),
    headers: Object.entries(headers).map(([header, value]) => ({ name: header, value: template(value) })),
  };
}

const decoderOf = (name: string, decoder: DecoderName | DeclaredDecoder): Decoder =>
  typeof decoder === 'string' ? decoders[decoder] : declaredDecoder(name, decoder);

/** A definition has been checked. */
const template = (text: string): LevelTemplate => parseTemplate(text) ?? { parts: [text], levels: [] };

function timed(decode: Decoder, time: RouteDefinition['time']): Decoder {
  if (time === 'device') return decode;
  return (payload, context) => {
    const decoded = decode(payload, { ...context, timeIsReceived: true });
    if (decoded.kind === 'batch') return { ...decoded, items: decoded.items.map((item) => received(item, context)) };
    return received(decoded, context);
  };
}

function received<Item extends { readonly kind: string }>(item: Item, { receivedAtMs }: DecoderContext): Item {
  if (item.kind !== 'position') return item;
  const { position } = item as unknown as { readonly position: object };
  return { ...item, clock: 'plausible', position: { ...position, ts: isoTime(receivedAtMs) ?? '' } };
}

const NO_HEADERS: ReadonlyMap<string, Buffer> = new Map();

export function matchRoute(routes: readonly Route[], topic: string): Match {
  const levels = topic.split('/');
  const route = routes.find(({ filterLevels }) => levelsMatch(filterLevels, levels));
  if (!route) return { kind: 'no-route' };
  const headers = headersOf(route, levels);
  if (route.key === undefined) return { kind: 'route', route, truckId: '', original: undefined, headers };
  const mapped = truckOf(route.key, levels);
  return mapped
    ? { kind: 'route', route, truckId: mapped.truckId, original: mapped.original, headers }
    : { kind: 'no-truck-id', route };
}

/** Undefined if the topic has nothing at a level of the key. */
export function truckOf(
  key: LevelTemplate,
  topic: readonly string[],
): { readonly truckId: string; readonly original: string | undefined } | undefined {
  const text = expand(key, topic);
  const mapped = text === undefined ? undefined : mapTruckId([text]);
  if (!mapped) return undefined;
  const original = key.levels.map((level) => topic[level]).join('/');
  return {
    truckId: mapped.truckId,
    original: original === mapped.truckId || original === '' ? mapped.original : original,
  };
}

function headersOf({ headers }: Route, topic: readonly string[]): ReadonlyMap<string, Buffer> {
  if (headers.length === 0) return NO_HEADERS;
  return new Map(headers.map(({ name, value }) => [name, Buffer.from(expand(value, topic) ?? '')]));
}
