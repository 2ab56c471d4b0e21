import { DatabaseModule, KafkaFromSettingsModule, runProgram } from '../../chassis/src/index.ts';
import { NotificationsModule } from './notifications.module.ts';

await runProgram({
  name: 'notifications',
  modules: () => [DatabaseModule, KafkaFromSettingsModule, NotificationsModule],
});
