// The rules of the dashboard's API. They are in PostgreSQL: a dashboard that runs alone has them if DATABASE_URL is set.
import type { RuleStore } from '@milepost/alerts';
import { PostgresRuleStore } from '@milepost/postgres';
import { type FactoryProvider, ServiceUnavailableException } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { DATABASE } from '../../../chassis/src/index.ts';
import { RULE_STORE } from './rules.controller.ts';

export const ruleStore: FactoryProvider<() => RuleStore> = {
  provide: RULE_STORE,
  useFactory: (database?: () => DataSource) => () => {
    if (database) return new PostgresRuleStore(database());
    throw new ServiceUnavailableException('the rules are in PostgreSQL: set DATABASE_URL for the dashboard');
  },
  inject: [{ token: DATABASE, optional: true }],
};
