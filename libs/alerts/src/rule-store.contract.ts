// The promises of every RuleStore: a change is whole, has a version of its own, and is refused where another came first.
import type { RuleDraft, RuleStore } from './index.ts';

export interface RuleStoreUnderTest {
  /** Without rules. */
  readonly store: RuleStore;
  close(): Promise<void>;
}

const draft = (id: string, limitKmh = 90): RuleDraft => ({
  id,
  name: `the rule ${id}`,
  enabled: true,
  kind: 'speeding',
  trucks: { ids: ['t-1'] },
  limitKmh,
});

export function ruleStoreContract(name: string, make: () => Promise<RuleStoreUnderTest>): void {
  describe(name, () => {
    let it: RuleStoreUnderTest;
    let store: RuleStore;
    beforeEach(async () => {
      it = await make();
      store = it.store;
    });
    afterEach(() => it.close());

    test('rules are read back in the order of their ids, each with the version of its change', async () => {
      const first = await store.add([draft('b'), draft('a')], 'refuse');
      await store.add([draft('c')], 'refuse');
      const { broken, rules, version } = await store.list();
      expect(first).toMatchObject({ kind: 'added' });
      expect(rules.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
      expect(rules[0]).toEqual({ ...draft('a'), version: rules[1]?.version });
      expect(rules[2]?.version).toBe(version);
      expect(rules[0]?.version).toBeLessThan(version);
      expect(broken).toEqual([]);
    });

    test('of several rules none is added if one exists, unless the caller replaces or keeps it', async () => {
      await store.add([draft('a', 50)], 'refuse');
      expect(await store.add([draft('b'), draft('a')], 'refuse')).toEqual({ kind: 'exists', ids: ['a'] });
      expect((await store.list()).rules).toHaveLength(1);
      await store.add([draft('b'), draft('a')], 'keep');
      expect((await store.list()).rules).toMatchObject([{ limitKmh: 50 }, { id: 'b' }]);
      await store.add([draft('a', 70)], 'replace');
      expect((await store.list()).rules).toMatchObject([{ limitKmh: 70 }, { id: 'b' }]);
    });

    test('a rule that was changed meanwhile is not replaced', async () => {
      await store.add([draft('a')], 'refuse');
      const version = (await store.list()).rules[0]?.version ?? 0;
      expect(await store.replace(draft('a', 60), version)).toMatchObject({ kind: 'replaced', rule: { limitKmh: 60 } });
      const outcome = await store.replace(draft('a', 30), version);
      expect(outcome).toEqual({ kind: 'changed', version: (await store.list()).rules[0]?.version });
      expect((await store.list()).rules).toMatchObject([{ limitKmh: 60 }]);
      expect(await store.replace(draft('b'))).toEqual({ kind: 'missing' });
    });

    test('a rule that is removed and added again has a version that was never used', async () => {
      await store.add([draft('a')], 'refuse');
      const { version } = await store.list();
      expect(await store.remove('a')).toBe(true);
      expect(await store.remove('a')).toBe(false);
      expect(await store.list()).toMatchObject({ rules: [] });
      await store.add([draft('a')], 'refuse');
      expect((await store.list()).rules[0]?.version).toBeGreaterThan(version);
    });

    test('there are at most 1,000 rules', async () => {
      const many = Array.from({ length: 1_000 }, (_, n) => draft(`r-${n}`));
      await store.add(many, 'refuse');
      expect(await store.add([draft('one-more')], 'refuse')).toEqual({ kind: 'full' });
      expect(await store.add([draft('r-7', 30)], 'replace')).toMatchObject({ kind: 'added' });
      expect((await store.list()).rules).toHaveLength(1_000);
    });
  });
}
