import { MemoryRuleStore } from './memory-rule-store.ts';
import { ruleStoreContract } from './rule-store.contract.ts';

ruleStoreContract('MemoryRuleStore', async () => ({ store: new MemoryRuleStore(), close: async () => {} }));
