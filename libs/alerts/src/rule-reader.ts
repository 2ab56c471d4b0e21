// Reads a rule of a user, from a request or a file. What is wrong is refused in one line that names the field; nothing
// is guessed, and no field is ignored.
import { isTruckId } from '@milepost/fleet';
import { readArea, readLine } from './area-reader.ts';
import { DAYS, type RuleDraft, type Schedule, type TruckChoice } from './rule.ts';
import { RuleInvalid } from './rule-invalid.ts';
import { type FieldSpec, isRuleKind, type KindSpec, RULE_KINDS } from './rule-kinds.ts';
import { isTimeZone, minuteOfDay } from './schedule.ts';

const MOST_NAME_CHARS = 100;
const MOST_TRUCK_IDS = 10_000;
const MOST_COOL_DOWN_S = 365 * 86_400;
/** `version` is the store's: an exported rule has one, and it is ignored. */
const HEAD_FIELDS = ['id', 'version', 'name', 'enabled', 'kind', 'trucks', 'coolDownSeconds', 'schedule', 'alertLate'];

const ID = /^[a-z0-9-]{1,64}$/;
export const isRuleId = (text: string): boolean => ID.test(text);

/** `fallbackId`: for a document without one; it may depend on the name. @throws RuleInvalid */
export function readRule(document: unknown, fallbackId?: (name: string | undefined) => string): RuleDraft {
  const rule = objectIn('the rule', document);
  const { kind } = rule;
  if (!isRuleKind(kind)) throw new RuleInvalid('kind', `one of ${Object.keys(RULE_KINDS).join(', ')}`, kind);
  const spec: KindSpec = RULE_KINDS[kind];
  refuseUnknown(rule, [...HEAD_FIELDS, ...Object.keys(spec.fields)], `a rule of kind ${kind}`);
  const givenName = rule['name'] === undefined ? undefined : nameIn(rule['name']);
  const id = idIn(rule['id'] ?? fallbackId?.(givenName));
  const condition: Record<string, unknown> = {};
  for (const [field, one] of Object.entries(spec.fields)) {
    const value = valueOf(field, one, rule[field]);
    if (value !== undefined) condition[field] = value;
  }
  const schedule = rule['schedule'] === undefined ? undefined : scheduleIn(rule['schedule']);
  if (kind === 'ignition' && !schedule)
    throw new RuleInvalid(
      'schedule',
      'when the ignition should be off, such as {"timeZone":"Europe/Stockholm","from":"22:00","to":"05:00"}',
      schedule,
    );
  return {
    id,
    name: givenName ?? id,
    enabled: flagIn('enabled', rule['enabled'], true),
    kind,
    trucks: trucksIn(rule['trucks'] ?? 'all'),
    ...condition,
    ...coolDownIn(rule['coolDownSeconds']),
    ...(schedule && { schedule }),
    ...(lateIn(rule['alertLate'], kind, spec) && { alertLate: true }),
  } as RuleDraft; // its fields are those of the table, whose type names them
}

export const RULE_FILE = 'a JSON list of rules, or {"rules": [...]}';

/** A file or request of several rules. A rule that is wrong is named by its place. @throws RuleInvalid */
export function readRules(document: unknown, mostRules: number): readonly RuleDraft[] {
  const list = Array.isArray(document) ? (document as unknown[]) : (document as { rules?: unknown } | null)?.rules;
  if (!Array.isArray(list)) throw new RuleInvalid('rules', RULE_FILE, document);
  if (list.length > mostRules) throw new RuleInvalid('rules', `at most ${mostRules}`, `${list.length}`);
  const ids = new Set<string>();
  return list.map((one: unknown, n) => {
    const rule = within(`rules[${n}]`, () => readRule(one));
    if (ids.has(rule.id)) throw new RuleInvalid(`rules[${n}].id`, 'each id once', rule.id);
    ids.add(rule.id);
    return rule;
  });
}

function within<Result>(place: string, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    throw error instanceof RuleInvalid ? error.within(place) : error;
  }
}

function idIn(value: unknown): string {
  if (typeof value !== 'string' || !isRuleId(value)) throw new RuleInvalid('id', '1 to 64 of a-z 0-9 -', value);
  return value;
}

function nameIn(value: unknown): string {
  const isName = typeof value === 'string' && value.trim() !== '' && value.length <= MOST_NAME_CHARS;
  if (!isName || /\p{Cc}/u.test(value))
    throw new RuleInvalid('name', `a text of 1 to ${MOST_NAME_CHARS} characters in one line`, value);
  return value;
}

function flagIn(field: string, value: unknown, absent: boolean): boolean {
  if (value === undefined) return absent;
  if (typeof value !== 'boolean') throw new RuleInvalid(field, 'true or false', value);
  return value;
}

