// Where the rules are: a port. Each change is one transaction, takes the next version, and is noticed by followers.
import type { Rule, RuleDraft } from './rule.ts';

/** All rules at one moment. */
export interface RuleList {
  /** Of the last change. */
  readonly version: number;
  /** In the order of their ids. */
  readonly rules: readonly Rule[];
  /** Stored rules that cannot be read, such as those of a later version: they do not apply. */
  readonly broken: readonly { readonly id: string; readonly reason: string }[];
}

export interface RuleStore {
  list(): Promise<RuleList>;
  /** All or none. `existing`: what happens to rules with the same ids. */
  add(drafts: readonly RuleDraft[], existing: 'refuse' | 'replace' | 'keep'): Promise<AddOutcome>;
  /** `expectedVersion`: only if the rule has not changed since. */
  replace(draft: RuleDraft, expectedVersion?: number): Promise<ReplaceOutcome>;
  /** Whether there was one. */
  remove(id: string): Promise<boolean>;
  /** Of these trucks those that no position has been judged of. */
  unheard(truckIds: readonly string[]): Promise<readonly string[]>;
}

export type AddOutcome =
  | { readonly kind: 'added'; readonly rules: readonly Rule[] }
  | { readonly kind: 'exists'; readonly ids: readonly string[] }
  | { readonly kind: 'full' };

export type ReplaceOutcome =
  | { readonly kind: 'replaced'; readonly rule: Rule }
  | { readonly kind: 'missing' }
  | { readonly kind: 'changed'; readonly version: number };

/** The rules that apply to a truck cost time at each of its positions. */
export const MOST_RULES = 1_000;

/** The only rule of a new installation. Its user may change or remove it. */
export const FIRST_RULE: RuleDraft = {
  id: 'silence',
  name: 'Silent for a minute',
  enabled: true,
  kind: 'silence',
  trucks: 'all',
  afterSeconds: 60,
};
