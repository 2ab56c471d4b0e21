// For an app without a Milepost broker in the same process: the Kafka that the settings name, awaited at the start.
import type { Logger } from '@milepost/core';
import type { Settings } from '@milepost/settings';
import { type KafkaAddress, reachKafka } from '@milepost/streams';
import { Global, Inject, Injectable, Module } from '@nestjs/common';
import { kafkaAddress } from './kafka-address.ts';
import { Lifecycle, type Part } from './lifecycle.ts';
import { KAFKA, type Kafka, LOGGER, SETTINGS } from './tokens.ts';

@Injectable()
export class ForeignKafkaPart implements Part {
  readonly name = 'Kafka';
  readonly phase = 'broker';
  #address: KafkaAddress | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(LOGGER) private readonly logger: Logger,
    lifecycle: Lifecycle,
  ) {
    lifecycle.register(this);
  }

  async start(signal: AbortSignal): Promise<void> {
    const { logger, settings } = this;
    this.#address = kafkaAddress(settings);
    await reachKafka(this.#address, { waitMs: settings.kafkaWaitSeconds * 1000, logger, signal });
  }

  async stop(): Promise<void> {}

  address(): KafkaAddress {
    if (!this.#address) throw new Error('Kafka is used before its phase');
    return this.#address;
  }
}

@Global()
@Module({
  providers: [
    ForeignKafkaPart,
    {
      provide: KAFKA,
      useFactory:
        (part: ForeignKafkaPart): Kafka =>
        () =>
          part.address(),
      inject: [ForeignKafkaPart],
    },
  ],
  exports: [KAFKA],
})
export class KafkaFromSettingsModule {}
