// For an app alone: the Kafka that MILEPOST_BOOTSTRAP_SERVERS names, else a broker of ours on this machine.
import type { Settings } from '@milepost/settings';
import { Global, Module } from '@nestjs/common';
import { BOOTSTRAP_SERVERS, type BootstrapServers, SETTINGS } from './tokens.ts';

@Global()
@Module({
  providers: [
    {
      provide: BOOTSTRAP_SERVERS,
      useFactory: ({ bootstrapServers, kafkaPort }: Settings): BootstrapServers => {
        const servers = bootstrapServers ?? [`127.0.0.1:${kafkaPort}`];
        return () => servers;
      },
      inject: [SETTINGS],
    },
  ],
  exports: [BOOTSTRAP_SERVERS],
})
export class KafkaFromSettingsModule {}
