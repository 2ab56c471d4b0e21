import { KafkaFromSettingsModule, runProgram } from '../../chassis/src/index.ts';
import { DashboardModule } from './dashboard.module.ts';

await runProgram({ name: 'dashboard', modules: () => [KafkaFromSettingsModule, DashboardModule] });
