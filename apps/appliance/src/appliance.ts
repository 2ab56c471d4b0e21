// All of Milepost in one process: PostgreSQL, broker, gateway, dashboard, notifications. With MILEPOST_BOOTSTRAP_SERVERS
// set it starts no broker, and the apps use that Kafka.
import type { Settings } from '@milepost/settings';
import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { BrokerModule, BrokerPart } from '../../broker/src/broker.module.ts';
import {
  DatabaseModule,
  KAFKA,
  type Kafka,
  KafkaFromSettingsModule,
  type ProgramOptions,
} from '../../chassis/src/index.ts';
import { DashboardModule } from '../../dashboard/src/dashboard.module.ts';
import { GatewayModule } from '../../gateway/src/gateway.module.ts';
import { NotificationsModule } from '../../notifications/src/notifications.module.ts';

export const appliance: Pick<ProgramOptions, 'name' | 'modules'> = {
  name: 'appliance',
  modules: (settings) => [...kafka(settings), GatewayModule, DashboardModule, NotificationsModule],
};

const kafka = ({ bootstrapServers }: Settings): (Type | DynamicModule)[] =>
  bootstrapServers ? [DatabaseModule, KafkaFromSettingsModule] : [DatabaseModule, OwnKafkaModule];

@Global()
@Module({
  imports: [BrokerModule],
  providers: [
    {
      provide: KAFKA,
      useFactory:
        (broker: BrokerPart): Kafka =>
        () =>
          broker.kafkaAddress(),
      inject: [BrokerPart],
    },
  ],
  exports: [KAFKA],
})
class OwnKafkaModule {}
