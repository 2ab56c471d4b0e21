// Reads a route as operators write it. A bad one is refused in one line: the route, the setting, what was expected and
// what was seen.
import { namesItsDevice } from '@milepost/fleet';
import { z } from 'zod';
import { POSITIONS_TOPIC } from './built-in-routes.ts';
import { contradictionIn, decoderSchema } from './decoder-schema.ts';
import { levelBeyond, parseTemplate, wildcardTemplate } from './level-template.ts';
import type { RouteDefinition } from './route.ts';
import { isTopicFilter } from './topic-filter.ts';

/** The message is for the operator. */
export class RouteRefused extends Error {
  override readonly name = 'RouteRefused';
}

const MAX_ROUTES = 1000;
const MAX_HEADERS = 16;
const MAX_TEMPLATE_CHARS = 256;
const MAX_ORDER = 1_000_000;
/** Of a route that does not say: before the built-in ones. */
const USUAL_ORDER = 100;
const SHOWN_CHARS = 60;

/** Other records than those of devices are in these. */
const RESERVED_TOPICS = new Set(['truck_status', 'truck_alerts', 'truck_commands', 'dead_letters']);
/** Headers that the gateway sets. */
const RESERVED_HEADERS =
  /^(mqtt\..*|device|principal|clock|dropped|fix|source|reason|detail|part|traceparent|tracestate)$/;

const template = z
  .string()
  .max(MAX_TEMPLATE_CHARS, `expected at most ${MAX_TEMPLATE_CHARS} characters`)
  .refine((text) => parseTemplate(text) !== undefined, 'expected levels of the MQTT topic in braces, such as {1}');

export const routeSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected up to 64 of a-z, 0-9, dot, _ and -')
    .describe('Unique; the name of a built-in route replaces it'),
  order: z
    .int(`expected a whole number from 0 to ${MAX_ORDER}`)
    .min(0, `expected a whole number from 0 to ${MAX_ORDER}`)
    .max(MAX_ORDER, `expected a whole number from 0 to ${MAX_ORDER}`)
    .default(USUAL_ORDER)
    .describe('Routes are compared with a topic in this order, lower ones first; built-in ones begin at 1000'),
  enabled: z.boolean('expected true or false').default(true),
  filter: z
    .string('expected an MQTT topic filter, such as trucks/+/gps')
    .refine(isTopicFilter, 'expected an MQTT topic filter, such as trucks/+/gps')
    .describe('MQTT topic filter, such as trucks/+/gps'),
  topic: z
    .string('expected the name of a Kafka topic')
    .regex(/^(?!\.{1,2}$)(?!__)[A-Za-z0-9._-]{1,249}$/, 'expected the name of a Kafka topic')
    .refine((topic) => !RESERVED_TOPICS.has(topic), `expected another topic than ${[...RESERVED_TOPICS].join(', ')}`)
    .default(POSITIONS_TOPIC)
    .describe('Topic of the log; it is created if it is missing'),
  key: template
    .optional()
    .describe(
      'Names the truck, by levels of the MQTT topic from 0: {1}. By default the + levels of the filter, joined with -',
    ),
  decoder: decoderSchema.default('milepost').describe('The format of the payload; raw: it is stored as it came'),
  headers: z
    .record(z.string(), template)
    .default({})
    .describe('Additional headers of its records; a value may have levels of the MQTT topic: {2}'),
  time: z
    .enum(['device', 'gateway'], 'expected device or gateway')
    .default('device')
    .describe("Whose time is the position's ts: gateway for devices whose clock is not to be used"),
});

/** @throws RouteRefused */
export function readRoute(document: unknown, fallbackName?: string): RouteDefinition {
  const named = isObject(document) && fallbackName !== undefined ? { name: fallbackName, ...document } : document;
  const label = isObject(named) && typeof named['name'] === 'string' ? `route ${shown(named['name'])}` : 'route';
  const parsed = routeSchema.safeParse(named);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw new RouteRefused(`${label}: ${first ? problemOf(first, named) : 'expected a JSON object'}`);
  }
  const { key, ...route } = parsed.data;
  const complete: RouteDefinition = { ...route, key: key ?? wildcardTemplate(route.filter) };
  const problem = contradictionOf(complete);
  if (problem !== undefined) throw new RouteRefused(`${label}: ${problem}`);
  return complete;
}

