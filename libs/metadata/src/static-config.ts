// Broker properties at the start: a server.properties text, and KAFKA_* variables by the rule of Kafka's own
// containers. Nothing is thrown: problems are returned, and the caller decides.
import { BROKER_CONFIG_KEYS } from './broker-config-keys.ts';
import { parseConfig } from './config-key.ts';
import type { Configs } from './topic-state.ts';

export interface StaticConfig {
  /** Supported properties with good values, as Kafka prints them. */
  readonly values: Configs;
  /** One sentence for each property that is unknown or has no effect here. */
  readonly warnings: readonly string[];
  /** One sentence for each bad value: property, expected, seen, where. */
  readonly errors: readonly string[];
}

/** A variable takes precedence over the file, as in Kafka's containers. */
export function readStaticConfig(given: {
  readonly properties?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}): StaticConfig {
  const values: Record<string, string> = {};
  const warnings: string[] = [];
  const errors: string[] = [];
  for (const [name, { text, where }] of collected(given)) {
    const key = BROKER_CONFIG_KEYS.get(name);
    if (!key) {
      warnings.push(`${name} (${where}) is not supported and has no effect`);
      continue;
    }
    const parsed = parseConfig(key, text);
    if ('problem' in parsed) errors.push(`${parsed.problem} (${where})`);
    else values[name] = parsed.text;
    if (!key.hasEffect) warnings.push(`${name} (${where}) has no effect here: ${key.documentation}`);
  }
  return { values, warnings, errors };
}

function collected(given: Parameters<typeof readStaticConfig>[0]): Map<string, { text: string; where: string }> {
  const all = new Map<string, { text: string; where: string }>();
  for (const [name, text] of parseProperties(given.properties ?? '')) all.set(name, { text, where: 'properties file' });
  for (const [variable, text] of Object.entries(given.environment ?? {})) {
    const name = propertyOfVariable(variable);
    if (name !== undefined && text !== undefined) all.set(name, { text, where: variable });
  }
  return all;
}

/** Variables of Kafka's own scripts and images, which are not properties. */
const NOT_PROPERTIES =
  /^KAFKA_(VERSION|HOME|DEBUG|CLUSTER_ID|OPTS|CFG_.*|LOG4J_.*|TOOLS_LOG4J_.*|HEAP_OPTS|GC_LOG_OPTS|JMX_.*|JVM_.*)$/;

/** `KAFKA_NUM_PARTITIONS` is `num.partitions`: `_` stands for `.`, `__` for `_`, `___` for `-`. Undefined: no property. */
export function propertyOfVariable(variable: string): string | undefined {
  if (!variable.startsWith('KAFKA_') || NOT_PROPERTIES.test(variable)) return undefined;
  const letters: Readonly<Record<string, string>> = { _: '.', __: '_', ___: '-' };
  return variable
    .slice('KAFKA_'.length)
    .toLowerCase()
    .replace(/_{1,3}/g, (run) => letters[run] ?? run);
}

/** Java's format: `#` and `!` begin comments, `=`, `:` or blanks part name and value, a `\` at the end joins lines. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  const joined = text.replace(/(^|[^\\])((?:\\\\)*)\\\r?\n[ \t\f]*/g, '$1$2');
  for (const line of joined.split(/\r?\n/)) {
    const [, name, value = ''] = /^[ \t\f]*((?:\\.|[^\\=: \t\f])+)[ \t\f]*[=:]?[ \t\f]*(.*)$/.exec(line) ?? [];
    if (name !== undefined && !/^[#!]/.test(name)) properties.set(unescape(name), unescape(value).trim());
  }
  return properties;
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };
const unescape = (text: string): string =>
  text.replace(/\\(u([0-9a-fA-F]{4})|.)/g, (_, one: string, hex?: string) =>
    hex === undefined ? (escapes[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
