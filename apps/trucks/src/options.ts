// The command line of `npm run trucks`. A wrong option is one line with the cure.
import { parseArgs } from 'node:util';
import { type Format, formats } from './formats.ts';

export interface TrucksOptions {
  /** The gateway's URL. */
  readonly mqtt: string;
  /** One for all trucks, where devices authenticate. */
  readonly login?: { readonly username: string; readonly password: string };
  /** The gateway is of this very process: its certificate need not name the address. */
  readonly isItself?: boolean;
  readonly trucks: number;
  readonly everyMs: number;
  readonly protocol: '3.1.1' | '5';
  readonly qos: 0 | 1 | 2;
  readonly format: Format;
  readonly seed: number;
  /** The demo's scenario in addition to ordinary traffic. */
  readonly demo: boolean;
  readonly replay?: { readonly file: string; readonly times: 'original' | 'now'; readonly speed: number };
}

export const defaultOptions: TrucksOptions = {
  mqtt: 'mqtt://127.0.0.1:1883',
  trucks: 25,
  everyMs: 1_000,
  protocol: '3.1.1',
  qos: 1,
  format: 'milepost',
  seed: 1,
  demo: false,
};

/** More connections than one process should hold open. */
const trucksLimit = 20_000;

export const usage = `npm run trucks -- [options]
  --mqtt URL        the gateway (${defaultOptions.mqtt})
  --trucks N        how many simulated trucks (${defaultOptions.trucks})
  --every TIME      between two positions of a truck: 500ms, 20s, 1m (1s)
  --protocol P      3.1.1 or 5 (${defaultOptions.protocol})
  --qos Q           0, 1 or 2 (${defaultOptions.qos})
  --format F        ${formats.join(' or ')} (${defaultOptions.format})
  --seed N          another number, other trips (${defaultOptions.seed})
  --demo            some trucks speed, leave the city or fall silent
  --replay FILE     publish a recording instead: .gpx, .kml, .csv, .geojson; one truck per track
  --times WHICH     now or original: the times that a replay carries (now)
  --speed FACTOR    of a replay: 10x`;

/** The wrong option, the expected and the seen value: for the user, without a stack. */
export class WrongOption extends Error {
  override readonly name = 'WrongOption';
}

/** Undefined for --help. @throws WrongOption */
export function readOptions(args: readonly string[]): TrucksOptions | undefined {
  const values = parsed(args);
  if (values.help) return undefined;
  return {
    mqtt: mqttUrl(values.mqtt ?? defaultOptions.mqtt),
    trucks: wholeNumber('trucks', values.trucks ?? '25', 1, trucksLimit),
    everyMs: duration('every', values.every ?? '1s'),
    protocol: oneOf('protocol', values.protocol ?? '3.1.1', ['3.1.1', '5'] as const),
    qos: Number(oneOf('qos', values.qos ?? '1', ['0', '1', '2'] as const)) as 0 | 1 | 2,
    format: oneOf('format', values.format ?? 'milepost', formats),
    seed: wholeNumber('seed', values.seed ?? '1', 0, 2 ** 31),
    demo: values.demo ?? false,
    ...(values.replay === undefined ? notReplaying(values) : { replay: replayOf(values.replay, values) }),
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = {
    mqtt: text,
    trucks: text,
    every: text,
    protocol: text,
    qos: text,
    format: text,
    seed: text,
    replay: text,
    times: text,
    speed: text,
    demo: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
    verbose: { type: 'boolean' },
  } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    const names = Object.keys(options).map((name) => `--${name}`);
    throw new WrongOption(`${firstSentence(error)}; the options are ${names.join(' ')}`);
  }
}

function replayOf(file: string, values: { times?: string; speed?: string }): NonNullable<TrucksOptions['replay']> {
  const factor = values.speed ?? '1x';
  const speed = Number(factor.replace(/x$/, ''));
  if (!(speed > 0)) throw new WrongOption(`--speed: expected a factor such as 10x, saw "${factor}"`);
  return { file, speed, times: oneOf('times', values.times ?? 'now', ['now', 'original'] as const) };
}

function notReplaying(values: { times?: string; speed?: string }): Record<never, never> {
  for (const name of ['times', 'speed'] as const) {
    if (values[name] !== undefined) throw new WrongOption(`--${name} belongs to a replay: add --replay FILE`);
  }
  return {};
}

function firstSentence(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.\s.*$/s, '').replace(/\.$/, '');
}

function mqttUrl(text: string): string {
  if (!/^(mqtts?|wss?|tcp|ssl):\/\/[^/]+/.test(text))
    throw new WrongOption(`--mqtt: expected a URL such as mqtt://127.0.0.1:1883, saw "${text}"`);
  return text;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new WrongOption(`--${name}: expected a whole number from ${least} to ${most}, saw "${text}"`);
  return value;
}

function duration(name: string, text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  const ms = Number(amount) * { ms: 1, s: 1_000, m: 60_000 }[(unit ?? 's') as 'ms' | 's' | 'm'];
  if (!(ms >= 50))
    throw new WrongOption(`--${name}: expected a time of 50ms or more such as 500ms, 20s or 1m, saw "${text}"`);
  return ms;
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === text);
  if (found === undefined) throw new WrongOption(`--${name}: expected ${allowed.join(' or ')}, saw "${text}"`);
  return found;
}