function lateIn(value: unknown, kind: string, { canAlertLate }: KindSpec): boolean {
  const isWanted = flagIn('alertLate', value, false);
  if (isWanted && !canAlertLate)
    throw new RuleInvalid('alertLate', `it absent: a rule of kind ${kind} needs more than one position`, value);
  return isWanted;
}

function coolDownIn(value: unknown): { coolDownSeconds?: number } {
  if (value === undefined) return {};
  if (typeof value !== 'number' || !(value >= 1 && value <= MOST_COOL_DOWN_S))
    throw new RuleInvalid('coolDownSeconds', `seconds from 1 to ${MOST_COOL_DOWN_S}`, value);
  return { coolDownSeconds: value };
}

const TRUCKS = '"all", {"ids": ["t-1"]} or {"pattern": "north-*"}';

function trucksIn(value: unknown): TruckChoice {
  if (value === 'all') return value;
  const choice = objectIn('trucks', value, TRUCKS);
  refuseUnknown(choice, ['ids', 'pattern'], 'trucks');
  const { ids, pattern } = choice;
  if ((ids === undefined) === (pattern === undefined)) throw new RuleInvalid('trucks', TRUCKS, value);
  if (pattern !== undefined) {
    if (typeof pattern !== 'string' || !/^[A-Za-z0-9._*?-]{1,128}$/.test(pattern))
      throw new RuleInvalid(
        'trucks.pattern',
        '1 to 128 of A-Z a-z 0-9 . _ - and * (any text) ? (any character)',
        pattern,
      );
    return { pattern };
  }
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > MOST_TRUCK_IDS)
    throw new RuleInvalid('trucks.ids', `a list of 1 to ${MOST_TRUCK_IDS} truck ids`, ids);
  return { ids: ids.map((id: unknown, n) => truckIdIn(`trucks.ids[${n}]`, id)) };
}

function truckIdIn(field: string, value: unknown): string {
  if (typeof value !== 'string' || !isTruckId(value))
    throw new RuleInvalid(field, 'a truck id, 1 to 128 of A-Z a-z 0-9 . _ -', value);
  return value;
}

function scheduleIn(value: unknown): Schedule {
  const schedule = objectIn('schedule', value, 'an object with timeZone, days, from and to');
  refuseUnknown(schedule, ['timeZone', 'days', 'from', 'to'], 'schedule');
  const { days, from, timeZone, to } = schedule;
  if (typeof timeZone !== 'string' || !isTimeZone(timeZone))
    throw new RuleInvalid('schedule.timeZone', 'an IANA time zone such as Europe/Stockholm', timeZone);
  if ((from === undefined) !== (to === undefined)) throw new RuleInvalid('schedule', 'from and to, or neither', value);
  return { timeZone, ...(days !== undefined && { days: daysIn(days) }), ...hoursIn(from, to) };
}

function daysIn(value: unknown): NonNullable<Schedule['days']> {
  const isDay = (day: unknown): boolean => DAYS.some((known) => known === day);
  if (!Array.isArray(value) || value.length === 0 || !value.every(isDay))
    throw new RuleInvalid('schedule.days', `a list of ${DAYS.join(', ')}`, value);
  return DAYS.filter((day) => value.includes(day));
}

function hoursIn(from: unknown, to: unknown): Pick<Schedule, 'from' | 'to'> {
  if (from === undefined) return {};
  for (const [field, value] of Object.entries({ from, to }))
    if (typeof value !== 'string' || minuteOfDay(value) === undefined)
      throw new RuleInvalid(`schedule.${field}`, 'a local time HH:MM, such as 22:00', value);
  if (from === to) throw new RuleInvalid('schedule.to', 'another time than from; leave out both for whole days', to);
  return { from: from as string, to: to as string };
}

function valueOf(field: string, { absent, is }: FieldSpec, value: unknown): unknown {
  if (value === undefined && typeof absent === 'number') return absent;
  if (value === undefined && absent === 'optional') return undefined;
  switch (is.type) {
    case 'number':
      if (typeof value !== 'number' || !(value >= is.from && value <= is.to))
        throw new RuleInvalid(field, `a number from ${is.from} to ${is.to} (${is.unit})`, value);
      return value;
    case 'choice':
      if (!is.values.some((known) => known === value)) throw new RuleInvalid(field, is.values.join(' or '), value);
      return value;
    case 'area':
      return readArea(field, value);
    case 'line':
      return readLine(field, value);
  }
}

function objectIn(field: string, value: unknown, expected = 'a JSON object'): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RuleInvalid(field, expected, value);
  return value as Record<string, unknown>;
}

function refuseUnknown(object: object, known: readonly string[], of: string): void {
  const unknown = Object.keys(object).find((field) => !known.includes(field));
  if (unknown !== undefined) throw new RuleInvalid(unknown, `a field of ${of} (${known.join(', ')})`, unknown);
}
