import { FIRST_RULE, MemoryRuleStore, RuleSet } from '@milepost/alerts';
import { city } from '../../trucks/src/index.ts';
import { addDemoRules } from './demo-rules.ts';

const ids = async (store: MemoryRuleStore) => (await store.list()).rules.map(({ id }) => id);

test('the demo adds its rules to those of a new installation, and its fence is the city of its trucks', async () => {
  const store = new MemoryRuleStore();
  await store.add([FIRST_RULE], 'refuse');
  await addDemoRules(store);
  expect(await ids(store)).toEqual(['city', 'silence', 'speeding']);
  const { rules, version } = await store.list();
  const fence = new RuleSet(version, rules).rulesOf('t-1').positions.find(({ rule }) => rule.id === 'city');
  const middle = { lat: (city.south + city.north) / 2, lon: (city.west + city.east) / 2 };
  expect(fence?.contains(middle)).toBe(true);
  expect(fence?.contains({ ...middle, lon: city.east + 0.001 })).toBe(false);
});

test('a rule of the demo that its user has removed does not come back', async () => {
  const store = new MemoryRuleStore();
  await store.add([FIRST_RULE], 'refuse');
  await addDemoRules(store);
  await store.remove('city');
  await addDemoRules(store);
  expect(await ids(store)).toEqual(['silence', 'speeding']);
});
