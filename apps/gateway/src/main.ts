import { DatabaseModule, KafkaFromSettingsModule, runProgram } from '../../chassis/src/index.ts';
import { GatewayModule } from './gateway.module.ts';

await runProgram({
  name: 'gateway',
  modules: ({ mqttAuthentication }) => [
    ...(mqttAuthentication === 'required' ? [DatabaseModule] : []),
    KafkaFromSettingsModule,
    GatewayModule,
  ],
});
