// The rules in memory, for tests.
import type { Rule, RuleDraft } from './rule.ts';
import { type AddOutcome, MOST_RULES, type ReplaceOutcome, type RuleList, type RuleStore } from './rule-store.ts';

export class MemoryRuleStore implements RuleStore {
  readonly heard = new Set<string>();
  readonly #rules = new Map<string, Rule>();
  #version = 0;

  async list(): Promise<RuleList> {
    const rules = [...this.#rules.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return { version: this.#version, rules, broken: [] };
  }

  async add(drafts: readonly RuleDraft[], existing: 'refuse' | 'replace' | 'keep'): Promise<AddOutcome> {
    const known = drafts.filter(({ id }) => this.#rules.has(id)).map(({ id }) => id);
    if (existing === 'refuse' && known.length > 0) return { kind: 'exists', ids: known.toSorted() };
    if (this.#rules.size + drafts.length - known.length > MOST_RULES) return { kind: 'full' };
    this.#version++;
    const added = existing === 'keep' ? drafts.filter(({ id }) => !this.#rules.has(id)) : drafts;
    return { kind: 'added', rules: added.map((draft) => this.#set(draft)) };
  }

  async replace(draft: RuleDraft, expectedVersion?: number): Promise<ReplaceOutcome> {
    const known = this.#rules.get(draft.id);
    if (!known) return { kind: 'missing' };
    if (expectedVersion !== undefined && known.version !== expectedVersion)
      return { kind: 'changed', version: known.version };
    this.#version++;
    return { kind: 'replaced', rule: this.#set(draft) };
  }

  async remove(id: string): Promise<boolean> {
    const isRemoved = this.#rules.delete(id);
    if (isRemoved) this.#version++;
    return isRemoved;
  }

  async unheard(truckIds: readonly string[]): Promise<readonly string[]> {
    return truckIds.filter((id) => !this.heard.has(id));
  }

  #set(draft: RuleDraft): Rule {
    const rule = { ...draft, version: this.#version };
    this.#rules.set(rule.id, rule);
    return rule;
  }
}
