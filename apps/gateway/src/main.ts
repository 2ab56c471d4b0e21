import { DatabaseModule, KafkaFromSettingsModule, runProgram } from '../../chassis/src/index.ts';
import { GatewayModule } from './gateway.module.ts';

await runProgram({
  name: 'gateway',
  modules: ({ databaseUrl, mqttAuthentication }) => [
    ...(databaseUrl !== undefined || mqttAuthentication === 'required' ? [DatabaseModule] : []),
    KafkaFromSettingsModule,
    GatewayModule,
  ],
});
