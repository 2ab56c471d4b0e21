// The endpoints of every program on its HTTP port: liveness, readiness, metrics.
import { PrometheusMeter } from '@milepost/telemetry';
import { Controller, Get, Header, HttpCode, HttpException, HttpStatus, Inject } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Lifecycle } from './lifecycle.ts';
import { METER } from './tokens.ts';

@ApiExcludeController()
@Controller()
export class ObservationController {
  constructor(
    @Inject(METER) private readonly meter: PrometheusMeter,
    private readonly lifecycle: Lifecycle,
  ) {}

  /** Live means that the event loop turns, no more. It never depends on PostgreSQL or another program. */
  @Get('health/live')
  @HttpCode(HttpStatus.OK)
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  @Get('health/ready')
  ready(): { status: 'ready'; degraded?: string[] } {
    const reasons = this.lifecycle.notReady();
    if (reasons.length > 0) throw new HttpException({ status: 'not ready', reasons }, HttpStatus.SERVICE_UNAVAILABLE);
    const degraded = this.lifecycle.degraded();
    return { status: 'ready', ...(degraded.length > 0 && { degraded }) };
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  metrics(): Promise<string> {
    return this.meter.text();
  }
}
