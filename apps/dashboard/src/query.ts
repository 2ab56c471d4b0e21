// Query parameters: an unreadable one is a 400 that names what was expected and what was seen.
import { type Box, isTruckId, parseTime } from '@milepost/fleet';
import { parseBox } from '@milepost/live';
import { BadRequestException } from '@nestjs/common';

/** A value of the URL: a list if the parameter was given several times. */
export type Parameter = string | readonly string[] | undefined;

export function boxFrom(parameter: Parameter): Box | undefined {
  const text = onlyOne('bbox', parameter);
  if (text === undefined) return undefined;
  const box = parseBox(text);
  if (!box) throw badRequest('bbox', 'west,south,east,north in degrees such as 11.8,57.6,12.1,57.8', text);
  return box;
}

export function truckIdFrom(text: string): string {
  if (!isTruckId(text)) throw badRequest('truck id', '1 to 128 of A-Z a-z 0-9 . _ -', text);
  return text;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const hourMs = 3_600_000;

/** Default: the last hour. */
export function spanFrom(fromParameter: Parameter, toParameter: Parameter, nowMs: number): Span {
  const from = onlyOne('from', fromParameter);
  const to = onlyOne('to', toParameter);
  const toMs = to === undefined ? nowMs : timeFrom('to', to);
  const fromMs = from === undefined ? toMs - hourMs : timeFrom('from', from);
  if (fromMs > toMs)
    throw new BadRequestException(`from (${from ?? 'an hour before to'}) is later than to (${to ?? 'now'})`);
  return { fromMs, toMs };
}

export function choiceFrom<Choice extends string>(
  name: string,
  parameter: Parameter,
  choices: readonly Choice[],
): Choice | undefined {
  const text = onlyOne(name, parameter);
  if (text === undefined) return undefined;
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw badRequest(name, choices.join(' or '), text);
  return choice;
}

const MOST_LISTED = 1_000;

/** Of a page of a list. */
export function limitFrom(parameter: Parameter, absent: number): number {
  const text = onlyOne('limit', parameter);
  if (text === undefined) return absent;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MOST_LISTED) throw badRequest('limit', `a whole number from 1 to ${MOST_LISTED}`, text);
  return limit;
}

export function onlyOne(name: string, parameter: Parameter): string | undefined {
  if (parameter === undefined || typeof parameter === 'string') return parameter;
  throw new BadRequestException(`${name}: expected it once; saw it ${parameter.length} times`);
}

export function timeFrom(name: string, text: string): number {
  const timeMs = /^\d{9,}$/.test(text) ? Number(text) : parseTime(text);
  if (timeMs === undefined || !Number.isSafeInteger(timeMs))
    throw badRequest(name, 'a time such as 2026-05-01T12:00:00Z, or milliseconds since 1970', text);
  return timeMs;
}

function badRequest(name: string, expected: string, seen: string): BadRequestException {
  return new BadRequestException(`${name}: expected ${expected}; saw "${seen.slice(0, 100)}"`);
}
