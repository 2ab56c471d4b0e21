// The common base of every program: settings, log, metrics, the real host, the lifecycle, /metrics and /health.
import type { Host, Logger } from '@milepost/core';
import { nodeDisk, nodeHost, openFileLimit, openFilesWithin } from '@milepost/node-host';
import type { Settings } from '@milepost/settings';
import type { PrometheusMeter } from '@milepost/telemetry';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { HttpProtection } from './http-protection.ts';
import { Lifecycle } from './lifecycle.ts';
import { ObservationController } from './observation.controller.ts';
import { schemasOf } from './schemas.ts';
import { DATABASE, HOST, LOGGER, METER, SCHEMAS, SETTINGS } from './tokens.ts';

export interface Frame {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly meter: PrometheusMeter;
  readonly lifecycle: Lifecycle;
}

@Global()
@Module({})
export class ChassisModule {
  static with({ settings, logger, meter, lifecycle }: Frame): DynamicModule {
    const disk = nodeDisk({ openFiles: openFilesWithin(settings.openFiles, openFileLimit(), logger) });
    const host: Host = nodeHost({ disk, meter, logger });
    return {
      module: ChassisModule,
      controllers: [ObservationController],
      providers: [
        { provide: SETTINGS, useValue: settings },
        { provide: LOGGER, useValue: logger },
        { provide: METER, useValue: meter },
        { provide: HOST, useValue: host },
        { provide: Lifecycle, useValue: lifecycle },
        HttpProtection,
        {
          provide: SCHEMAS,
          useFactory: (database?: () => DataSource) => schemasOf(settings, database),
          inject: [{ token: DATABASE, optional: true }],
        },
      ],
      exports: [SCHEMAS, SETTINGS, LOGGER, METER, HOST, Lifecycle, HttpProtection],
    };
  }
}
