// One consistent set of rules, prepared for evaluation: areas and schedules are compiled once, and the rules that apply
// to a truck are found once. Immutable: a change makes another set.
import { insideArea, type Contains, insideCorridor } from './area.ts';
import type { Rule, RuleKind } from './rule.ts';
import { activeTimes, type IsActive } from './schedule.ts';

export type RuleOf<Kind extends RuleKind> = Extract<Rule, { kind: Kind }>;

/** A rule with its area and its times as functions. */
export interface PreparedRule<Of extends Rule = Rule> {
  readonly rule: Of;
  readonly contains: Contains;
  readonly isActive: IsActive;
}

/** The enabled rules that apply to a truck. */
export interface TruckRules {
  /** Judged at each position. */
  readonly positions: readonly PreparedRule[];
  /** Judged as time passes. */
  readonly silences: readonly PreparedRule<RuleOf<'silence'>>[];
}

/** The choice of trucks is evaluated once for each truck. Beyond this many it is forgotten. */
const MOST_TRUCKS = 200_000;
const everywhere: Contains = () => true;
const always: IsActive = () => true;

export class RuleSet {
  readonly version: number;
  readonly #rules: readonly PreparedRule[];
  /** Of a truck that no rule names, if no rule has a pattern. */
  readonly #common: TruckRules;
  readonly #named = new Map<string, PreparedRule[]>();
  readonly #hasPatterns: boolean;
  readonly #byTruck = new Map<string, TruckRules>();

  constructor(version: number, rules: readonly Rule[]) {
    this.version = version;
    this.#rules = rules.filter(({ enabled }) => enabled).map(prepared);
    this.#common = sorted(this.#rules.filter(({ rule }) => rule.trucks === 'all'));
    this.#hasPatterns = this.#rules.some(({ rule: { trucks } }) => trucks !== 'all' && 'pattern' in trucks);
    for (const one of this.#rules) {
      const { trucks } = one.rule;
      if (trucks === 'all' || !('ids' in trucks)) continue;
      for (const id of new Set(trucks.ids)) this.#named.set(id, [...(this.#named.get(id) ?? []), one]);
    }
  }

  rulesOf(truckId: string): TruckRules {
    if (!this.#hasPatterns && !this.#named.has(truckId)) return this.#common;
    let own = this.#byTruck.get(truckId);
    if (!own) {
      if (this.#byTruck.size >= MOST_TRUCKS) this.#byTruck.clear();
      own = this.#chosenFor(truckId);
      this.#byTruck.set(truckId, own);
    }
    return own;
  }

  #chosenFor(truckId: string): TruckRules {
    const named = new Set(this.#named.get(truckId));
    return sorted(this.#rules.filter((one) => named.has(one) || matches(one.rule, truckId)));
  }
}

function sorted(rules: readonly PreparedRule[]): TruckRules {
  const isSilence = (one: PreparedRule): one is PreparedRule<RuleOf<'silence'>> => one.rule.kind === 'silence';
  return { positions: rules.filter((one) => !isSilence(one)), silences: rules.filter(isSilence) };
}

function prepared(rule: Rule): PreparedRule {
  return { rule, contains: containsOf(rule), isActive: rule.schedule ? activeTimes(rule.schedule) : always };
}

function containsOf(rule: Rule): Contains {
  if (rule.kind === 'corridor') return insideCorridor(rule.line, rule.widthM);
  return 'area' in rule && rule.area ? insideArea(rule.area) : everywhere;
}

/** By 'all' or a pattern; ids are looked up. */
function matches({ trucks }: Rule, truckId: string): boolean {
  if (trucks === 'all') return true;
  return 'pattern' in trucks && matchesPattern(trucks.pattern, truckId);
}

/** `*` is any text, `?` any character. It backtracks to the last star only: no pattern takes exponential time. */
export function matchesPattern(pattern: string, text: string): boolean {
  let [at, star, resume] = [0, -1, 0];
  for (let n = 0; n < text.length; ) {
    if (pattern[at] === '*') {
      star = at++;
      resume = n;
    } else if (pattern[at] === '?' || pattern[at] === text[n]) {
      at++;
      n++;
    } else if (star < 0) return false;
    else {
      at = star + 1;
      n = ++resume;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
