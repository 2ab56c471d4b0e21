// All of Milepost in one process: PostgreSQL, broker, gateway, dashboard, notifications. With MILEPOST_BOOTSTRAP_SERVERS
// set it starts no broker, and the apps use that Kafka. With `--brokers N` it is the first broker of a cluster, and starts the
// others as processes beside it.
import type { Settings } from '@milepost/settings';
import { type DynamicModule, Global, Module, type Type } from '@nestjs/common';
import { brokersOf } from '../../broker/src/broker-properties.ts';
import { BrokerModule, BrokerPart } from '../../broker/src/broker.module.ts';
import {
  DatabaseModule,
  KAFKA,
  type Kafka,
  KafkaFromSettingsModule,
  type ProgramOptions,
} from '../../chassis/src/index.ts';
import { accounts } from '../../dashboard/src/accounts/accounts.module.ts';
import { DashboardModule } from '../../dashboard/src/dashboard.module.ts';
import { GatewayModule } from '../../gateway/src/gateway.module.ts';
import { NotificationsModule } from '../../notifications/src/notifications.module.ts';
import { SchemaRegistryModule } from '../../schema-registry/src/schema-registry.module.ts';
import { FurtherBrokersPart } from './further-brokers.ts';

export const appliance: Pick<ProgramOptions, 'name' | 'modules'> = {
  name: 'appliance',
  modules: (settings) => [
    ...kafka(settings),
    GatewayModule,
    DashboardModule,
    ...accounts(settings),
    NotificationsModule,
    SchemaRegistryModule,
  ],
};

function kafka({ bootstrapServers }: Settings): (Type | DynamicModule)[] {
  const brokers = brokersOf(process.argv);
  if (bootstrapServers && brokers > 1)
    throw new Error('--brokers: expected MILEPOST_BOOTSTRAP_SERVERS to be unset, as no broker is started with it');
  if (bootstrapServers) return [DatabaseModule, KafkaFromSettingsModule];
  return [DatabaseModule, OwnKafkaModule, ...(brokers > 1 ? [FurtherBrokersModule] : [])];
}

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

@Module({ providers: [FurtherBrokersPart] })
class FurtherBrokersModule {}
