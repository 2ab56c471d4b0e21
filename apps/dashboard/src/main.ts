import { DatabaseModule, KafkaFromSettingsModule, runProgram } from '../../chassis/src/index.ts';
import { accounts } from './accounts/accounts.module.ts';
import { DashboardModule } from './dashboard.module.ts';

await runProgram({
  name: 'dashboard',
  modules: (settings) => [
    ...(settings.databaseUrl === undefined ? [] : [DatabaseModule]),
    KafkaFromSettingsModule,
    DashboardModule,
    ...accounts(settings),
  ],
});
