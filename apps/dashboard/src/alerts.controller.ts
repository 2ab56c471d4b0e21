import type { Alert } from '@milepost/alerts';
import { Controller, Get, Inject } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { AlertsSource } from './alerts-source.ts';

export const ALERTS_SOURCE = Symbol('AlertsSource');

@ApiTags('alerts')
@Controller('api/alerts')
export class AlertsController {
  constructor(@Inject(ALERTS_SOURCE) private readonly source: AlertsSource) {}

  @Get()
  @ApiOperation({ summary: 'The recent alerts, newest first' })
  @ApiOkResponse({ description: 'At most 200, of the last day' })
  alerts(): readonly Alert[] {
    return this.source.recent();
  }
}