/** A list of routes, as in a file. Without a name a route is called by its place. @throws RouteRefused */
export function readRoutes(json: string): readonly RouteDefinition[] {
  let document: unknown;
  try {
    document = JSON.parse(json);
  } catch {
    throw new RouteRefused(`expected a JSON list of routes, saw ${json.slice(0, SHOWN_CHARS)}`);
  }
  const list: unknown = isObject(document) && 'routes' in document ? document['routes'] : document;
  if (!Array.isArray(list)) throw new RouteRefused(`expected a JSON list of routes, saw ${shown(document)}`);
  const routes = list.map((one: unknown, at) => readRoute(one, `route-${at + 1}`));
  checkNames(routes);
  return routes;
}

function checkNames(routes: readonly RouteDefinition[]): void {
  if (routes.length > MAX_ROUTES)
    throw new RouteRefused(`expected at most ${MAX_ROUTES} routes, saw ${routes.length}: combine some by a wildcard`);
  const names = new Set<string>();
  for (const { name } of routes) {
    if (names.has(name)) throw new RouteRefused(`route ${name}: name: expected each name once, saw it twice`);
    names.add(name);
  }
}

function namesTruck(decoder: RouteDefinition['decoder']): boolean {
  if (typeof decoder === 'object') return decoder.fields.truckId !== undefined;
  return decoder !== 'raw' && namesItsDevice.has(decoder);
}

/** What is wrong with settings that are right one by one. */
function contradictionOf({ filter, key, decoder: format, headers, topic }: RouteDefinition): string | undefined {
  const beyond = (text: string): number | undefined =>
    levelBeyond(parseTemplate(text) ?? { parts: [], levels: [] }, filter);
  const declared = typeof format === 'string' ? undefined : contradictionIn(format);
  if (declared !== undefined) return declared;
  if (key === '' && !namesTruck(format)) {
    const decoder = typeof format === 'string' ? format : 'these';
    return `key: expected the levels that name the truck, such as {1}, as ${decoder} payloads do not name it, saw none`;
  }
  if (beyond(key) !== undefined)
    return `key: expected levels of ${filter}, which counts from {0}, saw {${beyond(key)}}`;
  if (format === 'raw' && topic === POSITIONS_TOPIC)
    return `topic: expected another topic than ${POSITIONS_TOPIC} for raw payloads, as its readers expect positions`;
  const names = Object.keys(headers);
  if (names.length > MAX_HEADERS) return `headers: expected at most ${MAX_HEADERS}, saw ${names.length}`;
  for (const name of names) {
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(name))
      return `headers: expected names of up to 64 letters, digits, dot, _ and -, saw ${shown(name)}`;
    if (RESERVED_HEADERS.test(name)) return `headers: expected a name that the gateway does not use, saw ${name}`;
    const level = beyond(headers[name] ?? '');
    if (level !== undefined)
      return `headers.${name}: expected levels of ${filter}, which counts from {0}, saw {${level}}`;
  }
  return undefined;
}

function problemOf(issue: z.core.$ZodIssue, document: unknown): string {
  const { path, message, code } = innermost(issue);
  if (code === 'unrecognized_keys') {
    const { keys = [] } = issueKeys(issue);
    return `${[...path, keys[0] ?? ''].join('.')}: no such setting${path.length === 0 ? `; the settings are ${Object.keys(routeSchema.shape).join(', ')}` : ''}`;
  }
  if (path.length === 0) return `expected a JSON object, saw ${shown(document)}`;
  return `${path.join('.')}: ${message}, saw ${shown(valueAt(document, path))}`;
}

const issueKeys = (issue: z.core.$ZodIssue) => innermost(issue) as { keys?: readonly string[] };

/** Where a setting may have several shapes: the problem of the shape that it was meant to have. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const candidates = issue.errors.flatMap(([first]) => {
    if (!first) return [];
    return [innermost({ ...first, path: [...issue.path, ...first.path] } as z.core.$ZodIssue)];
  });
  /** A type that does not fit says little; then the deepest one was meant. */
  const rank = ({ code, message, path }: z.core.$ZodIssue): number =>
    (message.startsWith('Invalid') ? 0 : 1000) + 10 * path.length + (code === 'unrecognized_keys' ? 1 : 0);
  const [best] = candidates.sort((a, b) => rank(b) - rank(a));
  return best ?? issue;
}

const valueAt = (document: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => (isObject(value) ? value[String(key)] : undefined), document);

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
